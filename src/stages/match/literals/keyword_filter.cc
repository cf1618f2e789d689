// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/keyword_filter.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stages/match/literals/commonness.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kFingerprint = Fingerprints::kBytes;

// The bytes of what folds to an ASCII letter (base/utf8.h): U+0130, U+0131, U+017F, U+212A.
constexpr std::array<std::string_view, 4> kFoldToAscii = {"\xC4\xB0", "\xC4\xB1", "\xC5\xBF",
                                                          "\xE2\x84\xAA"};
constexpr std::string_view kUnicodeEscape = "\\u";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '\\' && c != '"' && c != '/';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Of places: one vector in eight.
constexpr double kLetThroughMax = 1.0 / 256;

constexpr std::uint32_t kToLower = 0x2020'2020u;

// Four bytes, capital letters as small ones (and some other bytes as others, which a comparison
// tells apart).
std::uint32_t window_at(const char* at) {
  std::uint32_t window;
  std::memcpy(&window, at, sizeof window);
  return window | kToLower;
}

std::string_view longest_plain(std::string_view text) {
  std::string_view best;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_plain(text[end])) ++end;
    if (end - i > best.size()) best = text.substr(i, end - i);
    i = end + 1;
  }
  return best;
}

std::size_t rarest_fingerprint(std::string_view text) {
  if (text.size() < kFingerprint) return 0;
  return rarest_windows(text.size() + 1 - kFingerprint, 1,
                        [&](std::size_t at) { return bits_of(text.substr(at, kFingerprint)); });
}

bool equal_folded(std::string_view text, std::string_view folded) {
  for (std::size_t i = 0; i < folded.size(); ++i)
    if (lower(text[i]) != folded[i]) return false;
  return true;
}

// Whether the backslash at `at` starts an escape: an even number of backslashes stands before it.
bool starts_escape(std::string_view text, std::size_t at) {
  std::size_t first = at;
  while (first > 0 && text[first - 1] == '\\') --first;
  return (at - first) % 2 == 0;
}

// What a glance over a text tells.
struct Glance {
  bool beyond_ascii = false;
  bool escape = false;  // a backslash before a `u`
};

Glance glance_portable(std::string_view text, std::size_t from, Glance seen) {
  for (std::size_t i = from; i < text.size(); ++i) {
    seen.beyond_ascii |= static_cast<unsigned char>(text[i]) >= 0x80;
    seen.escape |= text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'u';
  }
  return seen;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) Glance glance_avx2(std::string_view text) {
  const __m256i backslash = _mm256_set1_epi8('\\'), u = _mm256_set1_epi8('u');
  __m256i bytes_seen = _mm256_setzero_si256(), escapes = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + sizeof(__m256i) + 1 <= text.size(); i += sizeof(__m256i)) {
    const auto* const at = reinterpret_cast<const __m256i*>(text.data() + i);
    const auto* const next = reinterpret_cast<const __m256i*>(text.data() + i + 1);
    const __m256i bytes = _mm256_loadu_si256(at);
    bytes_seen = _mm256_or_si256(bytes_seen, bytes);
    escapes =
        _mm256_or_si256(escapes, _mm256_and_si256(_mm256_cmpeq_epi8(bytes, backslash),
                                                  _mm256_cmpeq_epi8(_mm256_loadu_si256(next), u)));
  }
  return glance_portable(
      text, i, {_mm256_movemask_epi8(bytes_seen) != 0, _mm256_movemask_epi8(escapes) != 0});
}

Glance glance(std::string_view text) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return has_avx2 ? glance_avx2(text) : glance_portable(text, 0, {});
}

#else

Glance glance(std::string_view text) { return glance_portable(text, 0, {}); }

#endif

// Whether the text begins with such a character.
bool folds_to_ascii(std::string_view text) {
  return std::any_of(kFoldToAscii.begin(), kFoldToAscii.end(),
                     [&](std::string_view bytes) { return text.starts_with(bytes); });
}

// Eight bytes at a time while they are ASCII.
bool holds_what_folds_to_ascii(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    std::uint64_t word = 0;
    if (i + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & 0x8080'8080'8080'8080ULL) == 0) {
        i += sizeof word;
        continue;
      }
    }
    for (const std::size_t end = std::min(i + sizeof word, text.size()); i < end; ++i)
      if (static_cast<unsigned char>(text[i]) >= 0x80 && folds_to_ascii(text.substr(i, 3)))
        return true;
  }
  return false;
}

bool holds_unicode_escape(std::string_view json) {
  for (std::size_t at = 0; (at = json.find(kUnicodeEscape, at)) != std::string_view::npos; ++at)
    if (starts_escape(json, at)) return true;
  return false;
}

}  // namespace

