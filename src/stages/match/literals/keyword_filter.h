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
// themselves) is looked for, by a fingerprint of its rarest three bytes (Fingerprints) while these
// let hardly any text through, as those of some twenty keywords do. With more keywords, stretches
// of seven bytes and more are filed under windows of four (WindowTable) instead, one of which
// stands at every fourth place of the text: as dear for twenty as for two thousand. Where either
// may stand, the stretch is compared.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/match/literals/fingerprints.h"
#include "stages/match/literals/window_table.h"

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
  [[nodiscard]] KeywordHint scan(std::string_view text) const;
  // `text` is a decoded value: no escapes.
  [[nodiscard]] bool may_hold(std::string_view text) const;
  // Whether a keyword can stand in a number, which an event may write otherwise than it is matched.
  [[nodiscard]] bool concerns_numbers() const { return numbers_; }
  // Whether a value of the kind that kOdd speaks of.
  [[nodiscard]] static bool is_odd(std::string_view value);

 private:
  static constexpr std::size_t kWindow = 4, kStride = 4;

  [[nodiscard]] bool file_in_fingerprints();
  void file_in_fingerprints(std::uint32_t needle);
  void file_in_windows(std::uint32_t needle);
  // Whether a stretch is there.
  [[nodiscard]] bool finds(std::string_view text) const;
  [[nodiscard]] bool finds_in_windows(std::string_view text) const;
  [[nodiscard]] bool stands_at(std::uint32_t needle, std::string_view text, std::size_t at) const;

  std::vector<std::string> needles_;  // folded stretches; plain ASCII
  WindowTable windows_;
  struct Printed {
    std::uint32_t needle;
    std::size_t at;  // of the fingerprint in it
  };
  std::array<std::vector<Printed>, Fingerprints::kBuckets> buckets_;
  Fingerprints fingerprints_;
  bool has_fingerprints_ = false;
  bool always_ = false;     // a keyword without plain characters: the filter is of no use
  bool numbers_ = false;    // a keyword of digits
  bool non_ascii_ = false;  // a keyword of other than ASCII characters
};

}  // namespace tocsin::match
