// SPDX-License-Identifier: Apache-2.0
//
// Implied: literals that need not be looked for, because a shorter one of the same `or` stands in
// them.
//
//   a field contains "couple", "couple with heart" or "heart" -> "couple" or "heart"
//
// Why: some lists hold thousands of literals (all emoji and all their combinations), and wherever
// one of them stands, dozens do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::match {

struct Implied {
  std::uint32_t predicate;  // of the rule
  std::uint32_t by;         // what it may be replaced by wherever the condition names it
};

// Of lists of kContains of one field; short lists are not worth the search.
[[nodiscard]] std::vector<Implied> find_implied(const sigma::Expr& condition,
                                                std::span<const sigma::Predicate> predicates);

}  // namespace tocsin::match
