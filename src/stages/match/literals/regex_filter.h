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

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/sigma/rule.h"

namespace re2 {
class FilteredRE2;
}

namespace tocsin::match {

// Threads: immutable after build(); share freely.
class RegexFilter {
 public:
  RegexFilter();
  ~RegexFilter();
  RegexFilter(RegexFilter&&) noexcept;
  RegexFilter& operator=(RegexFilter&&) noexcept;

  void add(const sigma::Predicate& regex, std::uint32_t payload);
  // The atoms, case-folded; number i is found when atom i is in the folded value.
  [[nodiscard]] std::vector<std::string> build();
  [[nodiscard]] bool empty() const { return payloads_.empty() && unfiltered_.empty(); }

  // Appends the payloads of the expressions that a value with these atoms can match; `folded`: the
  // value, case-folded.
  void candidates(const std::vector<int>& atoms, std::string_view folded,
                  std::vector<std::uint32_t>& out) const;

 private:
  // An expression without an atom. Bits are numbers of scraps.
  struct Bare {
    int number;                // the filter's
    std::uint64_t all_of = 0;  // it cannot match without each of them
    std::uint64_t any_of = 0;  // nor, unless 0, without one of these
  };

  void find_bare(std::vector<int> numbers);
  [[nodiscard]] std::uint64_t scraps_in(std::string_view folded) const;

  std::unique_ptr<re2::FilteredRE2> filter_;
  std::vector<std::uint32_t> payloads_;    // by the filter's number
  std::vector<std::uint32_t> unfiltered_;  // run on every value
  std::vector<Bare> bare_;
  std::vector<std::uint8_t> is_bare_;  // by the filter's number
  std::vector<std::string> scraps_;    // at most 64
};

}  // namespace tocsin::match
