// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/binxml/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "stages/produce/evtx/binxml/bytes.h"

namespace tocsin::produce::evtx {
namespace {

constexpr std::uint32_t kSidHeaderSize = 8;

constexpr char kUpperHex[] = "0123456789ABCDEF";

template <class T>
void append_integer(JsonText& out, T number) {
  char* begin = out.room(24);
  out.advance(std::to_chars(begin, begin + 24, number).ptr);
}

template <class T>
void append_real(JsonText& out, T number) {
  char* begin = out.room(32);
  out.advance(std::to_chars(begin, begin + 32, number).ptr);
}

void append_hex_number(JsonText& out, std::uint64_t number) {
  char* begin = out.room(24);
  begin[0] = '0';
  begin[1] = 'x';
  out.advance(std::to_chars(begin + 2, begin + 24, number, 16).ptr);
}

void append_binary(JsonText& out, std::string_view bytes) {
  char* to = out.room(bytes.size() * 2 + 1);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *to++ = kUpperHex[byte >> 4];
    *to++ = kUpperHex[byte & 15];
  }
  out.advance(to);
}

void append_guid(JsonText& out, std::string_view bytes) {
  constexpr std::array<std::uint8_t, 16> kOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                   8, 9, 10, 11, 12, 13, 14, 15};
  char* to = out.room(36);
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    const auto byte = static_cast<unsigned char>(bytes[kOrder[i]]);
    *to++ = kUpperHex[byte >> 4];
    *to++ = kUpperHex[byte & 15];
  }
  out.advance(to);
}

void append_sid(JsonText& out, std::string_view bytes) {
  out.raw("S-");
  append_integer(out, static_cast<unsigned char>(bytes[0]));
  std::uint64_t authority = 0;
  for (std::size_t i = 2; i < 8; ++i)
    authority = authority << 8 | static_cast<unsigned char>(bytes[i]);
  out.put('-');
  append_integer(out, authority);
  for (std::size_t at = kSidHeaderSize; at + 4 <= bytes.size(); at += 4) {
    out.put('-');
    append_integer(out, load<std::uint32_t>(bytes, at));
  }
}

// The bytes that the SID at the start of `bytes` takes; 0 when it does not fit.
std::size_t sid_size(std::string_view bytes) {
  if (bytes.size() < kSidHeaderSize) return 0;
  const std::size_t size = kSidHeaderSize + 4u * static_cast<unsigned char>(bytes[1]);
  return size <= bytes.size() ? size : 0;
}

struct Moment {
  std::uint32_t year, month, day, hour, minute, second, micros;
};

void append_moment(JsonText& out, const Moment& moment) {
  char* to = out.room(32);
  const auto digits = [&](std::uint32_t number, int count, char after) {
    for (int i = count - 1; i >= 0; --i, number /= 10) to[i] = static_cast<char>('0' + number % 10);
    to[count] = after;
    to += count + 1;
  };
  digits(moment.year, 4, '-');
  digits(moment.month, 2, '-');
  digits(moment.day, 2, 'T');
  digits(moment.hour, 2, ':');
  digits(moment.minute, 2, ':');
  digits(moment.second, 2, '.');
  digits(moment.micros, 6, 'Z');
  out.advance(to);
}

