// SPDX-License-Identifier: Apache-2.0
//
// KeywordFilter: whether an event can hold any of some keywords at all, from its raw JSON.
//
//   keywords --build()--> filter --scan(JSON bytes)--> surely none, perhaps, or look at odd values
//
// Why: a handful of rules search every value of every event. Nearly all events hold none of their
// keywords, and one pass of vector instructions over the bytes as they came proves it, without
// decoding or case-folding a single value.
//
// How: of each keyword the longest stretch of plain characters (those that JSON writes as
// themselves) is looked for. The rarest three bytes of it are its fingerprint; where one may stand,
// the stretch is compared. Fingerprints of many keywords would fit nearly everywhere, so then the
// stretches of seven bytes and more are filed under windows of four, one of which stands at every
// fourth place of the text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/match/fingerprints.h"
#include "stages/match/window_table.h"

namespace tocsin::match {

enum class KeywordHint : std::uint8_t {
  kNone,  // no value holds a keyword
  kOdd,   // only a value with an escape \u or a character that folds to ASCII can
  kSome,  // a keyword's bytes are there, or the filter cannot tell
};

// Threads: immutable after build(); share freely.
class KeywordFilter {
 public:
  // `folded` is case-folded text that a value must hold (a keyword, or the longest literal of a
  // pattern).
  void add(std::string_view folded);
  void build();

  // `text` is JSON.
  [[nodiscard]] KeywordHint scan(std::string_view text) const { return run(text, kAllBuckets); }
  // `text` is a decoded value: no escapes.
  [[nodiscard]] bool may_hold(std::string_view text) const {
    return run(text, kAllBuckets & ~kEscapeBucket) != KeywordHint::kNone;
  }
  // Whether a value of the kind that kOdd speaks of.
  [[nodiscard]] static bool is_odd(std::string_view value);

 private:
  struct Run {
    KeywordHint hint;
    unsigned buckets;  // those that count
  };
  struct Needle {
    std::string text;    // folded; plain ASCII, or exact bytes
    std::size_t at = 0;  // of the fingerprint in `text`
    bool exact = false;  // compare without folding; marks an odd value
  };

  static constexpr unsigned kKeywordBuckets = 6;
  static constexpr unsigned kEscapeBucket = 1u << 7;  // the sixth holds other exact bytes
  static constexpr unsigned kAllBuckets = 0xFF;

  [[nodiscard]] KeywordHint run(std::string_view text, unsigned buckets) const;
  // Compares what the buckets in `bits` hold with the text around `at`.
  void verify(std::string_view text, std::size_t at, unsigned bits, Run& run) const;

  void file_in_windows(std::uint32_t needle);
  void scan_windows(std::string_view text, Run& run) const;
  void compare(std::uint32_t window, std::string_view text, std::size_t at, Run& run) const;

  static constexpr std::size_t kFewNeedles = 48;  // so many fingerprints are sharp enough
  static constexpr std::size_t kWindow = 4, kStride = 4;

  Fingerprints fingerprints_;
  WindowTable windows_;
  std::vector<Needle> needles_;
  std::array<std::vector<std::uint32_t>, 8> buckets_;
  bool always_ = false;     // a keyword without plain characters: the filter is of no use
  bool non_ascii_ = false;  // a keyword of other than ASCII characters
};

}  // namespace tocsin::match
