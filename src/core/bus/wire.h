// SPDX-License-Identifier: Apache-2.0
//
// Wire: numbers and texts of records as the bytes of a file, for the two formats of this module
// (a chunk of the embedded bus, a record of a spool). Private to it. Numbers are little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"

namespace tocsin::bus::wire {

static_assert(std::endian::native == std::endian::little, "the files' numbers are little-endian");

// Before the key and the value of a header.
struct HeaderHead {
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
};

inline std::uint32_t narrow(std::size_t size) {
  TOCSIN_CHECK(size <= UINT32_MAX);
  return static_cast<std::uint32_t>(size);
}

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// take() removes what it gives from the front of `rest`; false: there is not so much.
template <class T>
bool take(std::string_view& rest, T& value) {
  if (rest.size() < sizeof value) return false;
  rest.copy(reinterpret_cast<char*>(&value), sizeof value);
  rest.remove_prefix(sizeof value);
  return true;
}

// Text: std::string for a copy, std::string_view for a view.
template <class Text>
bool take(std::string_view& rest, std::size_t size, Text& text) {
  if (rest.size() < size) return false;
  text = Text(rest.substr(0, size));
  rest.remove_prefix(size);
  return true;
}

}  // namespace tocsin::bus::wire
