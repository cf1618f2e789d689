// SPDX-License-Identifier: Apache-2.0
#include "stages/match/window_table.h"

#include <algorithm>
#include <bit>

namespace tocsin::match {
namespace {

// The more bits, the fewer false hits; small tables can afford more.
constexpr std::size_t kBitsEach = 16, kBitsEachSmall = 64;
constexpr std::size_t kBitsSmall = 1u << 16;  // a quarter of the first cache
constexpr std::size_t kBitsMax = 1u << 24;    // what bit_of() gives

int shift_for(std::size_t size) { return 64 - std::countr_zero(size); }

}  // namespace

void WindowTable::build() {
  if (building_.empty()) return;
  // In the order in which they are read: places of one window stand together.
  std::stable_sort(building_.begin(), building_.end(),
                   [](const Added& a, const Added& b) { return hash(a.window) < hash(b.window); });
  const std::size_t bits =
      std::clamp(std::bit_ceil(building_.size() * kBitsEach),
                 std::min(std::bit_ceil(building_.size() * kBitsEachSmall), kBitsSmall), kBitsMax);
  bits_.assign(bits / 64, 0);
  bits_mask_ = bits - 1;
  const std::size_t slots = std::bit_ceil(building_.size() * 2);
  slots_.assign(slots, Slot{});
  slots_shift_ = shift_for(slots);
  places_.reserve(building_.size());
  for (std::size_t i = 0; i < building_.size();) {
    const std::uint64_t window = building_[i].window;
    const auto first = static_cast<std::uint32_t>(i);
    for (; i < building_.size() && building_[i].window == window; ++i)
      places_.push_back(building_[i].place);
    const std::uint64_t bit = bit_of(window) & bits_mask_;
    bits_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    std::uint64_t s = hash(window) >> slots_shift_;
    while (slots_[s].count != 0) s = (s + 1) & (slots - 1);
    slots_[s] = {window, first, static_cast<std::uint32_t>(i) - first};
  }
  building_ = {};
}

}  // namespace tocsin::match
