// SPDX-License-Identifier: Apache-2.0
#include "stages/match/memo/predicate_sets.h"

#include <algorithm>

namespace tocsin::match {

void PredicateSets::clear() {
  ids_.clear();
  begins_.assign(2, 0);  // the empty set is number 0
  by_hash_.clear();
}

SetId PredicateSets::intern(std::span<const std::uint32_t> ids) {
  if (ids.empty()) return kEmptySet;
  std::uint64_t hash = 0;
  for (const std::uint32_t id : ids) hash = (hash ^ id) * 0x9E3779B97F4A7C15ULL + (hash >> 29);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (std::ranges::equal(at(it->second), ids)) return it->second;
  const auto id = static_cast<SetId>(begins_.size() - 1);
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  begins_.push_back(ids_.size());
  by_hash_.emplace(hash, id);
  return id;
}

}  // namespace tocsin::match
