// SPDX-License-Identifier: Apache-2.0
//
// RegexLength: how many characters a text must have for a regular expression to match any of it,
// and how many of one kind in a row.
//
// Why: `[^/]{100,}$` cannot match a short value, nor `\s[a-f0-9]{64}` one without so long a number,
// and both are found out faster than by running the expression.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin::sigma {

// Both of a pattern in RE2's syntax (https://github.com/google/re2/wiki/Syntax) that RE2 accepts.

// Never too large; 0 where it is not worked out (\Q). As a character has one byte at least, a value
// of fewer bytes holds no match.
[[nodiscard]] std::size_t shortest_match(std::string_view pattern);

// So many bytes in a row, each of some set, that no text without them holds a match.
struct RequiredRun {
  std::size_t count = 0;  // 0: none is known
  std::array<std::uint8_t, 256> in_set{};

  [[nodiscard]] bool stands_in(std::string_view text) const;
};
// The longest one that a counted class at the pattern's top level asks for: [a-f0-9]{64}, \d{8,}.
// The set may be larger than the class, for letters of either case.
[[nodiscard]] RequiredRun required_run(std::string_view pattern);

}  // namespace tocsin::sigma
