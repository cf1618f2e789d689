// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/binxml/json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "stages/produce/evtx/binxml/bytes.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tocsin::produce::evtx {
namespace {

constexpr std::size_t kEscapedMax = 6;  // bytes that one UTF-16 unit can become: \u001f

// 0: as it is; 'u': \u00XX; otherwise the letter after the backslash.
constexpr std::array<char, 128> kEscapes = [] {
  std::array<char, 128> table{};
  for (std::size_t i = 0; i < 32; ++i) table[i] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

char* put_ascii(char* out, unsigned byte) {
  const char escape = kEscapes[byte];
  if (escape == 0) {
    *out++ = static_cast<char>(byte);
    return out;
  }
  *out++ = '\\';
  *out++ = escape;
  if (escape == 'u') {
    constexpr char kHex[] = "0123456789abcdef";
    *out++ = '0';
    *out++ = '0';
    *out++ = kHex[byte >> 4];
    *out++ = kHex[byte & 15];
  }
  return out;
}

char* put_code_point(char* out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { *out++ = static_cast<char>(value); };
  if (code < 0x80) return put_ascii(out, code);
  if (code < 0x800) {
    byte(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xE0 | code >> 12);
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
    }
    byte(0x80 | (code >> 6 & 0x3F));
  }
  byte(0x80 | (code & 0x3F));
  return out;
}

constexpr bool is_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xE000; }

// Copies the units that are plain ASCII and need no escape, 8 at a time; returns how many.
// Writes up to 8 bytes beyond what it counts.
std::size_t copy_plain(char* out, const char* in, std::size_t units) {
  std::size_t done = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i blank = _mm_set1_epi8(' ');
  const __m128i not_ascii = _mm_set1_epi16(static_cast<short>(0xFF80));
  for (; done + 8 <= units; done += 8) {
    const __m128i wide = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * done));
    const __m128i high = _mm_and_si128(wide, not_ascii);
    const __m128i bytes = _mm_packus_epi16(wide, wide);
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmplt_epi8(bytes, blank));
    const bool ascii = _mm_movemask_epi8(_mm_cmpeq_epi16(high, _mm_setzero_si128())) == 0xFFFF;
    if (!ascii || _mm_movemask_epi8(special) != 0) break;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + done), bytes);
  }
#else
  static_cast<void>(out), static_cast<void>(in), static_cast<void>(units);
#endif
  return done;
}

// Windows-1252 0x80..0x9F; the five that it leaves undefined are the C1 controls, as Windows maps
// them.
constexpr std::array<std::uint16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

}  // namespace

void JsonText::utf16(std::string_view bytes) {
  const std::size_t units = bytes.size() / 2;
  const char* in = bytes.data();
  char* out = room(units * kEscapedMax + 16);
  for (std::size_t i = 0; i < units;) {
    const std::size_t plain = copy_plain(out, in + 2 * i, units - i);
    out += plain;
    i += plain;
    // A short run by hand: after a special character more of them are likely.
    for (const std::size_t stop = std::min(units, i + 8); i < stop; ++i) {
      std::uint32_t code = load<std::uint16_t>(bytes, 2 * i);
      if (code < 0x80) {
        out = put_ascii(out, code);
        continue;
      }
      if (is_surrogate(code)) {
        const std::uint32_t low = i + 1 < units ? load<std::uint16_t>(bytes, 2 * i + 2) : 0u;
        if (code < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          ++i;
        } else {
          code = 0xFFFD;
        }
      }
      out = put_code_point(out, code);
    }
  }
  advance(out);
}

void JsonText::ansi(std::string_view bytes) {
  char* out = room(bytes.size() * kEscapedMax + 1);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out = put_code_point(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80u] : byte);
  }
  advance(out);
}

void JsonText::code_point(char32_t code_point) {
  const auto code = static_cast<std::uint32_t>(code_point);
  const bool writable = code <= 0x10FFFF && !is_surrogate(code);
  advance(put_code_point(room(kEscapedMax), writable ? code : 0xFFFDu));
}

void JsonText::grow(std::size_t size) {
  const std::size_t capacity = std::max<std::size_t>({4096, capacity_ * 2, size_ + size});
  auto bigger = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ != 0) std::memcpy(bigger.get(), buffer_.get(), size_);
  buffer_ = std::move(bigger);
  capacity_ = capacity;
}

std::string_view until_nul_utf16(std::string_view bytes) {
  const std::size_t units = bytes.size() / 2;
  std::size_t i = 0;
#if defined(__SSE2__)
  for (; i + 8 <= units; i += 8) {
    const __m128i wide = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + 2 * i));
    if (_mm_movemask_epi8(_mm_cmpeq_epi16(wide, _mm_setzero_si128())) != 0) break;
  }
#endif
  while (i < units && load<std::uint16_t>(bytes, 2 * i) != 0) ++i;
  return bytes.substr(0, 2 * i);
}

std::string_view until_nul(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

}  // namespace tocsin::produce::evtx
