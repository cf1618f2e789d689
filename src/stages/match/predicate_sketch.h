// SPDX-License-Identifier: Apache-2.0
//
// PredicateSketch: a few hundred bytes that tell of nearly every predicate that it was not added.
//
// Why: a condition with long lists asks of some hundred predicates, nearly all in vain, and each
// answer would be a look into tables that are larger than the caches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "stages/match/program.h"

namespace tocsin::match {

// Threads: one thread.
class PredicateSketch {
 public:
  void clear() { words_.fill(0); }
  void add(PredicateId id) { words_[word_of(id)] |= bit_of(id); }
  // False: it was not added.
  [[nodiscard]] bool may_hold(PredicateId id) const {
    return (words_[word_of(id)] & bit_of(id)) != 0;
  }

 private:
  static constexpr std::size_t kWords = 64;  // an event seldom satisfies more than 200 predicates
  static std::size_t word_of(PredicateId id) { return id / 64 % kWords; }
  static std::uint64_t bit_of(PredicateId id) { return std::uint64_t{1} << id % 64; }

  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace tocsin::match
