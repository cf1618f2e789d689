// SPDX-License-Identifier: Apache-2.0
//
// RuleSwitch: hands new rules to workers that go on matching.
//
//   reload thread: publish(snapshot) -> a classifier for each worker stands ready
//   worker, between two batches: take() swaps two pointers
//   reload thread: collect() frees the old ones
//
// What takes long (building a classifier, freeing tens of thousands of predicates) happens in the
// reload thread; a worker neither waits for it nor pays for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "app/pipeline/classifier.h"
#include "app/pipeline/reload/rule_library.h"

namespace tocsin::pipeline {

// What one worker matches with.
struct RuleSeat {
  std::shared_ptr<const RuleSnapshot> rules;
  Classifier classifier;

  explicit RuleSeat(std::shared_ptr<const RuleSnapshot> snapshot)
      : rules(std::move(snapshot)), classifier(rules->engine, *rules->taxonomy) {}
};

// Threads: publish(), collect() and the reports: one thread; take() and note_gap(): each worker
// with its own number.
class RuleSwitch {
 public:
  RuleSwitch(const std::shared_ptr<const RuleSnapshot>& first, std::size_t workers);

  [[nodiscard]] std::size_t workers() const { return desks_.size(); }

  // -- a worker --

  // True: `seat` is another one now. Never waits for longer than the other side swaps a pointer.
  bool take(std::size_t worker, std::unique_ptr<RuleSeat>& seat) {
    Desk& desk = *desks_[worker];
    return desk.ready.load(std::memory_order_acquire) && swap(desk, seat);
  }
  // Whether gaps between events are of interest: while rules are compiled and handed over.
  [[nodiscard]] bool measuring() const { return measuring_.load(std::memory_order_relaxed); }
  void note_gap(std::int64_t ns);

  // -- the reload thread --

  void measure(bool on);
  void publish(const std::shared_ptr<const RuleSnapshot>& snapshot);
  // Frees what workers gave back. True: every worker has the rules published last.
  bool collect();
  // The longest time between two events of a batch since measure(true), swap included.
  [[nodiscard]] std::int64_t longest_gap_ns() const { return longest_gap_.load(); }

 private:
  struct Desk {
    std::atomic<bool> ready{false};
    std::mutex mutex;
    std::unique_ptr<RuleSeat> next;
    std::vector<std::unique_ptr<RuleSeat>> old;
  };

  static bool swap(Desk& desk, std::unique_ptr<RuleSeat>& seat);

  std::vector<std::unique_ptr<Desk>> desks_;
  std::atomic<bool> measuring_{false};
  std::atomic<std::int64_t> longest_gap_{0};
};

}  // namespace tocsin::pipeline
