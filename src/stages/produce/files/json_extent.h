// SPDX-License-Identifier: Apache-2.0
//
// JsonExtent: finds where a JSON object or array ends, without reading what it means.
//
//   bytes from '{' or '[' on, in pieces -> JsonExtent -> its length, or where it stops being JSON
//
// It knows just enough grammar to notice at once that a value was cut off and another one began:
// brackets pair, an opening bracket inside an object follows ':', a string holds no raw newline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tocsin::produce {

// Threads: one thread.
// Limits:  nesting of 10,000; deeper counts as broken.
class JsonExtent {
 public:
  enum class State : std::uint8_t { kOpen, kComplete, kBroken };

  // `piece` continues what was fed before; the first one starts at the bracket.
  State feed(std::string_view piece);
  // Bytes fed up to the end of the value (kComplete) or up to the byte that breaks it (kBroken).
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  [[nodiscard]] bool bracket(char c);

  std::vector<char> open_;  // the brackets that wait for their partner
  std::size_t size_ = 0;
  char previous_ = '\0';  // last significant byte outside strings
  bool in_string_ = false;
  bool escaped_ = false;
};

// True when `line` is exactly one object or array, blanks around it aside.
[[nodiscard]] bool is_one_json_value(std::string_view line);

}  // namespace tocsin::produce
