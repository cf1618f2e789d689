// SPDX-License-Identifier: Apache-2.0
//
// Commonness: how often logs hold a byte, roughly; what a table is filed under should be rare.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin::match {

// How many bits a byte tells: about the logarithm of how seldom text of logs holds it, capital
// letters taken for small ones.
inline constexpr std::array<std::uint8_t, 256> kBitsOfByte = [] {
  std::array<std::uint8_t, 256> bits{};
  bits.fill(8);
  const auto set = [&](std::string_view bytes, std::uint8_t value) {
    for (const char c : bytes) bits[static_cast<unsigned char>(c)] = value;
  };
  set("abcdefghijklmnopqrstuvwxyz .-\\", 5);
  set("0123456789", 6);
  set("jqxzkvwy", 7);
  set("etaoinsr", 4);
  for (unsigned byte = 'A'; byte <= 'Z'; ++byte) bits[byte] = bits[byte | 0x20u];
  return bits;
}();

[[nodiscard]] constexpr int bits_of(char c) { return kBitsOfByte[static_cast<unsigned char>(c)]; }
[[nodiscard]] constexpr int bits_of(std::string_view text) {
  int bits = 0;
  for (const char c : text) bits += bits_of(c);
  return bits;
}

// From 1 (seldom) to 16.
[[nodiscard]] constexpr int commonness(char c) { return 1 << (8 - bits_of(c)); }

// Where as many neighbouring windows begin of which the most common one is rarest; `rarity(at)`:
// of the window that begins there, one for each of `places`. `windows` is at most 4.
template <class Rarity>
[[nodiscard]] std::size_t rarest_windows(std::size_t places, std::size_t windows,
                                         const Rarity& rarity) {
  std::array<int, 4> last{};  // of the last windows, by place modulo their number
  const std::span<const int> all = std::span(last).first(windows);
  std::size_t best = 0;
  int best_rarity = INT32_MIN;
  for (std::size_t at = 0; at < places; ++at) {
    last[at % windows] = rarity(at);
    if (at + 1 < windows) continue;
    const int least = *std::min_element(all.begin(), all.end());
    if (least <= best_rarity) continue;
    best_rarity = least;
    best = at + 1 - windows;
  }
  return best;
}

}  // namespace tocsin::match
