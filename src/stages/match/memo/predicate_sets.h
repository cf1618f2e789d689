// SPDX-License-Identifier: Apache-2.0
//
// PredicateSets: sets of predicates, each kept once and known by a number.
//
// Why: many values satisfy the same predicates, mostly none. With numbers for sets, what an event
// means to all rules is a short list of numbers, and such lists repeat (OutcomeMemo).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tocsin::match {

using SetId = std::uint32_t;
inline constexpr SetId kEmptySet = 0;

// Threads: one thread. Memory: clear() is the user's duty when size() grows too large.
class PredicateSets {
 public:
  PredicateSets() { clear(); }

  // `ids` sorted, each once.
  [[nodiscard]] SetId intern(std::span<const std::uint32_t> ids);
  [[nodiscard]] std::span<const std::uint32_t> at(SetId id) const {
    return std::span(ids_).subspan(begins_[id], begins_[id + 1] - begins_[id]);
  }
  // Numbers held, over all sets.
  [[nodiscard]] std::size_t size() const { return ids_.size() + begins_.size(); }
  void clear();

 private:
  std::vector<std::uint32_t> ids_;
  std::vector<std::size_t> begins_;  // one more than there are sets
  // Open addressing; at most half of the slots are used.
  struct Slot {
    std::uint32_t hash;
    SetId set;  // kEmptySet: free
  };
  [[nodiscard]] Slot& free_slot(std::uint32_t hash);
  void grow();
  std::vector<Slot> slots_;
};

}  // namespace tocsin::match
