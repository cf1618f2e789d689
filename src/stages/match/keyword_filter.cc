// SPDX-License-Identifier: Apache-2.0
#include "stages/match/keyword_filter.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tocsin::match {
namespace {

constexpr std::size_t kFingerprint = 3;

// The bytes of what folds to an ASCII letter (base/utf8.h): U+0130, U+0131, U+017F, U+212A.
constexpr std::array<std::string_view, 4> kFoldToAscii = {"\xC4\xB0", "\xC4\xB1", "\xC5\xBF",
                                                          "\xE2\x84\xAA"};
constexpr std::string_view kUnicodeEscape = "\\u";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '\\' && c != '"' && c != '/';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c; }

// How common a byte is in logs, roughly.
int commonness(char c) {
  if (std::strchr("etaoinsrc .0\\", c) != nullptr) return 8;
  if (c >= 'a' && c <= 'z') return std::strchr("jqxzkvwy", c) != nullptr ? 4 : 6;
  if (c >= '0' && c <= '9') return 6;
  return std::strchr("-_:=,", c) != nullptr ? 4 : 1;
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
  std::size_t best = 0;
  int best_cost = INT32_MAX;
  for (std::size_t i = 0; i + kFingerprint <= text.size(); ++i) {
    int cost = 1;
    for (std::size_t k = 0; k < kFingerprint; ++k) cost *= commonness(text[i + k]);
    if (cost < best_cost) {
      best_cost = cost;
      best = i;
    }
  }
  return best;
}

// How common the bytes are that a bucket's masks allow at one position, with `more` added to them.
double weight_of(const std::array<std::uint8_t, 16>& low, const std::array<std::uint8_t, 16>& high,
                 unsigned bit, std::initializer_list<char> more) {
  unsigned lows = 0, highs = 0;
  for (unsigned nibble = 0; nibble < 16; ++nibble) {
    lows |= ((low[nibble] & bit) != 0 ? 1u : 0u) << nibble;
    highs |= ((high[nibble] & bit) != 0 ? 1u : 0u) << nibble;
  }
  for (const char c : more) {
    lows |= 1u << (static_cast<unsigned char>(c) & 15);
    highs |= 1u << (static_cast<unsigned char>(c) >> 4);
  }
  double weight = 0;
  for (unsigned byte = 0x20; byte < 0x7F; ++byte)
    if ((lows >> (byte & 15) & 1) != 0 && (highs >> (byte >> 4) & 1) != 0)
      weight += commonness(lower(static_cast<char>(byte)));
  return weight;
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

}  // namespace

void KeywordFilter::add(std::string_view folded) {
  const std::string_view plain = longest_plain(folded);
  if (plain.size() >= kFingerprint) {
    needles_.push_back({std::string(plain), rarest_fingerprint(plain), false});
    return;
  }
  const bool ascii = std::none_of(folded.begin(), folded.end(),
                                  [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  (ascii ? always_ : non_ascii_) = true;
}

void KeywordFilter::build() {
  std::sort(needles_.begin(), needles_.end(),
            [](const Needle& a, const Needle& b) { return a.text < b.text; });
  needles_.erase(std::unique(needles_.begin(), needles_.end(),
                             [](const Needle& a, const Needle& b) { return a.text == b.text; }),
                 needles_.end());
  const auto keywords = static_cast<std::uint32_t>(needles_.size());
  for (std::uint32_t i = 0; i < keywords; ++i) file(i, sharpest_bucket(needles_[i]));
  const auto add_exact = [&](std::string_view bytes, unsigned bucket) {
    needles_.push_back({std::string(bytes), 0, true});
    file(static_cast<std::uint32_t>(needles_.size() - 1), bucket);
  };
  for (const std::string_view bytes : kFoldToAscii) add_exact(bytes, kKeywordBuckets);
  add_exact(kUnicodeEscape, kKeywordBuckets + 1);
}

// The bucket that lets the least other text through when the needle joins it.
unsigned KeywordFilter::sharpest_bucket(const Needle& needle) const {
  unsigned best = 0;
  double best_growth = 0;
  for (unsigned bucket = 0; bucket < kKeywordBuckets; ++bucket) {
    double now = 1, then = 1;
    for (std::size_t k = 0; k < kFingerprint; ++k) {
      const char c = needle.text[needle.at + k];
      now *= weight_of(masks_.low[k], masks_.high[k], 1u << bucket, {});
      then *= weight_of(masks_.low[k], masks_.high[k], 1u << bucket, {c, upper(c)});
    }
    if (bucket == 0 || then - now < best_growth) {
      best = bucket;
      best_growth = then - now;
    }
  }
  return best;
}

void KeywordFilter::file(std::uint32_t needle, unsigned bucket) {
  buckets_[bucket].push_back(needle);
  const Needle& n = needles_[needle];
  const auto bit = static_cast<std::uint8_t>(1u << bucket);
  for (std::size_t k = 0; k < kFingerprint; ++k) {
    if (n.at + k >= n.text.size()) {  // shorter than a fingerprint: any byte will do
      for (auto& mask : masks_.low[k]) mask |= bit;
      for (auto& mask : masks_.high[k]) mask |= bit;
      continue;
    }
    const char c = n.text[n.at + k];
    for (const char variant : {c, n.exact ? c : upper(c)}) {
      const auto byte = static_cast<unsigned char>(variant);
      masks_.low[k][byte & 15] |= bit;
      masks_.high[k][byte >> 4] |= bit;
    }
  }
}

void KeywordFilter::verify(std::string_view text, std::size_t at, unsigned bits, Run& run) const {
  for (bits &= run.buckets; bits != 0; bits &= bits - 1) {
    for (const std::uint32_t index : buckets_[static_cast<unsigned>(__builtin_ctz(bits))]) {
      const Needle& needle = needles_[index];
      if (at < needle.at || text.size() - (at - needle.at) < needle.text.size()) continue;
      const std::string_view here = text.substr(at - needle.at, needle.text.size());
      if (needle.exact) {
        if (here == needle.text && (here.front() != '\\' || starts_escape(text, at)))
          run.hint = std::max(run.hint, KeywordHint::kOdd);
      } else if (equal_folded(here, needle.text)) {
        run.hint = KeywordHint::kSome;
        return;
      }
    }
  }
}

void KeywordFilter::scan_portable(std::string_view text, std::size_t from, Run& run) const {
  const auto byte_at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  for (std::size_t i = from; i < text.size() && run.hint != KeywordHint::kSome; ++i) {
    unsigned bits = 0xFF;
    for (std::size_t k = 0; k < kFingerprint; ++k) {
      const unsigned byte = byte_at(i + k);
      bits &= static_cast<unsigned>(masks_.low[k][byte & 15] & masks_.high[k][byte >> 4]);
    }
    if (bits != 0) verify(text, i, bits, run);
  }
}

#if defined(__x86_64__)

__attribute__((target("ssse3"))) std::size_t KeywordFilter::scan_ssse3(std::string_view text,
                                                                       Run& run) const {
  constexpr std::size_t kWidth = 16;
  const auto load = [](const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); };
  const __m128i nibble = _mm_set1_epi8(15);
  std::size_t i = 0;
  for (; i + kWidth + kFingerprint <= text.size(); i += kWidth) {
    __m128i hits = _mm_set1_epi8(-1);
    for (std::size_t k = 0; k < kFingerprint; ++k) {
      const __m128i bytes = load(text.data() + i + k);
      const __m128i low =
          _mm_shuffle_epi8(load(masks_.low[k].data()), _mm_and_si128(bytes, nibble));
      const __m128i high = _mm_shuffle_epi8(load(masks_.high[k].data()),
                                            _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
      hits = _mm_and_si128(hits, _mm_and_si128(low, high));
    }
    const int empty = _mm_movemask_epi8(_mm_cmpeq_epi8(hits, _mm_setzero_si128()));
    if (empty == 0xFFFF) continue;
    alignas(16) std::uint8_t bits[kWidth];
    _mm_store_si128(reinterpret_cast<__m128i*>(bits), hits);
    for (unsigned left = ~static_cast<unsigned>(empty) & 0xFFFFu; left != 0; left &= left - 1) {
      const auto lane = static_cast<std::size_t>(__builtin_ctz(left));
      verify(text, i + lane, bits[lane], run);
    }
    if (run.hint == KeywordHint::kSome) break;
  }
  return i;
}

namespace {

__attribute__((target("avx2"))) inline __m256i table_of(const std::array<std::uint8_t, 16>& mask) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(mask.data())));
}

