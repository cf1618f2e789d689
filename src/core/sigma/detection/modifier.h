// SPDX-License-Identifier: Apache-2.0
//
// Modifiers: the key `Field|modifier|modifier`, and which modifiers may stand together (Sigma
// specification 2.1, appendix "Modifiers"; where it is silent, as the reference implementation).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::sigma {

// What a value is after the modifiers have had their say.
enum class ValueType : std::uint8_t { kText, kRegex, kCidr, kNumber, kFieldRef, kExists };

// One change of a text, in the order written.
enum class Step : std::uint8_t {
  kContains,
  kStartsWith,
  kEndsWith,
  kWindash,
  kBase64,
  kBase64Offset,
  kUtf16Le,  // also `wide`
  kUtf16Be,
  kUtf16,  // little endian behind a byte order mark
};

struct Modifiers {
  ValueType type = ValueType::kText;
  std::vector<Step> steps;
  bool all = false, cased = false, neq = false, expand = false;
  bool ignore_case = false, multi_line = false, dot_all = false;  // of a regular expression
  std::optional<Op> compare;
  TimePart time_part = TimePart::kNone;

  [[nodiscard]] bool has(Step step) const;
  // Whether the value is written for a text, so that 1.10 is not the number 1.1.
  [[nodiscard]] bool wants_text() const { return type != ValueType::kNumber && !steps.empty(); }
};

struct ItemKey {
  std::string field;  // empty: a keyword
  Modifiers modifiers;
};

struct KeyError {
  std::size_t at = 0;  // byte in the key
  std::string code;
  std::string message;
  std::string hint;
};

// Splits and checks "Field|mod|mod"; the error of the first modifier that does not fit.
[[nodiscard]] std::optional<KeyError> parse_key(std::string_view key, ItemKey& out);

}  // namespace tocsin::sigma
