// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/evaluate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/bytes/find_bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"

namespace tocsin::sigma {
namespace {

constexpr int kMappedBits = 96;  // IPv4 addresses stand behind ::ffff:0:0/96

// IPv4 as mapped IPv6; a zone id ("%eth0") is left out.
bool parse_address(std::string_view text, std::uint8_t* out) {
  char buffer[64];
  text = text.substr(0, text.find('%'));
  if (text.empty() || text.size() >= sizeof buffer) return false;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  if (inet_pton(AF_INET6, buffer, out) == 1) return true;
  if (inet_pton(AF_INET, buffer, out + 12) != 1) return false;
  std::memset(out, 0, 10);
  out[10] = out[11] = 0xFF;
  return true;
}

bool in_network(const CompiledPredicate& p, std::string_view text) {
  std::uint8_t address[16];
  if (!parse_address(text, address)) return false;
  // An IPv6 network such as ::/0 holds no IPv4 address, though mapped ones lie behind it.
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (p.network_bits < kMappedBits && std::memcmp(address, kMapped, sizeof kMapped) == 0)
    return false;
  const auto whole = static_cast<std::size_t>(p.network_bits / 8);
  if (std::memcmp(address, p.network, whole) != 0) return false;
  const int rest = p.network_bits % 8;
  if (rest == 0) return true;
  const int mask = 0xFF << (8 - rest);
  return ((address[whole] ^ p.network[whole]) & mask) == 0;
}

// A count of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its 10,
// 13, 16 or 19 digits: all of them are of 2001 to 2262. Windows' own counts have 18.
std::optional<UnixNanos> epoch_time(std::string_view text) {
  constexpr std::size_t kTextMax = 64, kDigits = 19;
  if (text.size() > kTextMax) return std::nullopt;
  const auto number = Decimal::parse(text);
  if (!number) return std::nullopt;
  char buffer[kTextMax + Decimal::kMoreBytesMax];
  std::string_view digits(buffer, number->write(buffer));
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  if (digits.size() < 10 || digits.size() > kDigits || digits.size() % 3 != 1) return std::nullopt;
  std::uint64_t nanos = 0;
  for (std::size_t i = 0; i < kDigits; ++i)
    nanos = nanos * 10 + (i < digits.size() ? static_cast<std::uint64_t>(digits[i] - '0') : 0);
  if (nanos > INT64_MAX) return std::nullopt;
  return static_cast<UnixNanos>(nanos);
}

// The part of a time stamp, in UTC.
std::optional<int> time_part(TimePart part, std::string_view text) {
  namespace chrono = std::chrono;
  auto time = parse_time(text);
  if (!time) time = epoch_time(text);
  if (!time) return std::nullopt;
  const chrono::sys_time<chrono::nanoseconds> point{chrono::nanoseconds{*time}};
  const auto day = chrono::floor<chrono::days>(point);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{point - day};
  switch (part) {
    case TimePart::kMinute:
      return static_cast<int>(clock.minutes().count());
    case TimePart::kHour:
      return static_cast<int>(clock.hours().count());
    case TimePart::kDay:
      return static_cast<int>(static_cast<unsigned>(date.day()));
    case TimePart::kMonth:
      return static_cast<int>(static_cast<unsigned>(date.month()));
    case TimePart::kYear:
      return static_cast<int>(date.year());
    case TimePart::kWeek: {
      // ISO 8601: the week of the year that holds the week's Thursday.
      const chrono::weekday weekday{day};
      const auto thursday = day + chrono::days{4 - static_cast<int>(weekday.iso_encoding())};
      const chrono::year_month_day its{thursday};
      const auto first = chrono::sys_days{its.year() / chrono::January / 1};
      const auto weeks_before = (thursday - first).count() / 7;
      return static_cast<int>(weeks_before + 1);
    }
    case TimePart::kNone:
      break;
  }
  return std::nullopt;
}

bool compares(Op op, const Decimal& value, const Decimal& want) {
  switch (op) {
    case Op::kLess:
      return value < want;
    case Op::kLessEqual:
      return value <= want;
    case Op::kGreater:
      return value > want;
    case Op::kGreaterEqual:
      return value >= want;
    default:
      return value == want;
  }
}

bool time_compares(const CompiledPredicate& p, std::optional<int> part) {
  if (!part) return false;
  char text[16];
  const auto [end, error] = std::to_chars(text, text + sizeof text, *part);
  const auto number = Decimal::parse({text, end});
  return number && compares(p.predicate->op, *number, p.number);
}

class NaiveMatcher {
 public:
  NaiveMatcher(const Rule& rule, const FieldTable& fields, std::span<const FieldValue> values)
      : rule_(rule), fields_(fields), values_(values) {}

