// SPDX-License-Identifier: Apache-2.0
#include "stages/match/memo/outcome_memo.h"

#include "base/bytes/small_bytes.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kHead = 4;  // route, entries of the signature, rules matched, undecided

}  // namespace

void OutcomeMemo::clear() {
  slots_.assign(kSlots, Slot{});
  words_.clear();
  used_ = 0;
}

std::uint64_t OutcomeMemo::hash_of(std::uint32_t route, std::span<const SignatureEntry> signature) {
  std::uint64_t hash = route + 1;
  for (const SignatureEntry& entry : signature) {
    hash ^= (static_cast<std::uint64_t>(entry.field) << 32) | entry.set;
    hash *= 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32;
  }
  return hash | 1;
}

std::optional<Outcome> OutcomeMemo::find(std::uint32_t route,
                                         std::span<const SignatureEntry> signature) const {
  const std::uint64_t hash = hash_of(route, signature);
  for (std::size_t i = (hash >> 40) % kSlots;; i = (i + 1) % kSlots) {
    const Slot& slot = slots_[i];
    if (slot.hash == 0) return std::nullopt;
    if (slot.hash != static_cast<std::uint32_t>(hash)) continue;
    const std::uint32_t* const words = words_.data() + slot.at;
    if (words[0] != route || words[1] != signature.size()) continue;
    const std::uint32_t* const entries = words + kHead;
    if (!equal_bytes(reinterpret_cast<const char*>(entries),
                     reinterpret_cast<const char*>(signature.data()), signature.size_bytes()))
      continue;
    const std::uint32_t* const matched = entries + 2 * signature.size();
    return Outcome{{matched, words[2]}, {matched + words[2], words[3]}};
  }
}

void OutcomeMemo::insert(std::uint32_t route, std::span<const SignatureEntry> signature,
                         const Outcome& outcome) {
  if (signature.size() > kEntriesMax || full()) return;
  const std::uint64_t hash = hash_of(route, signature);
  std::size_t i = (hash >> 40) % kSlots;
  while (slots_[i].hash != 0) i = (i + 1) % kSlots;
  slots_[i] = {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(words_.size())};
  ++used_;
  words_.insert(words_.end(), {route, static_cast<std::uint32_t>(signature.size()),
                               static_cast<std::uint32_t>(outcome.matched.size()),
                               static_cast<std::uint32_t>(outcome.undecided.size())});
  for (const SignatureEntry& entry : signature)
    words_.insert(words_.end(), {entry.field, entry.set});
  words_.insert(words_.end(), outcome.matched.begin(), outcome.matched.end());
  words_.insert(words_.end(), outcome.undecided.begin(), outcome.undecided.end());
}

}  // namespace tocsin::match
