// SPDX-License-Identifier: Apache-2.0
//
// Suppressor: of alerts with one key within a window only the first goes out; the next one after it
// says how many were held back.
//
//   key, time of the event, window -> goes out (with a count), or is held back
//
// Time is that of the events: the same events in the same order give the same alerts whenever they
// are read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>

#include "base/clock.h"

namespace tocsin::pipeline {

using SuppressionKey = std::array<std::uint8_t, 16>;  // a hash: what it is made of may be long

// Threads: one thread.
// Memory:  `keys_max` keys at most, about 100 bytes each; then the key used least recently is
//          forgotten, and its next alert goes out.
class Suppressor {
 public:
  static constexpr std::size_t kKeysMax = 100'000;

  explicit Suppressor(std::size_t keys_max = kKeysMax) : keys_max_(keys_max) {}

  // Empty: held back. Otherwise the alert goes out, and so many were held back since the last. An
  // event up to a window older than the last that went out (late, out of order) is held back, too.
  [[nodiscard]] std::optional<std::uint64_t> admit(const SuppressionKey& key, UnixNanos time,
                                                   std::int64_t window_ns);

  [[nodiscard]] std::size_t keys() const { return entries_.size(); }
  // Keys forgotten for want of room; the counts of what they held back went with them.
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  struct Entry {
    SuppressionKey key;
    UnixNanos start;  // of the window: the alert that went out
    std::uint64_t held_back;
  };
  struct Hash {
    std::size_t operator()(const SuppressionKey& key) const;
  };

  std::size_t keys_max_;
  std::uint64_t forgotten_ = 0;
  std::list<Entry> entries_;  // used most recently first
  std::unordered_map<SuppressionKey, std::list<Entry>::iterator, Hash> by_key_;
};

}  // namespace tocsin::pipeline
