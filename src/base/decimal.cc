// SPDX-License-Identifier: Apache-2.0
#include "base/decimal.h"

#include <algorithm>
#include <charconv>

namespace tocsin {
namespace {

constexpr std::int64_t kZerosMax = 64;
constexpr std::size_t kExponentDigitsMax = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What stands behind the `e`: "3", "-07". `is_zero`: it makes no difference, however long.
std::optional<std::int64_t> read_exponent(std::string_view text, bool is_zero) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  if (is_zero) return 0;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  if (text.size() > kExponentDigitsMax) return std::nullopt;
  std::int64_t exponent = 0;
  for (const char c : text) exponent = exponent * 10 + (c - '0');
  return negative ? -exponent : exponent;
}

char* copy_digits(std::string_view digits, char* out) {
  return std::copy_if(digits.begin(), digits.end(), out, is_digit);
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal out;
  std::size_t at = 0;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative_ = text[0] == '-';
    at = 1;
  }
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t first = kNone, end = 0;  // of the digits that count
  bool point = false, any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(c)) break;
    any = true;
    if (first == kNone && c == '0') {
      out.magnitude_ -= point ? 1 : 0;
      continue;
    }
    if (first == kNone) first = at;
    if (c != '0') end = at + 1;
    out.magnitude_ += point ? 0 : 1;
  }
  if (!any) return std::nullopt;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
    const auto exponent = read_exponent(text.substr(at + 1), first == kNone);
    if (!exponent) return std::nullopt;
    out.magnitude_ += *exponent;
  }
  if (first == kNone) return Decimal();
  out.digits_ = text.substr(first, end - first);
  return out;
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (sign() != other.sign()) return sign() <=> other.sign();
  if (digits_.empty()) return std::strong_ordering::equal;
  const Decimal& low = negative_ ? other : *this;  // of two negative numbers the larger is less
  const Decimal& high = negative_ ? *this : other;
  if (low.magnitude_ != high.magnitude_) return low.magnitude_ <=> high.magnitude_;
  const std::string_view a = low.digits_, b = high.digits_;
  std::size_t i = 0, j = 0;
  for (;; ++i, ++j) {
    if (i < a.size() && a[i] == '.') ++i;
    if (j < b.size() && b[j] == '.') ++j;
    if (i == a.size() || j == b.size()) return a.size() - i <=> b.size() - j;
    if (a[i] != b[j]) return a[i] <=> b[j];
  }
}

std::int64_t Decimal::digit_count() const {
  const bool point = digits_.find('.') != std::string_view::npos;
  return static_cast<std::int64_t>(digits_.size()) - (point ? 1 : 0);
}

bool Decimal::is_whole() const { return digits_.empty() || magnitude_ >= digit_count(); }

std::size_t Decimal::write(char* out) const {
  char* const start = out;
  if (digits_.empty()) {
    *out = '0';
    return 1;
  }
  if (negative_) *out++ = '-';
  const std::int64_t count = digit_count();
  const std::int64_t zeros = magnitude_ <= 0 ? -magnitude_ : magnitude_ - count;
  char* const digits = out;
  if (zeros > kZerosMax) {
    out = copy_digits(digits_, digits + 1);
    digits[0] = digits[1];
    digits[1] = '.';
    if (count == 1) --out;
    *out++ = 'e';
    out = std::to_chars(out, out + kMoreBytesMax / 2, magnitude_ - 1).ptr;
  } else if (magnitude_ <= 0) {
    *out++ = '0';
    *out++ = '.';
    out = copy_digits(digits_, std::fill_n(out, zeros, '0'));
  } else if (zeros >= 0) {
    out = std::fill_n(copy_digits(digits_, out), zeros, '0');
  } else {
    out = copy_digits(digits_, out);
    std::copy_backward(digits + magnitude_, out, out + 1);
    digits[magnitude_] = '.';
    ++out;
  }
  return static_cast<std::size_t>(out - start);
}

std::string Decimal::to_string() const {
  std::string out(digits_.size() + kMoreBytesMax, '\0');
  out.resize(write(out.data()));
  return out;
}

}  // namespace tocsin
