// SPDX-License-Identifier: Apache-2.0
//
// WorkCounter: how often each rule's condition was looked at, and for how long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "stages/match/engine.h"

namespace tocsin::match {

// Threads: one thread.
// Cost:    two additions a look; every kSampled-th also reads the clock twice.
class WorkCounter {
 public:
  void resize(std::size_t rules) { by_rule_.resize(rules); }

  template <class Look>
  auto count(RuleIndex rule, Look&& look) {
    Work& work = by_rule_[rule];
    if (work.evaluated++ == 0) worked_.push_back(rule);
    if (++looks_ % kSampled != 0) [[likely]]
      return look();
    const auto begin = std::chrono::steady_clock::now();
    const auto result = look();
    const auto took = std::chrono::steady_clock::now() - begin;
    work.nanoseconds +=
        kSampled * static_cast<std::uint64_t>(
                       std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
    return result;
  }

  void take(std::vector<Matcher::RuleWork>& out) {
    for (const RuleIndex rule : worked_) {
      out.push_back({rule, by_rule_[rule].evaluated, by_rule_[rule].nanoseconds});
      by_rule_[rule] = {};
    }
    worked_.clear();
  }

 private:
  static constexpr std::uint64_t kSampled = 16;
  struct Work {
    std::uint64_t evaluated = 0;
    std::uint64_t nanoseconds = 0;
  };
  std::vector<Work> by_rule_;
  std::vector<RuleIndex> worked_;
  std::uint64_t looks_ = 0;
};

}  // namespace tocsin::match
