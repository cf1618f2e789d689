// SPDX-License-Identifier: Apache-2.0
//
// Decimal: a number as text writes it, exactly: compared by value, and written in one form only.
//
//   "10.50", "1.05e1", "+010.5" -> Decimal -> "10.5"
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Ownership: views the text that it was read from. No operation costs more than that text is long,
// whatever its exponent.
class Decimal {
 public:
  // The bytes that the one form may have more than the text.
  static constexpr std::size_t kMoreBytesMax = 96;

  Decimal() = default;  // 0
  // Digits with a sign, a point and an exponent, if any; nothing else ("inf", "0x10", blanks). An
  // exponent of more than nine digits is refused.
  [[nodiscard]] static std::optional<Decimal> parse(std::string_view text);

  [[nodiscard]] std::strong_ordering operator<=>(const Decimal& other) const;
  [[nodiscard]] bool operator==(const Decimal& other) const { return (*this <=> other) == 0; }
  [[nodiscard]] bool is_whole() const;

  // The one form of all numbers of this value: digits with a point where one is needed, as "-0.05";
  // where more than 64 zeros would have to be added, "1.5e100". Writes to `out`, which has room;
  // the bytes written.
  std::size_t write(char* out) const;
  [[nodiscard]] std::string to_string() const;

 private:
  [[nodiscard]] int sign() const { return digits_.empty() ? 0 : negative_ ? -1 : 1; }
  [[nodiscard]] std::int64_t digit_count() const;

  // From the first digit that is not 0 to the last; a point may stand between them.
  std::string_view digits_;
  std::int64_t magnitude_ = 0;  // the value is 0.DIGITS times ten to the power of this
  bool negative_ = false;
};

}  // namespace tocsin
