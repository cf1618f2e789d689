// SPDX-License-Identifier: Apache-2.0
//
// WindowTable: which literals hold a window of a few bytes, and where in them it stands.
//
//   (window, place)... --build()--> may_hold(window): one bit -> find(window): places
//
// Why: nearly every window of a value belongs to no literal. A bitmap with some sixteen bits for
// each window says so, and is small enough to stay in the first cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin::match {

// Threads:   immutable after build(); share freely.
// Invariant: find() gives every place that was added under the window and no other.
class WindowTable {
 public:
  struct Place {
    std::uint32_t literal;
    std::uint32_t offset;  // of the window in the literal
  };

  void add(std::uint64_t window, Place place) { building_.push_back({window, place}); }
  void build();
  [[nodiscard]] bool empty() const { return places_.empty(); }

  // A copy of what may_hold() reads, for loops: the compiler need not load it again and again.
  struct Filter {
    const std::uint64_t* bits;
    std::uint64_t mask;
    // False: no literal holds the window.
    [[nodiscard]] bool may_hold(std::uint64_t window) const {
      const std::uint64_t bit = bit_of(window) & mask;
      return (bits[bit >> 6] >> (bit & 63) & 1) != 0;
    }
  };
  [[nodiscard]] Filter filter() const { return {bits_.data(), bits_mask_}; }

  template <class Each>
  void find(std::uint64_t window, Each&& each) const {
    for (std::uint64_t s = hash(window) >> slots_shift_; slots_[s].count != 0;
         s = (s + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[s];
      if (slot.window != window) continue;
      for (std::uint32_t i = slot.first; i < slot.first + slot.count; ++i) each(places_[i]);
      return;
    }
  }

 private:
  struct Slot {
    std::uint64_t window = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;  // 0: free
  };
  struct Added {
    std::uint64_t window;
    Place place;
  };
  static std::uint64_t hash(std::uint64_t window) { return window * 0x9E3779B97F4A7C15ULL; }

  // A fixed shift is cheaper than one by the table's size.
  static std::uint64_t bit_of(std::uint64_t window) { return hash(window) >> 40; }

  std::vector<Added> building_;
  std::vector<std::uint64_t> bits_ = std::vector<std::uint64_t>(1);
  std::uint64_t bits_mask_ = 63;
  std::vector<Slot> slots_ = std::vector<Slot>(2);
  int slots_shift_ = 63;
  std::vector<Place> places_;
};

}  // namespace tocsin::match
