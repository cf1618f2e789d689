// SPDX-License-Identifier: Apache-2.0
//
// RegexFilter: of one field's regular expressions, those that a value can match at all, by the
// literals that each of them requires.
//
//   expressions --build()--> atoms (literals, found by the field's LiteralIndex)
//   atoms found in a value  -> expressions worth running
#pragma once

#include <cstdint>
#include <memory>
#include <string>
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

  // Appends the payloads of the expressions that a value with these atoms can match.
  void candidates(const std::vector<int>& atoms, std::vector<std::uint32_t>& out) const;

 private:
  std::unique_ptr<re2::FilteredRE2> filter_;
  std::vector<std::uint32_t> payloads_;       // by the filter's number
  std::vector<std::uint32_t> unfiltered_;     // run on every value
  std::vector<std::uint32_t> without_atoms_;  // by payload: worth running when no atom is found
};

}  // namespace tocsin::match
