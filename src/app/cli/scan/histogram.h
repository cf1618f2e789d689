// SPDX-License-Identifier: Apache-2.0
//
// Histogram: how many alerts of each level fell into each stretch of time, whatever the span of the
// logs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "base/clock.h"
#include "core/event/level.h"

namespace tocsin::cli::scan {

using LevelCounts = std::array<std::uint64_t, 5>;  // by Level

// Invariant: the result depends on what was added, not on its order. Memory: kBucketsMax buckets;
// they become wider instead of more.
class Histogram {
 public:
  static constexpr std::size_t kBucketsMax = 4096;

  void add(UnixNanos time, Level level);
  void merge(const Histogram& other);

  [[nodiscard]] UnixNanos width() const { return width_; }
  // By the number of widths since the epoch.
  [[nodiscard]] const std::map<std::int64_t, LevelCounts>& buckets() const { return buckets_; }

 private:
  void widen();

  UnixNanos width_ = 1'000'000'000;
  std::map<std::int64_t, LevelCounts> buckets_;
};

}  // namespace tocsin::cli::scan
