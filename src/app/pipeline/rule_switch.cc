// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/rule_switch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tocsin::pipeline {

RuleSwitch::RuleSwitch(const std::shared_ptr<const RuleSnapshot>& first, std::size_t workers) {
  for (std::size_t i = 0; i < workers; ++i) desks_.push_back(std::make_unique<Desk>());
  publish(first);
}

bool RuleSwitch::swap(Desk& desk, std::unique_ptr<RuleSeat>& seat) {
  const std::lock_guard lock(desk.mutex);
  if (desk.next == nullptr) return false;
  // Room was made when `next` was put there: nothing is allocated here.
  if (seat != nullptr) desk.old.push_back(std::move(seat));
  seat = std::move(desk.next);
  desk.ready.store(false, std::memory_order_relaxed);
  return true;
}

void RuleSwitch::note_gap(std::int64_t ns) {
  std::int64_t longest = longest_gap_.load(std::memory_order_relaxed);
  while (ns > longest && !longest_gap_.compare_exchange_weak(longest, ns)) {
  }
}

void RuleSwitch::measure(bool on) {
  if (on) longest_gap_ = 0;
  measuring_ = on;
}

void RuleSwitch::publish(const std::shared_ptr<const RuleSnapshot>& snapshot) {
  for (const auto& desk : desks_) {
    auto seat = std::make_unique<RuleSeat>(snapshot);
    const std::lock_guard lock(desk->mutex);
    desk->old.reserve(desk->old.size() + 1);
    std::swap(desk->next, seat);  // one that nobody took is freed behind the lock
    desk->ready.store(true, std::memory_order_release);
  }
}

bool RuleSwitch::collect() {
  bool all_taken = true;
  std::vector<std::unique_ptr<RuleSeat>> old;  // freed behind the locks
  for (const auto& desk : desks_) {
    const std::lock_guard lock(desk->mutex);
    all_taken = all_taken && desk->next == nullptr;
    std::move(desk->old.begin(), desk->old.end(), std::back_inserter(old));
    desk->old.clear();
    desk->old.reserve(1);
  }
  return all_taken;
}

}  // namespace tocsin::pipeline