  bool holds(const Expr& expr) const {
    switch (expr.kind) {
      case Expr::Kind::kAnd:
        return std::all_of(expr.children.begin(), expr.children.end(),
                           [this](const Expr& child) { return holds(child); });
      case Expr::Kind::kOr:
        return std::any_of(expr.children.begin(), expr.children.end(),
                           [this](const Expr& child) { return holds(child); });
      case Expr::Kind::kNot:
        return !holds(expr.children.front());
      case Expr::Kind::kPredicate:
        return predicate_matches(compile(rule_.predicates[expr.predicate]), fields_, values_);
    }
    return false;
  }

 private:
  const Rule& rule_;
  const FieldTable& fields_;
  std::span<const FieldValue> values_;
};

}  // namespace

CompiledPredicate compile(const Predicate& predicate) {
  CompiledPredicate out;
  out.predicate = &predicate;
  if (predicate.op == Op::kRegex && predicate.regex) {
    out.regex = predicate.regex;
  } else if (predicate.op == Op::kRegex) {
    auto regex = Regex::compile(
        predicate.text,
        {predicate.regex_ignore_case, predicate.regex_multi_line, predicate.regex_dot_all});
    TOCSIN_CHECK(regex.has_value());  // the reader refused what does not compile
    out.regex = *std::move(regex);
  } else if (predicate.op == Op::kCidr) {
    const std::size_t slash = predicate.text.find('/');
    const std::string_view address = std::string_view(predicate.text).substr(0, slash);
    TOCSIN_CHECK(parse_address(address, out.network));
    out.network_bits = std::atoi(predicate.text.c_str() + slash + 1) +
                       (address.find(':') == std::string_view::npos ? kMappedBits : 0);
  } else if (predicate.op >= Op::kLess && predicate.op <= Op::kNumberEqual) {
    const auto number = Decimal::parse(predicate.text);
    TOCSIN_CHECK(number.has_value());
    out.number = *number;
  }
  return out;
}

bool value_holds(const CompiledPredicate& compiled, const FieldValue& value,
                 std::string_view folded) {
  const Predicate& p = *compiled.predicate;
  if (!value.has_text()) return false;
  const std::string_view text = p.cased ? value.text : folded;
  switch (p.op) {
    case Op::kEquals:
      return text == p.text;
    case Op::kPrefix:
      return text.starts_with(p.text);
    case Op::kSuffix:
      return text.ends_with(p.text);
    case Op::kContains:
      return find_bytes(text, p.text) != std::string_view::npos;
    case Op::kWildcard:
      return p.pattern.matches(text);
    case Op::kRegex:
      return compiled.regex->found_in(value.text);
    case Op::kCidr:
      return in_network(compiled, value.text);
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kNumberEqual: {
      if (p.time_part != TimePart::kNone)
        return time_compares(compiled, time_part(p.time_part, value.text));
      const auto number = Decimal::parse(value.text);
      return number && compares(p.op, *number, compiled.number);
    }
    case Op::kFieldRef:
    case Op::kExists:
    case Op::kNull:
      break;
  }
  return false;
}

bool reference_holds(RefOp op, std::string_view text, std::string_view other) {
  switch (op) {
    case RefOp::kEquals:
      return text == other;
    case RefOp::kPrefix:
      return text.starts_with(other);
    case RefOp::kSuffix:
      return text.ends_with(other);
    case RefOp::kContains:
      return text.find(other) != std::string_view::npos;
  }
  return false;
}

bool reference_holds(const Predicate& p, std::string_view value, std::string_view other) {
  if (p.cased) return reference_holds(p.ref_op, value, other);
  return reference_holds(p.ref_op, folded(value), folded(other));
}

bool predicate_matches(const CompiledPredicate& compiled, const FieldTable& fields,
                       std::span<const FieldValue> values) {
  const Predicate& p = *compiled.predicate;
  const FieldId field = p.is_keyword() ? kNoField : fields.find(p.field);
  const auto of_field = [&](const FieldValue& v) {
    return p.is_keyword() || (v.field == field && field != kNoField);
  };
  if (p.op == Op::kExists) return std::any_of(values.begin(), values.end(), of_field);
  if (p.op == Op::kNull)
    return std::none_of(values.begin(), values.end(), [&](const FieldValue& v) {
      return of_field(v) && v.kind != ValueKind::kNull;
    });
  for (const FieldValue& value : values) {
    if (!of_field(value)) continue;
    if (p.op != Op::kFieldRef) {
      if (value_holds(compiled, value, folded(value.text))) return true;
      continue;
    }
    const FieldId other = fields.find(p.other_field);
    for (const FieldValue& v : values)
      if (v.field == other && v.has_text() && value.has_text() &&
          reference_holds(p, value.text, v.text))
        return true;
  }
  return false;
}

bool matches(const Rule& rule, const FieldTable& fields, std::span<const FieldValue> values) {
  return NaiveMatcher(rule, fields, values).holds(rule.condition);
}

}  // namespace tocsin::sigma
