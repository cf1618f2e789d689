// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <simdjson.h>
#include <utf8proc.h>

#include <cstring>

namespace tocsin {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What the bytes at the front are: a code point of `size` bytes, or an ill-formed part of `size`
// bytes.
struct Unit {
  std::size_t size;
  bool well_formed;
  std::uint32_t code_point;
};

Unit decode(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return {1, true, lead};
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  std::uint32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    value = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    value = lead & 0x0Fu;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    value = lead & 0x07u;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false, 0};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || at(i) < low || at(i) > high) return {i, false, 0};
    value = (value << 6) | (at(i) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, value};
}

std::uint32_t fold(std::uint32_t c) {
  if (c == 0x130 || c == 0x131) return 'i';
  if (c == 0x1E9E) return 0xDF;  // capital sharp s, status S
  if (c == 0x3C2) return 0x3C3;
  const auto lower = [](std::uint32_t x) {
    return static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(x)));
  };
  // Upper then lower joins the letters that have several lower-case forms (long s, kelvin sign,
  // ...).
  const std::uint32_t upper =
      static_cast<std::uint32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
  return lower(upper);
}

// Eight bytes at a time.
constexpr std::uint64_t kEach = 0x0101010101010101ULL;
constexpr std::uint64_t kHighBits = 0x80 * kEach;

std::size_t ascii_prefix(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t word; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  while (at < text.size() && static_cast<std::uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

// `text` is ASCII, so that no sum below carries into the next byte.
void lower_ascii(char* text, std::size_t size) {
  std::size_t at = 0;
  for (std::uint64_t word; at + sizeof word <= size; at += sizeof word) {
    std::memcpy(&word, text + at, sizeof word);
    const std::uint64_t from_a = word + (0x80 - 'A') * kEach;
    const std::uint64_t behind_z = word + (0x7F - 'Z') * kEach;
    word += ((from_a ^ behind_z) & kHighBits) >> 2;  // 0x20 for each capital letter
    std::memcpy(text + at, &word, sizeof word);
  }
  for (; at < size; ++at)
    if (text[at] >= 'A' && text[at] <= 'Z') text[at] = static_cast<char>(text[at] + 32);
}

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const Unit unit = decode(text);
    if (unit.well_formed)
      out.append(text, 0, unit.size);
    else
      out += kReplacement;
    text.remove_prefix(unit.size);
  }
  return out;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    if (c >= 0xD800 && c <= 0xDFFF) {
      out += kReplacement;
      return;
    }
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else if (c <= 0x10FFFF) {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    out += kReplacement;
  }
}

void append_utf16le(std::string& out, std::string_view bytes) {
  const auto unit = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i])) |
           static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i + 1])) << 8;
  };
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const std::uint32_t first = unit(i);
    if (first >= 0xD800 && first <= 0xDBFF && i + 3 < bytes.size()) {
      const std::uint32_t second = unit(i + 2);
      if (second >= 0xDC00 && second <= 0xDFFF) {
        append_utf8(out, 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        i += 2;
        continue;
      }
    }
    append_utf8(out, first);
  }
}

void append_folded(std::string& out, std::string_view text) {
  while (!text.empty()) {
    if (const std::size_t ascii = ascii_prefix(text); ascii > 0) {
      const std::size_t at = out.size();
      out.append(text, 0, ascii);
      lower_ascii(out.data() + at, ascii);
      text.remove_prefix(ascii);
      continue;
    }
    const Unit unit = decode(text);
    if (unit.well_formed)
      append_utf8(out, fold(unit.code_point));
    else
      out.append(text, 0, unit.size);
    text.remove_prefix(unit.size);
  }
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_folded(out, text);
  return out;
}

}  // namespace tocsin
