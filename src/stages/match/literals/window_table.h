// SPDX-License-Identifier: Apache-2.0
//
// WindowTable: which literals hold a window of a few bytes, and where in them it stands.
//
//   (window, place)... --build()--> may_hold(window): two bits -> find(window): places
//
// Why: nearly every window of a value belongs to no literal. A bitmap with some sixteen bits for
// each window says so, and is small enough to stay in the first cache. Each window sets two bits of
// one word (a blocked Bloom filter: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient
// Bloom Filters", 2007), so that one look into memory tells both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
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

  // Of 32 bits, and by 32-bit halves, so that vectors of eight windows can work it out.
  static constexpr std::uint32_t kLowFactor = 0x9E3779B1u, kHighFactor = 0x85EBCA77u;
  [[nodiscard]] static std::uint32_t hash(std::uint64_t window) {
    return static_cast<std::uint32_t>(window) * kLowFactor +
           static_cast<std::uint32_t>(window >> 32) * kHighFactor;
  }

  void add(std::uint64_t window, Place place) { building_.push_back({window, place}); }
  void build();
  [[nodiscard]] bool empty() const { return places_.empty(); }

  // A copy of what may_hold() reads, for loops: the compiler need not load it again and again.
  // A hash's upper bits are a word's number, the next five the first bit, the next five the second.
  struct Filter {
    const std::uint32_t* words;
    int shift;  // what is left of a hash: the word and the first bit
    // False: no literal holds the window.
    [[nodiscard]] bool may_hold(std::uint64_t window) const {
      const std::uint32_t hashed = hash(window);
      const std::uint32_t first = hashed >> shift, second = hashed >> (shift - kBitOfWord);
      const std::uint32_t word = words[first >> kBitOfWord];
      return (word >> (first & 31) & word >> (second & 31) & 1) != 0;
    }
  };
  static constexpr int kBitOfWord = 5;
  [[nodiscard]] Filter filter() const { return {words_.data(), words_shift_}; }

  template <class Each>
  void find(std::uint64_t window, Each&& each) const {
    for (std::size_t s = hash(window) >> slots_shift_; slots_[s].count != 0;
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
  std::vector<Added> building_;
  std::vector<std::uint32_t> words_ = std::vector<std::uint32_t>(1);
  int words_shift_ = 31;
  std::vector<Slot> slots_ = std::vector<Slot>(2);
  int slots_shift_ = 31;
  std::vector<Place> places_;
};

// Tables of windows of four, three and two bytes.
struct NearTables {
  WindowTable quads, triples, pairs;
};

// Places of a text where a window may stand, some at a time: `from` becomes the first place that
// was not looked at, and what is found is written to `places`.
inline constexpr std::size_t kPlacesMax = 64;

// Of all places; behind the text's end stand zeros.
[[nodiscard]] std::size_t near_places(std::string_view text, std::size_t& from,
                                      const NearTables& tables, std::size_t* places);

// Of every fourth place, which `from` is: where eight bytes may be a window of `wide` or four one
// of `narrow`, each of the bytes or-ed with those of `mask`. Near the text's end, where fewer than
// eight bytes are left, only `narrow` counts.
[[nodiscard]] std::size_t far_places(std::string_view text, std::size_t& from,
                                     const WindowTable& wide, const WindowTable& narrow,
                                     std::uint32_t mask, std::size_t* places);

}  // namespace tocsin::match
