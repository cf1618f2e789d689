// SPDX-License-Identifier: Apache-2.0
//
// RegexLength: how many characters a text must have for a regular expression to match any of it.
//
// Why: `[^/]{100,}$` or `\s[a-f0-9]{64}` cannot match a short value, and saying so costs nothing.
#pragma once

#include <cstddef>
#include <string_view>

namespace tocsin::sigma {

// Of a pattern in RE2's syntax (https://github.com/google/re2/wiki/Syntax) that RE2 accepts. Never
// too large; 0 where it is not worked out (\Q). As a character has one byte at least, a value of
// fewer bytes holds no match.
[[nodiscard]] std::size_t shortest_match(std::string_view pattern);

}  // namespace tocsin::sigma
