// SPDX-License-Identifier: Apache-2.0
//
// What each rule has done and cost so far: a table beside the verdicts, for `tocsin rules stats`.
//
//   workers' counters -> RuleStatsStore::add() -> table rule_stats -> read_rule_stats()
//
// Counts are added up, whoever adds them: several workers, processes and runs. After a crash a
// batch is read again and counted again: the figures show which rules are noisy or slow, they are
// no ledger.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite.h"

namespace tocsin::store {

struct RuleStat {
  std::string rule_id;
  std::uint64_t evaluated = 0;    // events on which its condition was looked at
  std::uint64_t matched = 0;      // events on which it matched
  std::uint64_t suppressed = 0;   // of these, alerts held back
  std::uint64_t nanoseconds = 0;  // estimated from samples; 0: not measured
  UnixNanos first_seen = 0;       // event time of the first and the last match; 0: none
  UnixNanos last_seen = 0;

  // Adds what another counted of the same rule.
  void add(const RuleStat& other);
};

// Threads: one thread; several processes may add to one file.
class RuleStatsStore {
 public:
  // Creates the file and the table when they are missing.
  [[nodiscard]] static Result<std::unique_ptr<RuleStatsStore>> open(const std::string& path);
  // All or nothing.
  [[nodiscard]] Status add(std::span<const RuleStat> stats);

 private:
  RuleStatsStore(sqlite::Database db, sqlite::Statement upsert)
      : db_(std::move(db)), upsert_(std::move(upsert)) {}

  sqlite::Database db_;
  sqlite::Statement upsert_;
};

// By rule id. kNotFound when there is no such file; empty when nothing was counted yet.
[[nodiscard]] Result<std::vector<RuleStat>> read_rule_stats(const std::string& path);

}  // namespace tocsin::store
