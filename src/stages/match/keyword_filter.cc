// SPDX-License-Identifier: Apache-2.0
#include "stages/match/keyword_filter.h"

#include <algorithm>
#include <cstring>

#include "stages/match/commonness.h"

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
  const bool few = needles_.size() <= kFewNeedles;
  for (std::uint32_t i = 0; i < needles_.size(); ++i) {
    if (!few && needles_[i].text.size() >= kWindow + kStride - 1) {
      file_in_windows(i);
      continue;
    }
    const std::string_view print =
        std::string_view(needles_[i].text).substr(needles_[i].at, kFingerprint);
    buckets_[fingerprints_.add(print, true, kKeywordBuckets)].push_back(i);
  }
  const auto add_exact = [&](std::string_view bytes, unsigned bucket) {
    fingerprints_.add_to(bucket, bytes, false);
    buckets_[bucket].push_back(static_cast<std::uint32_t>(needles_.size()));
    needles_.push_back({std::string(bytes), 0, true});
  };
  for (const std::string_view bytes : kFoldToAscii) add_exact(bytes, kKeywordBuckets);
  add_exact(kUnicodeEscape, kKeywordBuckets + 1);
  windows_.build();
}

// Under as many neighbouring windows as there are places from one look to the next: those of which
// the most common one is rarest.
void KeywordFilter::file_in_windows(std::uint32_t needle) {
  const std::string_view text = needles_[needle].text;
  std::size_t best = 0;
  int best_cost = INT32_MAX;
  for (std::size_t first = 0; first + kWindow + kStride - 1 <= text.size(); ++first) {
    int cost = 0;
    for (std::size_t at = first; at < first + kStride; ++at) {
      int bytes = 0;
      for (std::size_t k = at; k < at + kWindow; ++k) bytes += commonness(text[k]);
      cost = std::max(cost, bytes);
    }
    if (cost >= best_cost) continue;
    best_cost = cost;
    best = first;
  }
  for (std::size_t at = best; at < best + kStride; ++at)
    windows_.add(window_at(text.data() + at), {needle, static_cast<std::uint32_t>(at)});
}

void KeywordFilter::scan_windows(std::string_view text, Run& run) const {
  static const WindowTable nothing;
  for (std::size_t at = 0;
       (at = next_place(text, at, nothing, windows_, kToLower)) < text.size() &&
       run.hint != KeywordHint::kSome;
       at += kStride)
    compare(window_at(text.data() + at), text, at, run);
}

void KeywordFilter::compare(std::uint32_t window, std::string_view text, std::size_t at,
                            Run& run) const {
  windows_.find(window, [&](WindowTable::Place place) {
    const std::string_view needle = needles_[place.literal].text;
    if (place.offset <= at && text.size() - (at - place.offset) >= needle.size() &&
        equal_folded(text.substr(at - place.offset, needle.size()), needle))
      run.hint = KeywordHint::kSome;
  });
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

KeywordHint KeywordFilter::run(std::string_view text, unsigned buckets) const {
  if (always_) return KeywordHint::kSome;
  Run run{KeywordHint::kNone, buckets};
  fingerprints_.scan(text, [&](std::size_t at, unsigned bits) {
    verify(text, at, bits, run);
    return run.hint != KeywordHint::kSome;
  });
  if (run.hint != KeywordHint::kSome && !windows_.empty()) scan_windows(text, run);
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
