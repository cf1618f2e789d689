// SPDX-License-Identifier: Apache-2.0
//
// OutcomeMemo: which rules match an event, by what its values satisfy, remembered.
//
//   (route, signature: [field, set of predicates that hold]...) -> rules that match, rules to ask
//
// Why: after the values were looked up (ValueMemo), an event is a list of a few numbers. The same
// list has the same outcome, and a thousand kinds of list make up most logs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tocsin::match {

// Of one value that matters to a route: its field and the number of its set, or that it is null.
struct SignatureEntry {
  std::uint32_t field;
  std::uint32_t set;
  bool operator==(const SignatureEntry&) const = default;
};

struct Outcome {
  std::span<const std::uint32_t> matched;
  std::span<const std::uint32_t> undecided;  // need predicates that a signature does not tell
};

// Threads:   one thread.
// Memory:    bounded; full() tells when clear() is due.
// Invariant: a hit is exact: signatures are compared, a hash alone decides nothing.
class OutcomeMemo {
 public:
  static constexpr std::size_t kEntriesMax = 96;  // of a signature that is remembered

  OutcomeMemo() { clear(); }
  // Valid until the next insert().
  [[nodiscard]] std::optional<Outcome> find(std::uint32_t route,
                                            std::span<const SignatureEntry> signature) const;
  void insert(std::uint32_t route, std::span<const SignatureEntry> signature,
              const Outcome& outcome);
  [[nodiscard]] bool full() const { return used_ >= kSlots / 2 || words_.size() > kWordsMax; }
  void clear();

 private:
  static constexpr std::size_t kSlots = 1u << 16;
  static constexpr std::size_t kWordsMax = 4u << 20;

  struct Slot {
    std::uint32_t hash = 0;  // part of it; 0: free
    std::uint32_t at = 0;    // in words_: route, sizes, signature, matched, undecided
  };
  static std::uint64_t hash_of(std::uint32_t route, std::span<const SignatureEntry> signature);

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> words_;
  std::size_t used_ = 0;
};

}  // namespace tocsin::match
