// SPDX-License-Identifier: Apache-2.0
#include "core/event/json_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/decimal.h"
#include "base/utf8.h"

namespace tocsin {
namespace {

constexpr std::uint32_t kBad = 0xFFFD;

// A longer token may end with more zeros than the one form has.
constexpr std::size_t kPlainDigitsMax = 64;

// "0", "4625", "-17": nearly all numbers of events.
bool is_plain_integer(std::string_view token) {
  if (token == "0") return true;
  if (token.starts_with('-')) token.remove_prefix(1);
  if (token.empty() || token.size() > kPlainDigitsMax || token.front() < '1' || token.front() > '9')
    return false;
  return std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool read_hex4(std::string_view text, std::size_t at, std::uint32_t& value) {
  if (at + 4 > text.size()) return false;
  value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return false;
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  return true;
}

// Reads the escape \uXXXX (or a surrogate pair of two) whose 'u' is at `at`; moves `at` behind it.
std::uint32_t read_unicode(std::string_view raw, std::size_t& at) {
  std::uint32_t first = 0;
  if (!read_hex4(raw, at + 1, first)) {
    ++at;
    return kBad;
  }
  at += 5;
  if (first < 0xD800 || first > 0xDFFF) return first;
  std::uint32_t second = 0;
  if (first > 0xDBFF || at + 1 >= raw.size() || raw[at] != '\\' || raw[at + 1] != 'u' ||
      !read_hex4(raw, at + 2, second) || second < 0xDC00 || second > 0xDFFF)
    return kBad;
  at += 6;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

std::size_t put_utf8(char* out, std::uint32_t c) {
  std::string bytes;  // at most four bytes: stays in the string itself
  append_utf8(bytes, c);
  return bytes.copy(out, bytes.size());
}

}  // namespace

std::string_view unescape(std::string_view raw, Arena& arena) {
  const std::size_t first = raw.find('\\');
  if (first == std::string_view::npos) return raw;
  // An escape is never shorter than what it stands for, except a two-byte bad one (U+FFFD has
  // three).
  char* const start = arena.allocate(raw.size() + raw.size() / 2 + 4);
  std::memcpy(start, raw.data(), first);
  char* out = start + first;
  for (std::size_t at = first; at < raw.size();) {
    if (raw[at] != '\\') {
      const void* next = std::memchr(raw.data() + at, '\\', raw.size() - at);
      const std::size_t end =
          next == nullptr ? raw.size()
                          : static_cast<std::size_t>(static_cast<const char*>(next) - raw.data());
      std::memcpy(out, raw.data() + at, end - at);
      out += end - at;
      at = end;
      continue;
    }
    if (++at == raw.size()) break;
    switch (raw[at]) {
      case 'b':
        *out++ = '\b';
        ++at;
        break;
      case 'f':
        *out++ = '\f';
        ++at;
        break;
      case 'n':
        *out++ = '\n';
        ++at;
        break;
      case 'r':
        *out++ = '\r';
        ++at;
        break;
      case 't':
        *out++ = '\t';
        ++at;
        break;
      case '"':
      case '\\':
      case '/':
        *out++ = raw[at++];
        break;
      case 'u':
        out += put_utf8(out, read_unicode(raw, at));
        break;
      default:
        out += put_utf8(out, kBad);
        ++at;
        while (at < raw.size() && (static_cast<unsigned char>(raw[at]) & 0xC0u) == 0x80) ++at;
    }
  }
  return {start, static_cast<std::size_t>(out - start)};
}

std::string_view canonical_number(std::string_view token, Arena& arena) {
  if (is_plain_integer(token)) return token;
  const auto number = Decimal::parse(token);
  if (!number) return token;
  char* const text = arena.allocate(token.size() + Decimal::kMoreBytesMax);
  return {text, number->write(text)};
}

bool grows_when_canonical(std::string_view token) {
  return token.find_first_of("eE") != std::string_view::npos || token.starts_with("-.") ||
         token.size() > kPlainDigitsMax;
}

std::string_view decoded(const FieldValue& value, Arena& arena) {
  if (!value.encoded) return value.text;
  switch (value.kind) {
    case ValueKind::kString:
      return unescape(value.text, arena);
    case ValueKind::kNumber:
      return canonical_number(value.text, arena);
    case ValueKind::kBool:
    case ValueKind::kNull:
    case ValueKind::kContainer:
      break;
  }
  return value.text;
}

}  // namespace tocsin
