// SPDX-License-Identifier: Apache-2.0
//
// Cells: numbers that one thread changes and any thread reads.
//
//   worker -> Counter, Gauge, Histogram -> Registry::scrape()
//
// Why a cell for each thread: a plain load and store does, no locked instruction, and no cache line
// travels between workers. The registry adds up cells with the same labels.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"

namespace tocsin::metrics {

inline constexpr std::size_t kCacheLine = 64;

// Threads: one thread adds, any may read.
class alignas(kCacheLine) Counter {
 public:
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Threads: one thread sets, any may read.
class alignas(kCacheLine) Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

using TraceId = std::array<std::uint8_t, 16>;

// An observation that can be looked up: the trace of the event it was made on.
struct Exemplar {
  TraceId trace{};
  double value = 0;
  UnixNanos time = 0;
};

struct HistogramValue {
  std::span<const double> bounds;     // upper ones, inclusive, ascending; the last bucket has none
  std::vector<std::uint64_t> counts;  // of each bucket alone; one more than bounds
  double sum = 0;
  std::vector<std::optional<Exemplar>> exemplars;  // of each bucket, the last one noted
};

// Counts observations by size. Ownership: borrows `bounds`, which must be static.
// Threads: one thread observes, any may read. A read may fall between the parts of one observation.
// Cost:    a binary search and three plain stores; an exemplar six more.
class alignas(kCacheLine) Histogram {
 public:
  explicit Histogram(std::span<const double> bounds)
      : bounds_(bounds), buckets_(std::make_unique<Bucket[]>(bounds.size() + 1)) {}

  void observe(double value) { observe_many(value, 1); }
  void observe_many(double value, std::uint64_t times) {
    if (times == 0) return;
    std::atomic<std::uint64_t>& count = buckets_[bucket_of(value)].count;
    count.store(count.load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value * static_cast<double>(times),
               std::memory_order_relaxed);
  }
  // Beside observe(): remembers whose observation it was, in place of the bucket's last one.
  void note(const Exemplar& exemplar);

  [[nodiscard]] HistogramValue value() const;

 private:
  // `version` is odd while the exemplar is being written; 0: there is none.
  struct Bucket {
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> version{0};
    std::array<std::atomic<std::uint64_t>, 2> trace{};
    std::atomic<double> value{0};
    std::atomic<UnixNanos> time{0};
  };

  [[nodiscard]] std::size_t bucket_of(double value) const {
    return static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                    bounds_.begin());
  }
  [[nodiscard]] static std::optional<Exemplar> read(const Bucket& bucket);

  std::span<const double> bounds_;
  std::unique_ptr<Bucket[]> buckets_;
  std::atomic<double> sum_{0};
};

}  // namespace tocsin::metrics
