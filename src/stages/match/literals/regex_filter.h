// SPDX-License-Identifier: Apache-2.0
//
// RegexFilter: of one field's regular expressions, those that a value can match at all, by the
// literals that each of them requires.
//
//   expressions --build()--> atoms (literals, found by the field's LiteralIndex)
//   atoms found in a value, scraps in it -> expressions worth running
//
// A scrap is a literal of one or two bytes that an expression without an atom requires: `:[^\\]`
// needs a colon. They are too common for the index; whether a value holds each is asked once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::match {

// Threads: immutable after build(); share freely.
class RegexFilter {
 public:
  void add(const sigma::Predicate& regex, std::uint32_t payload);
  // The atoms, case-folded; number i is found when atom i is in the folded value.
  [[nodiscard]] std::vector<std::string> build();
  [[nodiscard]] bool empty() const {
    return sources_.empty() && filtered_.empty() && bare_.empty() && unfiltered_.empty();
  }

  // Appends the payloads of the expressions that a value with these atoms (sorted) can match, each
  // once; `folded`: the value, case-folded.
  void candidates(const std::vector<int>& atoms, std::string_view folded,
                  std::vector<std::uint32_t>& out) const;

 private:
  struct Source {
    sigma::Predicate predicate;
    std::uint32_t payload;
  };
  struct Filtered {
    std::uint32_t payload;
    std::vector<int> all_of;  // atoms without which it cannot match, sorted
    std::vector<int> any_of;  // unless empty: nor without one of these
  };
  // An expression without an atom. Bits are numbers of scraps.
  struct Bare {
    std::uint32_t payload;
    std::uint64_t all_of = 0;
    std::uint64_t any_of = 0;
  };

  void file(Filtered expression);
  [[nodiscard]] bool add_bare(const Source& source);
  [[nodiscard]] std::uint64_t scraps_in(std::string_view folded) const;

  std::vector<Source> sources_;  // until build()
  std::vector<Filtered> filtered_;
  std::vector<std::vector<std::uint32_t>> by_atom_;  // into filtered_
  std::vector<Bare> bare_;
  std::vector<std::string> scraps_;         // at most 64
  std::uint64_t long_scraps_ = 0;           // of two bytes and more
  std::array<std::uint64_t, 256> begun_{};  // by byte: scraps that begin with it
  std::vector<std::uint32_t> unfiltered_;   // run on every value
};

}  // namespace tocsin::match
