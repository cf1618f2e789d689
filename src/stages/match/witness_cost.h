// SPDX-License-Identifier: Apache-2.0
//
// WitnessCost: a guess at how often events make a predicate hold, from the rules alone.
//
// How: what many literals of many rules hold in common ("powershell", "\windows\", ".exe") is what
// logs are full of; a literal is as rare as its rarest piece. What many rules name is common, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::match {

// Threads: one thread.
class WitnessCost {
 public:
  WitnessCost() : counts_(kCounts) {}

  // Before any cost is asked: every literal once.
  void add(std::string_view literal);

  // Of a predicate that is filed under a literal; `uses`: how many times rules name it.
  [[nodiscard]] double of_literal(const sigma::Predicate& p, std::string_view literal,
                                  std::size_t uses) const;
  // Of an expression, a network, a comparison.
  [[nodiscard]] double of_other(const sigma::Predicate& p, std::size_t uses) const;

 private:
  static constexpr std::size_t kPiece = 4;
  static constexpr std::size_t kCounts = 1u << 16;

  std::vector<std::uint16_t> counts_;  // by a hash of four bytes: literals that hold them
};

}  // namespace tocsin::match
