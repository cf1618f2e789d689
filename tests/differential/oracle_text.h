// SPDX-License-Identifier: Apache-2.0
//
// What Sigma says about text, once more: folding, wildcards, regular expressions, encodings,
// addresses and times, as plainly as can be, for the tests to compare with. Shares no code with
// core/sigma.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::differential {

[[nodiscard]] std::u32string to_code_points(std::string_view utf8);
[[nodiscard]] std::string to_utf8(const std::u32string& text);

// Simple case folding of the scripts that the generators use (see fold() for the list); by our own
// decision both Turkish i fold to 'i', but not in regular expressions.
[[nodiscard]] std::u32string fold(const std::u32string& text);

// One element of a value with wildcards (specification, "String Wildcard" and "Escape Character").
struct Element {
  enum class Kind { kCharacter, kOne, kMany, kDash };
  Kind kind;
  char32_t character;
};
using Elements = std::vector<Element>;
[[nodiscard]] Elements parse_wildcards(const std::u32string& text);
[[nodiscard]] Elements plain(const std::u32string& text);  // no character is special
// Appendix Modifiers, windash: each dash that begins a word may be any of five dashes.
[[nodiscard]] Elements windash(Elements elements);
[[nodiscard]] bool matches(const Elements& elements, const std::u32string& text, bool cased);

struct RegexOptions {
  bool ignore_case = false, multi_line = false, dot_all = false;
};
// Whether the expression is found in the text, in PCRE's meaning. Nothing when the expression uses
// more than the specification's metacharacters and \d \w \s.
[[nodiscard]] std::optional<bool> regex_found(const std::u32string& expression,
                                              const std::u32string& text, RegexOptions options);

[[nodiscard]] std::string base64(std::string_view bytes);
// The three texts that stay the same wherever `bytes` stands in something encoded.
[[nodiscard]] std::array<std::string, 3> base64_at_offsets(std::string_view bytes);
// UTF-16 code units as bytes.
[[nodiscard]] std::string utf16(std::string_view utf8, bool big_endian);

// Sixteen bytes; an IPv4 address stands behind ::ffff:0:0/96.
using Address = std::array<std::uint8_t, 16>;
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] bool in_network(std::string_view network, std::string_view address);

// The digits of a decimal number before and behind its point, without zeros that say nothing.
struct Number {
  bool negative = false;
  std::string whole, fraction;
};
// A decimal number and nothing else.
[[nodiscard]] std::optional<Number> parse_number(std::string_view text);
// Below 0, 0 or above 0.
[[nodiscard]] int compare(const Number& a, const Number& b);
// The one text of a number's token: "10.0" and "1e1" are "10". What is no number stays.
[[nodiscard]] std::string one_form(std::string_view token);

// minute, hour, day, week (ISO 8601), month or year of "YYYY-MM-DDTHH:MM:SS...Z", or of a count of
// seconds, milliseconds, microseconds or nanoseconds since 1970.
[[nodiscard]] std::optional<int> time_part(std::string_view part, std::string_view time);

}  // namespace tocsin::differential
