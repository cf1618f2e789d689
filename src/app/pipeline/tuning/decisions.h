// SPDX-License-Identifier: Apache-2.0
//
// Decisions: what suppression has decided on the alerts of batches that were undone. Their events
// come again, and must not be taken for repetitions of themselves.
//
//   note() each alert of a batch -> committed(), or undone() -> recall() when it comes again
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/uuid.h"

namespace tocsin::pipeline {

// Threads: one thread.
class Decisions {
 public:
  struct Decision {
    bool out = false;
    std::uint64_t suppressed = 0;  // of its kind before it
  };

  // An event that was sent twice has the same alerts at two offsets.
  [[nodiscard]] static Uuid key_of(const Uuid& alert, std::int32_t partition, std::int64_t offset) {
    Uuid key = alert;
    std::uint64_t low = 0;
    std::memcpy(&low, key.bytes.data(), sizeof low);
    low ^= (static_cast<std::uint64_t>(offset) << 16) ^ static_cast<std::uint64_t>(partition);
    std::memcpy(key.bytes.data(), &low, sizeof low);
    return key;
  }

  void note(const Uuid& key, Decision decision) { of_batch_.emplace_back(key, decision); }
  [[nodiscard]] std::optional<Decision> recall(const Uuid& key) const {
    if (undone_.empty()) return std::nullopt;
    const auto found = undone_.find(key);
    return found == undone_.end() ? std::nullopt : std::optional(found->second);
  }
  // The number of decisions since the last commit.
  [[nodiscard]] std::size_t noted() const { return of_batch_.size(); }
  // The first `count` of them are committed.
  void committed(std::size_t count) {
    const auto end = of_batch_.begin() + static_cast<std::ptrdiff_t>(count);
    for (auto at = of_batch_.begin(); at != end; ++at) undone_.erase(at->first);
    of_batch_.erase(of_batch_.begin(), end);
  }
  void committed() { committed(of_batch_.size()); }
  // What went to another member never comes again: so there is a bound.
  void undone() {
    if (undone_.size() > kUndoneMax) undone_.clear();
    undone_.insert(of_batch_.begin(), of_batch_.end());
    of_batch_.clear();
  }

 private:
  static constexpr std::size_t kUndoneMax = 100'000;
  std::vector<std::pair<Uuid, Decision>> of_batch_;
  std::unordered_map<Uuid, Decision> undone_;
};

}  // namespace tocsin::pipeline
