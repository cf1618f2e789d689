// SPDX-License-Identifier: Apache-2.0
//
// ValueMemo: which predicates hold for a (field, value), remembered. Log values repeat: nine of ten
// look-ups hit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin::match {

// Ownership: owns copies of values and results in two arenas.
// Threads:   one thread.
// Limits:    values above kValueBytesMax are not kept; when an arena is full everything is
// forgotten, so an
//            attacker's distinct values cost time but not memory.
// Invariant: a hit is exact: the value's bytes are compared, a hash alone decides nothing.
class ValueMemo {
 public:
  static constexpr std::size_t kValueBytesMax = 2048;

  ValueMemo();

  struct Key {
    std::uint64_t hash;
    std::uint32_t field;
    std::string_view value;
  };
  [[nodiscard]] Key key(std::uint32_t field, std::string_view value) const;
  // The remembered result, valid until the next insert().
  [[nodiscard]] std::optional<std::span<const std::uint32_t>> find(const Key& key) const;
  void insert(const Key& key, std::span<const std::uint32_t> result);

 private:
  static constexpr std::size_t kSlots = 1u << 17;
  static constexpr std::size_t kEntriesMax = kSlots / 2;
  static constexpr std::size_t kTextBytesMax = 16u << 20;
  static constexpr std::size_t kResultsMax = 2u << 20;

  struct Slot {
    std::uint64_t hash = 0;  // 0: free
    std::uint32_t field = 0;
    std::uint32_t text_at = 0;
    std::uint32_t text_size = 0;
    std::uint32_t result_at = 0;
    std::uint32_t result_size = 0;
  };

  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::size_t entries_ = 0;
  std::vector<char> text_;
  std::vector<std::uint32_t> results_;
};

}  // namespace tocsin::match
