// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/cells.h"

#include <cstring>

namespace tocsin::metrics {

// A sequence lock without fences, which the thread sanitizer does not know: the release stores of
// the parts keep them behind the odd version, the acquire loads of the reader before its second
// look.
void Histogram::note(const Exemplar& exemplar) {
  Bucket& bucket = buckets_[bucket_of(exemplar.value)];
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), exemplar.trace.data(), exemplar.trace.size());
  const std::uint64_t version = bucket.version.load(std::memory_order_relaxed);
  bucket.version.store(version + 1, std::memory_order_relaxed);
  bucket.trace[0].store(halves[0], std::memory_order_release);
  bucket.trace[1].store(halves[1], std::memory_order_release);
  bucket.value.store(exemplar.value, std::memory_order_release);
  bucket.time.store(exemplar.time, std::memory_order_release);
  bucket.version.store(version + 2, std::memory_order_release);
}

// Nothing when the writer was met at work again and again: an exemplar is a sample anyway.
std::optional<Exemplar> Histogram::read(const Bucket& bucket) {
  constexpr int kTries = 16;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = bucket.version.load(std::memory_order_acquire);
    if (before == 0) return std::nullopt;
    Exemplar exemplar;
    const std::array<std::uint64_t, 2> halves = {bucket.trace[0].load(std::memory_order_acquire),
                                                 bucket.trace[1].load(std::memory_order_acquire)};
    std::memcpy(exemplar.trace.data(), halves.data(), exemplar.trace.size());
    exemplar.value = bucket.value.load(std::memory_order_acquire);
    exemplar.time = bucket.time.load(std::memory_order_acquire);
    if (before % 2 == 0 && bucket.version.load(std::memory_order_relaxed) == before)
      return exemplar;
  }
  return std::nullopt;
}

HistogramValue Histogram::value() const {
  HistogramValue value;
  value.bounds = bounds_;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    value.counts.push_back(buckets_[i].count.load(std::memory_order_relaxed));
    value.exemplars.push_back(read(buckets_[i]));
  }
  value.sum = sum_.load(std::memory_order_relaxed);
  return value;
}

}  // namespace tocsin::metrics
