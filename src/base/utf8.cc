// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <simdjson.h>
#include <utf8proc.h>

#include <cstring>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

// What a letter folds to.
struct Folded {
  char bytes[3];
  std::uint8_t size;
};

// What the letters of a range fold to, asked once for each.
template <std::uint32_t First, std::uint32_t End>
class FoldTable {
 public:
  // Threads: the table is made by the first who asks.
  static const FoldTable& get() {
    static const FoldTable table;
    return table;
  }
  [[nodiscard]] const Folded& at(std::uint32_t c) const { return letters_[c - First]; }

 private:
  FoldTable() : letters_(End - First) {
    std::string text;
    for (std::uint32_t c = First; c < End; ++c) {
      text.clear();
      append_utf8(text, fold(c));
      Folded& letter = letters_[c - First];
      letter.size = static_cast<std::uint8_t>(text.copy(letter.bytes, sizeof letter.bytes));
    }
  }
  std::vector<Folded> letters_;
};
using TwoByteLetters = FoldTable<0x80, 0x800>;
using ThreeByteLetters = FoldTable<0x800, 0x10000>;

#if defined(__SSE2__)

// Sixteen bytes at a time: lower case of the ASCII that `text` begins with, as far as whole vectors
// go.
std::size_t lower_ascii_vectors(std::string_view text, char* out) {
  const __m128i before_a = _mm_set1_epi8('A' - 1), behind_z = _mm_set1_epi8('Z' + 1);
  std::size_t at = 0;
  for (; at + sizeof(__m128i) <= text.size(); at += sizeof(__m128i)) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    if (_mm_movemask_epi8(bytes) != 0) break;
    const __m128i capital =
        _mm_and_si128(_mm_cmpgt_epi8(bytes, before_a), _mm_cmplt_epi8(bytes, behind_z));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at),
                     _mm_or_si128(bytes, _mm_and_si128(capital, _mm_set1_epi8(0x20))));
  }
  return at;
}

#else

std::size_t lower_ascii_vectors(std::string_view /*text*/, char* /*out*/) { return 0; }

#endif

// Writes the ASCII that `text` begins with in lower case; returns its size.
std::size_t lower_ascii(std::string_view text, char* out) {
  std::size_t at = lower_ascii_vectors(text, out);
  for (; at < text.size() && static_cast<std::uint8_t>(text[at]) < 0x80; ++at) {
    const char c = text[at];
    out[at] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return at;
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

namespace {

// The letters beyond ASCII that `text` begins with; returns how many bytes of it they take.
std::size_t append_folded_letters(std::string& out, std::string_view text) {
  // A letter of two bytes may fold to three; written a stretch at a time, since growing costs.
  constexpr std::size_t kLettersMax = 64;
  char folds[3 * kLettersMax + 1];
  std::size_t at = 0;
  while (at < text.size() && static_cast<std::uint8_t>(text[at]) >= 0x80) {
    std::size_t size = 0;
    for (std::size_t n = 0; n < kLettersMax && at < text.size(); ++n) {
      const auto lead = static_cast<std::uint8_t>(text[at]);
      if (lead < 0x80) break;
      const Unit unit = decode(text.substr(at));
      at += unit.size;
      if (!unit.well_formed || unit.size == 4) {
        out.append(folds, std::exchange(size, 0));
        if (unit.well_formed)
          append_utf8(out, fold(unit.code_point));
        else
          out.append(text, at - unit.size, unit.size);
        continue;
      }
      static const TwoByteLetters& two = TwoByteLetters::get();
      const Folded& letter =
          unit.size == 2 ? two.at(unit.code_point) : ThreeByteLetters::get().at(unit.code_point);
      std::memcpy(folds + size, &letter, sizeof letter);
      size += letter.size;
    }
    out.append(folds, size);
  }
  return at;
}

}  // namespace

void append_folded(std::string& out, std::string_view text) {
  // How far the next stretch of ASCII may go: room is made for no more, since making it costs.
  constexpr std::size_t kShort = 32;
  std::size_t room = text.size();
  while (!text.empty()) {
    const std::size_t before = out.size();
    const std::string_view part = text.substr(0, room);
    out.resize(before + part.size());
    const std::size_t ascii = lower_ascii(part, out.data() + before);
    out.resize(before + ascii);
    text.remove_prefix(ascii);
    room = ascii == part.size() ? 2 * room : kShort;
    text.remove_prefix(append_folded_letters(out, text));
  }
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_folded(out, text);
  return out;
}

}  // namespace tocsin
