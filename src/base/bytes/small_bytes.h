// SPDX-License-Identifier: Apache-2.0
//
// Comparing short stretches of bytes without a call: names and values of events are mostly short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tocsin {

[[nodiscard]] inline bool equal_bytes(const char* a, const char* b, std::size_t size) {
  const auto same = [&]<class Word>(Word, std::size_t at) {
    Word x, y;
    std::memcpy(&x, a + at, sizeof x);
    std::memcpy(&y, b + at, sizeof y);
    return x == y;
  };
  // The last word overlaps the one before it.
  if (size >= sizeof(std::uint64_t)) {
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) <= size; at += sizeof(std::uint64_t))
      if (!same(std::uint64_t{}, at)) return false;
    return at == size || same(std::uint64_t{}, size - sizeof(std::uint64_t));
  }
  if (size >= sizeof(std::uint32_t))
    return same(std::uint32_t{}, 0) && same(std::uint32_t{}, size - sizeof(std::uint32_t));
  for (std::size_t at = 0; at < size; ++at)
    if (a[at] != b[at]) return false;
  return true;
}

}  // namespace tocsin