// The buckets whose masks allow each of the 32 bytes at `at`.
__attribute__((target("avx2"))) inline __m256i allowed(const char* at, __m256i low, __m256i high) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i upper_half = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
  return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
                          _mm256_shuffle_epi8(high, upper_half));
}

}  // namespace

__attribute__((target("avx2"))) std::size_t KeywordFilter::scan_avx2(std::string_view text,
                                                                     Run& run) const {
  constexpr std::size_t kWidth = 32;
  const __m256i low0 = table_of(masks_.low[0]), high0 = table_of(masks_.high[0]);
  const __m256i low1 = table_of(masks_.low[1]), high1 = table_of(masks_.high[1]);
  const __m256i low2 = table_of(masks_.low[2]), high2 = table_of(masks_.high[2]);
  std::size_t i = 0;
  for (; i + kWidth + kFingerprint <= text.size(); i += kWidth) {
    const char* const at = text.data() + i;
    const __m256i hits = _mm256_and_si256(
        allowed(at, low0, high0),
        _mm256_and_si256(allowed(at + 1, low1, high1), allowed(at + 2, low2, high2)));
    if (_mm256_testz_si256(hits, hits) != 0) continue;
    alignas(32) std::uint8_t bits[kWidth];
    _mm256_store_si256(reinterpret_cast<__m256i*>(bits), hits);
    const auto empty = static_cast<unsigned>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(hits, _mm256_setzero_si256())));
    for (unsigned left = ~empty; left != 0; left &= left - 1) {
      const auto lane = static_cast<std::size_t>(__builtin_ctz(left));
      verify(text, i + lane, bits[lane], run);
    }
    if (run.hint == KeywordHint::kSome) break;
  }
  return i;
}

#endif

KeywordHint KeywordFilter::run(std::string_view text, unsigned buckets) const {
  if (always_) return KeywordHint::kSome;
  Run run{KeywordHint::kNone, buckets};
  std::size_t from = 0;
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  from = has_avx2 ? scan_avx2(text, run) : scan_ssse3(text, run);
#endif
  scan_portable(text, from, run);
  if (run.hint == KeywordHint::kNone && non_ascii_ &&
      std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return KeywordHint::kSome;
  return run.hint;
}

bool KeywordFilter::is_odd(std::string_view value) {
  if (value.find(kUnicodeEscape) != std::string_view::npos) return true;
  return std::any_of(kFoldToAscii.begin(), kFoldToAscii.end(), [&](std::string_view bytes) {
    return value.find(bytes) != std::string_view::npos;
  });
}

}  // namespace tocsin::match
