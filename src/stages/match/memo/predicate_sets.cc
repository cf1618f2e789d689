// SPDX-License-Identifier: Apache-2.0
#include "stages/match/memo/predicate_sets.h"

#include <algorithm>

namespace tocsin::match {
namespace {

constexpr std::size_t kSlotsMin = 1u << 10;  // a power of two

std::uint32_t hash_of(std::span<const std::uint32_t> ids) {
  std::uint64_t hash = 0;
  for (const std::uint32_t id : ids) hash = (hash ^ id) * 0x9E3779B97F4A7C15ULL + (hash >> 29);
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

void PredicateSets::clear() {
  ids_.clear();
  begins_.assign(2, 0);  // the empty set is number 0
  slots_.assign(kSlotsMin, Slot{});
}

SetId PredicateSets::intern(std::span<const std::uint32_t> ids) {
  if (ids.empty()) return kEmptySet;
  const std::uint32_t hash = hash_of(ids);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask; slots_[i].set != kEmptySet; i = (i + 1) & mask)
    if (slots_[i].hash == hash && std::ranges::equal(at(slots_[i].set), ids)) return slots_[i].set;
  const auto id = static_cast<SetId>(begins_.size() - 1);
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  begins_.push_back(ids_.size());
  if (2 * begins_.size() > slots_.size()) grow();
  free_slot(hash) = {hash, id};
  return id;
}

PredicateSets::Slot& PredicateSets::free_slot(std::uint32_t hash) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].set != kEmptySet) i = (i + 1) & mask;
  return slots_[i];
}

void PredicateSets::grow() {
  std::vector<Slot> before(2 * slots_.size());
  before.swap(slots_);
  for (const Slot& slot : before)
    if (slot.set != kEmptySet) free_slot(slot.hash) = slot;
}

}  // namespace tocsin::match
