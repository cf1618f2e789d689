// SPDX-License-Identifier: Apache-2.0
//
// RuleAccount: what each rule did since the last time it was written down.
//
//   workers, once a batch -> add() -> flush(), now and then -> table rule_stats
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "stages/store/rule_stats.h"

namespace tocsin::pipeline {

// By rule id. A worker fills one of its own and hands it over once a batch.
using RuleCounts = std::unordered_map<std::string, store::RuleStat>;

// The counters of this rule, made when it has none yet.
[[nodiscard]] store::RuleStat& counts_of(RuleCounts& counts, const std::string& rule_id);

// Threads: thread-safe; one thread flushes.
class RuleAccount {
 public:
  // Empties `counts`.
  void add(RuleCounts& counts);
  // What could not be written is kept for the next time.
  [[nodiscard]] Status flush(store::RuleStatsStore& store);

 private:
  std::mutex mutex_;
  RuleCounts counts_;
};

}  // namespace tocsin::pipeline
