// SPDX-License-Identifier: Apache-2.0
//
// Rng: the only source of chance in the simulator. The same seed gives the same numbers on every
// machine, which the distributions of the standard library do not promise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin::synthetic {

// One step of SplitMix64: also the hash behind every id that must look random and stay the same.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

// FNV-1a, finished by mix().
[[nodiscard]] constexpr std::uint64_t hash_text(std::string_view text, std::uint64_t salt = 0) {
  std::uint64_t h = 0xcbf29ce484222325ULL ^ mix(salt);
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(h);
}

// Threads: one thread.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(mix(seed)) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return mix(state_);
  }
  // 0 <= result < n; requires 0 < n < 2^32.
  std::uint32_t below(std::size_t n) {
    return static_cast<std::uint32_t>(((next() >> 32U) * n) >> 32U);
  }
  // low <= result <= high.
  std::int64_t range(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
  }
  bool percent(std::uint32_t chance) { return below(100) < chance; }

  template <class T>
  T& pick(std::span<T> items) {
    return items[below(items.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tocsin::synthetic
