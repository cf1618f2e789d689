// SPDX-License-Identifier: Apache-2.0
//
// Any text as a pattern and a value: what to_string() writes is read back as the same pattern, and
// matches() says what a slow matcher says that is obviously right.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "core/sigma/pattern.h"

namespace {

using tocsin::sigma::Part;
using tocsin::sigma::PartKind;
using tocsin::sigma::Pattern;

constexpr std::size_t kPatternMax = 64;
constexpr std::size_t kValueMax = 96;

void check(bool holds) {
  if (!holds) std::abort();
}

std::size_t character_size(unsigned char lead) {
  if (lead >= 0xF0) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC0 ? 2 : 1;
}

bool is_inside_character(std::string_view value, std::size_t at) {
  return at < value.size() && (static_cast<unsigned char>(value[at]) & 0xC0) == 0x80;
}

// Which places of the value can be reached by the parts so far, part by part.
bool slow_matches(const Pattern& pattern, std::string_view value) {
  std::vector<bool> at(value.size() + 1, false);
  at[0] = true;
  for (const Part& part : pattern.parts()) {
    std::vector<bool> next(value.size() + 1, false);
    for (std::size_t i = 0; i <= value.size(); ++i) {
      if (!at[i]) continue;
      const std::string_view rest = value.substr(i);
      if (part.kind == PartKind::kMany) {
        for (std::size_t end = i; end <= value.size(); ++end)
          next[end] = next[end] || !is_inside_character(value, end);
      } else if (part.kind == PartKind::kLiteral) {
        if (rest.starts_with(part.text)) next[i + part.text.size()] = true;
      } else if (part.kind == PartKind::kOne) {
        if (!rest.empty())
          next[i + std::min(rest.size(), character_size(static_cast<unsigned char>(rest[0])))] =
              true;
      } else {
        for (const std::string_view dash :
             {"-", "/", "\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x80\x95"})
          if (rest.starts_with(dash)) next[i + dash.size()] = true;
      }
    }
    at = std::move(next);
  }
  return at[value.size()];
}

void check_invariant(const Pattern& pattern) {
  const auto& parts = pattern.parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    check((parts[i].kind == PartKind::kLiteral) == !parts[i].text.empty());
    if (i == 0 || parts[i].kind != parts[i - 1].kind) continue;
    check(parts[i].kind != PartKind::kLiteral && parts[i].kind != PartKind::kMany);
  }
}

}  // namespace

// The first line is the pattern, the rest the value. Values are valid UTF-8, as events are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(0, std::min(input.find('\n'), kPatternMax));
  const std::size_t line_end = input.find('\n');
  const std::string value = tocsin::repair_utf8(
      line_end == std::string_view::npos ? text : input.substr(line_end + 1, kValueMax));
  const std::string clean = tocsin::repair_utf8(text);
  Pattern pattern = Pattern::parse(clean);
  check_invariant(pattern);
  check(Pattern::parse(pattern.to_string()) == pattern);
  check(pattern.matches(value) == slow_matches(pattern, value));

  const Pattern folded = pattern.folded();
  check_invariant(folded);
  const std::string folded_value = tocsin::folded(value);
  check(folded.matches(folded_value) == slow_matches(folded, folded_value));
  // Folding never loses a match.
  if (pattern.matches(value)) check(folded.matches(folded_value));

  pattern.make_windash();
  check_invariant(pattern);
  check(pattern.matches(value) == slow_matches(pattern, value));
  pattern.add_leading_many();
  pattern.add_trailing_many();
  check_invariant(pattern);
  check(pattern.matches(value) == slow_matches(pattern, value));
  return 0;
}
