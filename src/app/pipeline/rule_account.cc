// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/rule_account.h"

#include <utility>
#include <vector>

namespace tocsin::pipeline {

store::RuleStat& counts_of(RuleCounts& counts, const std::string& rule_id) {
  const auto [found, fresh] = counts.try_emplace(rule_id);
  if (fresh) found->second.rule_id = rule_id;
  return found->second;
}

void RuleAccount::add(RuleCounts& counts) {
  if (counts.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, stat] : counts) counts_of(counts_, id).add(stat);
  }
  counts.clear();
}

Status RuleAccount::flush(store::RuleStatsStore& store) {
  RuleCounts taken;
  {
    const std::lock_guard lock(mutex_);
    std::swap(taken, counts_);
  }
  std::vector<store::RuleStat> stats;
  stats.reserve(taken.size());
  for (const auto& [id, stat] : taken) stats.push_back(stat);
  Status status = store.add(stats);
  if (!status) add(taken);
  return status;
}

}  // namespace tocsin::pipeline