void KeywordFilter::add(std::string_view folded) {
  numbers_ |= folded.find_first_not_of("0123456789.e+-") == std::string_view::npos;
  const std::string_view plain = longest_plain(folded);
  if (plain.size() >= kFingerprint) {
    needles_.emplace_back(plain);
    return;
  }
  const bool ascii = std::none_of(folded.begin(), folded.end(),
                                  [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  (ascii ? always_ : non_ascii_) = true;
}

void KeywordFilter::build() {
  std::sort(needles_.begin(), needles_.end());
  needles_.erase(std::unique(needles_.begin(), needles_.end()), needles_.end());
  if (file_in_fingerprints()) return;
  for (std::uint32_t i = 0; i < needles_.size(); ++i) {
    if (needles_[i].size() >= kWindow + kStride - 1)
      file_in_windows(i);
    else
      file_in_fingerprints(i);
  }
  windows_.build();
}

// All of them, if they are so few and rare that hardly a vector of text has to be looked at twice.
bool KeywordFilter::file_in_fingerprints() {
  for (std::uint32_t i = 0; i < needles_.size(); ++i) file_in_fingerprints(i);
  if (fingerprints_.share_let_through() <= kLetThroughMax) return true;
  fingerprints_ = {};
  buckets_ = {};
  has_fingerprints_ = false;
  return false;
}

void KeywordFilter::file_in_fingerprints(std::uint32_t needle) {
  has_fingerprints_ = true;
  const std::string_view text = needles_[needle];
  const std::size_t at = rarest_fingerprint(text);
  buckets_[fingerprints_.add(text.substr(at, kFingerprint), true)].push_back({needle, at});
}

// Under as many neighbouring windows as there are places from one look to the next: those of which
// the most common one is rarest.
void KeywordFilter::file_in_windows(std::uint32_t needle) {
  const std::string_view text = needles_[needle];
  const std::size_t best = rarest_windows(text.size() + 1 - kWindow, kStride, [&](std::size_t at) {
    return bits_of(text.substr(at, kWindow));
  });
  for (std::size_t at = best; at < best + kStride; ++at)
    windows_.add(window_at(text.data() + at), {needle, static_cast<std::uint32_t>(at)});
}

bool KeywordFilter::stands_at(std::uint32_t needle, std::string_view text, std::size_t at) const {
  const std::string_view folded = needles_[needle];
  return at <= text.size() && text.size() - at >= folded.size() &&
         equal_folded(text.substr(at, folded.size()), folded);
}

bool KeywordFilter::finds_in_windows(std::string_view text) const {
  static const WindowTable nothing;
  bool found = false;
  std::size_t places[kPlacesMax];
  for (std::size_t from = 0; from + kWindow <= text.size() && !found;) {
    const std::size_t count = far_places(text, from, nothing, windows_, kToLower, places);
    for (std::size_t i = 0; i < count && !found; ++i) {
      const std::size_t at = places[i];
      windows_.find(window_at(text.data() + at), [&](WindowTable::Place place) {
        found = found || (place.offset <= at && stands_at(place.literal, text, at - place.offset));
      });
    }
  }
  return found;
}

bool KeywordFilter::finds(std::string_view text) const {
  if (!windows_.empty() && finds_in_windows(text)) return true;
  bool found = false;
  if (!has_fingerprints_) return found;
  fingerprints_.scan(text, [&](std::size_t at, unsigned bits) {
    for (; bits != 0 && !found; bits &= bits - 1)
      for (const Printed& s : buckets_[static_cast<unsigned>(__builtin_ctz(bits))])
        found = found || (s.at <= at && stands_at(s.needle, text, at - s.at));
    return !found;
  });
  return found;
}

KeywordHint KeywordFilter::scan(std::string_view text) const {
  if (always_ || finds(text)) return KeywordHint::kSome;
  const Glance seen = glance(text);
  if (non_ascii_ && seen.beyond_ascii) return KeywordHint::kSome;
  const bool odd = (seen.beyond_ascii && holds_what_folds_to_ascii(text)) ||
                   (seen.escape && holds_unicode_escape(text));
  return odd ? KeywordHint::kOdd : KeywordHint::kNone;
}

bool KeywordFilter::may_hold(std::string_view text) const {
  if (always_ || finds(text)) return true;
  return glance(text).beyond_ascii && (non_ascii_ || holds_what_folds_to_ascii(text));
}

bool KeywordFilter::is_odd(std::string_view value) {
  return value.find(kUnicodeEscape) != std::string_view::npos || holds_what_folds_to_ascii(value);
}

}  // namespace tocsin::match
