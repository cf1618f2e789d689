// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/tuning/suppressor.h"

#include <cstring>
#include <utility>

namespace tocsin::pipeline {
namespace {

// Without overflow, whatever times an event claims.
std::uint64_t distance(UnixNanos a, UnixNanos b) {
  const auto x = static_cast<std::uint64_t>(a);
  const auto y = static_cast<std::uint64_t>(b);
  return a > b ? x - y : y - x;
}

}  // namespace

std::size_t Suppressor::Hash::operator()(const SuppressionKey& key) const {
  std::size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof hash);  // a part of a SHA-256
  return hash;
}

std::optional<std::uint64_t> Suppressor::admit(const SuppressionKey& key, UnixNanos time,
                                               std::int64_t window_ns) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    Entry& entry = entries_.front();
    if (distance(time, entry.start) < static_cast<std::uint64_t>(window_ns)) {
      ++entry.held_back;
      return std::nullopt;
    }
    entry.start = time;
    return std::exchange(entry.held_back, 0);
  }
  if (entries_.size() >= keys_max_) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
    ++forgotten_;
  }
  entries_.push_front({key, time, 0});
  by_key_.emplace(key, entries_.begin());
  return 0;
}

}  // namespace tocsin::pipeline