// 100 ns since 1601-01-01. Beyond the year 9999, which RFC 3339 cannot write, the bare number.
void append_file_time(JsonText& out, std::uint64_t ticks) {
  constexpr std::uint64_t kTicksPerDay = 864'000'000'000;
  constexpr std::uint64_t kYear10000 = 2'650'467'744'000'000'000;
  if (ticks >= kYear10000) return append_integer(out, ticks);
  const std::uint64_t in_day = ticks % kTicksPerDay / 10;  // microseconds
  // Days to date by Hinnant's civil_from_days, in eras of 400 years from 0000-03-01.
  const auto days = static_cast<std::uint32_t>(ticks / kTicksPerDay) + 584'694u;
  const std::uint32_t era = days / 146'097;
  const std::uint32_t day_of_era = days - era * 146'097;
  const std::uint32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  append_moment(out, {.year = year_of_era + era * 400 + (month <= 2 ? 1u : 0u),
                      .month = month,
                      .day = day_of_year - (153 * shifted_month + 2) / 5 + 1,
                      .hour = static_cast<std::uint32_t>(in_day / 3'600'000'000),
                      .minute = static_cast<std::uint32_t>(in_day / 60'000'000 % 60),
                      .second = static_cast<std::uint32_t>(in_day / 1'000'000 % 60),
                      .micros = static_cast<std::uint32_t>(in_day % 1'000'000)});
}

// SYSTEMTIME: year, month, day of week, day, hour, minute, second, milliseconds.
void append_system_time(JsonText& out, std::string_view bytes) {
  const auto part = [&](std::size_t index) -> std::uint32_t {
    return load<std::uint16_t>(bytes, 2 * index);
  };
  append_moment(out, {.year = part(0),
                      .month = part(1),
                      .day = part(3),
                      .hour = part(4),
                      .minute = part(5),
                      .second = part(6),
                      .micros = part(7) * 1000});
}

// Appends a number without quotes; false when the type is not one that JSON writes bare.
bool append_bare(JsonText& out, ValueType type, std::string_view bytes) {
  switch (type) {
    case ValueType::kInt8:
      append_integer(out, load<std::int8_t>(bytes));
      return true;
    case ValueType::kUInt8:
      append_integer(out, load<std::uint8_t>(bytes));
      return true;
    case ValueType::kInt16:
      append_integer(out, load<std::int16_t>(bytes));
      return true;
    case ValueType::kUInt16:
      append_integer(out, load<std::uint16_t>(bytes));
      return true;
    case ValueType::kInt32:
      append_integer(out, load<std::int32_t>(bytes));
      return true;
    case ValueType::kUInt32:
      append_integer(out, load<std::uint32_t>(bytes));
      return true;
    case ValueType::kInt64:
      append_integer(out, load<std::int64_t>(bytes));
      return true;
    case ValueType::kUInt64:
      append_integer(out, load<std::uint64_t>(bytes));
      return true;
    case ValueType::kBool:
      out.raw(load<std::uint32_t>(bytes) != 0 ? "true" : "false");
      return true;
    case ValueType::kReal32:
      if (!std::isfinite(load<float>(bytes))) return false;
      append_real(out, load<float>(bytes));
      return true;
    case ValueType::kReal64:
      if (!std::isfinite(load<double>(bytes))) return false;
      append_real(out, load<double>(bytes));
      return true;
    default:
      return false;
  }
}

// Appends what JSON writes between quotes.
void append_quotable(JsonText& out, ValueType type, std::string_view bytes) {
  switch (type) {
    case ValueType::kString:
    case ValueType::kEvtXml:
      return out.utf16(until_nul_utf16(bytes));
    case ValueType::kAnsiString:
      return out.ansi(until_nul(bytes));
    case ValueType::kReal32:
      return append_real(out, load<float>(bytes));
    case ValueType::kReal64:
      return append_real(out, load<double>(bytes));
    case ValueType::kGuid:
      return append_guid(out, bytes);
    case ValueType::kFileTime:
      return append_file_time(out, load<std::uint64_t>(bytes));
    case ValueType::kSystemTime:
      return append_system_time(out, bytes);
    case ValueType::kHexInt32:
      return append_hex_number(out, load<std::uint32_t>(bytes));
    case ValueType::kHexInt64:
      return append_hex_number(out, load<std::uint64_t>(bytes));
    case ValueType::kSizeT:
      if (bytes.size() == 4) return append_hex_number(out, load<std::uint32_t>(bytes));
      if (bytes.size() == 8) return append_hex_number(out, load<std::uint64_t>(bytes));
      return append_binary(out, bytes);
    case ValueType::kSid:
      if (const std::size_t size = sid_size(bytes); size != 0)
        return append_sid(out, bytes.substr(0, size));
      return append_binary(out, bytes);
    default:
      return append_binary(out, bytes);
  }
}

void append_scalar(JsonText& out, ValueType type, std::string_view bytes, As as) {
  if (bytes.size() < fixed_size(type)) type = ValueType::kBinary;
  if (append_bare(out, type, bytes)) return;
  if (as == As::kJson) out.put('"');
  append_quotable(out, type, bytes);
  if (as == As::kJson) out.put('"');
}

// Cuts the next item off an array. Texts end with a NUL (the last one may not), SIDs know their
// size.
std::string_view take_item(std::string_view& rest, ValueType type) {
  std::size_t item = rest.size();
  std::size_t separator = 0;
  if (type == ValueType::kString) {
    item = until_nul_utf16(rest).size();
    separator = 2;
  } else if (type == ValueType::kAnsiString) {
    item = until_nul(rest).size();
    separator = 1;
  } else if (type == ValueType::kSid) {
    if (const std::size_t size = sid_size(rest); size != 0) item = size;
  } else if (const std::size_t size = fixed_size(type); size != 0) {
    item = std::min(size, rest.size());
  }
  const std::string_view taken = rest.substr(0, item);
  rest.remove_prefix(std::min(rest.size(), item + separator));
  return taken;
}

}  // namespace

std::uint32_t fixed_size(ValueType type) {
  switch (type) {
    case ValueType::kInt8:
    case ValueType::kUInt8:
      return 1;
    case ValueType::kInt16:
    case ValueType::kUInt16:
      return 2;
    case ValueType::kInt32:
    case ValueType::kUInt32:
    case ValueType::kReal32:
    case ValueType::kBool:
    case ValueType::kHexInt32:
      return 4;
    case ValueType::kInt64:
    case ValueType::kUInt64:
    case ValueType::kReal64:
    case ValueType::kFileTime:
    case ValueType::kHexInt64:
      return 8;
    case ValueType::kGuid:
    case ValueType::kSystemTime:
      return 16;
    default:
      return 0;
  }
}

bool is_null(const Value& value) {
  if (value.type == 0) return true;
  if (!value.bytes.empty() || value.is_array()) return false;
  switch (value.scalar_type()) {
    case ValueType::kString:
    case ValueType::kAnsiString:
    case ValueType::kEvtXml:
    case ValueType::kBinary:
      return false;
    default:
      return true;
  }
}

std::size_t append_items(JsonText& out, const Value& array, As as) {
  std::string_view rest = array.bytes;
  std::size_t count = 0;
  while (!rest.empty()) {
    if (count++ != 0) out.put(',');
    const std::string_view item = take_item(rest, array.scalar_type());
    append_scalar(out, array.scalar_type(), item, as);
  }
  return count;
}

void append_value(JsonText& out, const Value& value, As as) {
  if (!value.is_array()) return append_scalar(out, value.scalar_type(), value.bytes, as);
  if (as == As::kJson) out.put('[');
  append_items(out, value, as);
  if (as == As::kJson) out.put(']');
}

}  // namespace tocsin::produce::evtx
