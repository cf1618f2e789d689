// SPDX-License-Identifier: Apache-2.0
//
// JsonIndex: where the structure of one JSON text is: simdjson's first stage, and a cursor over it.
//
//   JSON bytes -> JsonIndex (validated UTF-8; places of { } [ ] : , and of each scalar) -> Cursor
//
// Why: an event has some thirty values of which rules read a dozen. Knowing where the next value
// starts is enough to step over a string without looking at its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::normalize {

// A place in an indexed text. Steps over what stands there; judges the grammar between values.
class Cursor {
 public:
  // `end` is behind the last place, where the text's size stands.
  Cursor(const char* text, const std::uint32_t* at, const std::uint32_t* end)
      : text_(text), at_(at), end_(end) {}

  // The character here: { [ " and so on, or the first of a number or word; 0 at the end.
  [[nodiscard]] char peek() const { return at_ == end_ ? '\0' : text_[*at_]; }
  void step() { ++at_; }
  // Steps over `c`; false when something else stands here.
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  // Steps over the string here; what stands between its quotes. False when none stands here.
  bool take_string(std::string_view& inside) {
    if (at_ == end_) return false;
    const char* const begin = text_ + at_[0];
    if (*begin != '"') return false;
    const char* end = text_ + at_[1];
    while (is_blank(end[-1])) --end;
    if (end - begin < 2 || end[-1] != '"') return false;
    ++at_;
    inside = {begin + 1, static_cast<std::size_t>(end - begin - 2)};
    return true;
  }
  // Steps over the scalar here; its text with a string's quotes, without blanks behind it.
  std::string_view take_scalar() {
    const char* const begin = text_ + at_[0];
    const char* end = text_ + at_[1];
    ++at_;
    while (end > begin && is_blank(end[-1])) --end;
    return {begin, static_cast<std::size_t>(end - begin)};
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  const char* text_;
  const std::uint32_t* at_;
  const std::uint32_t* end_;
};

// Ownership: views the text, which must live as long as what is read here.
// Threads:   one thread.
// Memory:    some four bytes for each byte of the longest text read.
// Errors:    kInvalid: not UTF-8, a raw control character in a string, a string without an end.
class JsonIndex {
 public:
  JsonIndex();
  ~JsonIndex();
  JsonIndex(JsonIndex&&) noexcept;

  [[nodiscard]] Status read(std::string_view json);
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] Cursor begin() const;

 private:
  struct Parser;

  std::unique_ptr<Parser> parser_;
  std::string_view text_;
};

}  // namespace tocsin::normalize
