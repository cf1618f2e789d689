// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/histogram.h"

namespace tocsin::cli::scan {
namespace {

std::int64_t floor_divided(std::int64_t number, std::int64_t by) {
  return number / by - (number % by < 0 ? 1 : 0);
}

void add_counts(LevelCounts& to, const LevelCounts& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

void Histogram::add(UnixNanos time, Level level) {
  ++buckets_[floor_divided(time, width_)][static_cast<std::size_t>(level)];
  while (buckets_.size() > kBucketsMax) widen();
}

void Histogram::merge(const Histogram& other) {
  while (width_ < other.width_) widen();
  for (const auto& [at, counts] : other.buckets_)
    add_counts(buckets_[floor_divided(at, width_ / other.width_)], counts);
  while (buckets_.size() > kBucketsMax) widen();
}

void Histogram::widen() {
  std::map<std::int64_t, LevelCounts> wider;
  for (const auto& [at, counts] : buckets_) add_counts(wider[floor_divided(at, 2)], counts);
  buckets_ = std::move(wider);
  width_ *= 2;
}

}  // namespace tocsin::cli::scan
