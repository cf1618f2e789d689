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

#include "stages/match/memo/big_buffer.h"
#include "stages/match/memo/predicate_sets.h"

namespace tocsin::match {

// Ownership: owns copies of the values.
// Threads:   one thread.
// Memory:    bounded; full() tells when clear() is due, so an attacker's distinct values cost time
// but not memory.
// Invariant: a hit is exact: the value's bytes are compared, a hash alone decides nothing.
class ValueMemo {
 public:
  static constexpr std::size_t kValueBytesMax = 16 * 1024;  // longer ones are not kept
  // Longer ones are kept when they come a second time: most never do, and they fill the memory.
  static constexpr std::size_t kLongBytes = 512;

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
  // Start to load what find() will look at: for some keys the first, then for them the second.
  void prefetch(const Key& key) const { __builtin_prefetch(&slots()[home(key)]); }
  void prefetch_entry(const Key& key) const {
    const Slot& slot = slots()[home(key)];
    if (slot.at != 0) __builtin_prefetch(entries() + slot.at);
  }
  [[nodiscard]] std::optional<SetId> find(const Key& key) const;
  // Whether the value is to be kept; of a long one that is so when it comes a second time.
  [[nodiscard]] bool wants(const Key& key) {
    if (key.value.size() > kValueBytesMax || full()) return false;
    return key.value.size() <= kLongBytes || comes_again(key);
  }
  void insert(const Key& key, SetId set);  // what it wants
  [[nodiscard]] bool full() const { return count_ >= kEntriesMax || end_ > kTextBytesMax; }
  void clear();

 private:
  static constexpr std::size_t kSlots = 1u << 17;
  static constexpr std::size_t kEntriesMax = kSlots / 2;
  static constexpr std::size_t kTextBytesMax = 16u << 20;
  static constexpr std::size_t kLongOnes = 1u << 12;

  struct Slot {
    std::uint32_t hash;  // part of it
    std::uint32_t at;    // of the entry; 0: free
  };
  // Behind it stands the text.
  struct Entry {
    std::uint32_t tag;
    std::uint32_t size;
    SetId set;
  };

  [[nodiscard]] static std::size_t home(const Key& key) { return (key.hash >> 40) % kSlots; }
  [[nodiscard]] static std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed);
  [[nodiscard]] Slot* slots() const { return reinterpret_cast<Slot*>(memory_.data()); }
  [[nodiscard]] char* entries() const { return memory_.data() + kSlots * sizeof(Slot); }
  [[nodiscard]] bool comes_again(const Key& key);

  std::uint64_t seed_;
  BigBuffer memory_;  // slots, entries
  std::size_t end_ = sizeof(Entry);
  std::size_t count_ = 0;
  std::vector<std::uint32_t> long_ones_;  // by a hash: part of the hash of the one last seen
};

}  // namespace tocsin::match
