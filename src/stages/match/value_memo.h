// SPDX-License-Identifier: Apache-2.0
//
// ValueMemo: which predicates hold for a value of a field, remembered by the value's bytes as they
// came. Log values repeat: nine of ten look-ups hit, and a value that hits is never decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "stages/match/predicate_sets.h"

namespace tocsin::match {

// Ownership: owns copies of the values.
// Threads:   one thread.
// Memory:    bounded; full() tells when clear() is due, so an attacker's distinct values cost time
// but not memory.
// Invariant: a hit is exact: the value's bytes are compared, a hash alone decides nothing.
class ValueMemo {
 public:
  static constexpr std::size_t kValueBytesMax = 16 * 1024;  // longer ones are not kept

  ValueMemo();

  // `tag` tells apart what the same bytes can mean: the field, and how they are to be read.
  struct Key {
    std::uint64_t hash;
    std::uint32_t tag;
    std::string_view value;
  };
  [[nodiscard]] Key key(std::uint32_t tag, std::string_view value) const {
    return {hash_bytes(value, seed_ + tag * 0x9E3779B97F4A7C15ULL) | 1, tag, value};
  }
  // Starts to load what find() will look at.
  void prefetch(const Key& key) const { __builtin_prefetch(&slots_[home(key)]); }
  [[nodiscard]] std::optional<SetId> find(const Key& key) const;
  void insert(const Key& key, SetId set);
  [[nodiscard]] bool full() const { return entries_ >= kEntriesMax || text_bytes_ > kTextBytesMax; }
  void clear();

 private:
  static constexpr std::size_t kSlots = 1u << 17;
  static constexpr std::size_t kEntriesMax = kSlots / 2;
  static constexpr std::size_t kTextBytesMax = 16u << 20;

  struct Slot {
    std::uint64_t hash = 0;      // 0: free
    const char* text = nullptr;  // tag, size, bytes
    SetId set = 0;
  };
  [[nodiscard]] static std::size_t home(const Key& key) { return (key.hash >> 20) % kSlots; }
  [[nodiscard]] static std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed);

  std::uint64_t seed_;
  std::vector<Slot> slots_;
  Arena text_;
  std::size_t text_bytes_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace tocsin::match
