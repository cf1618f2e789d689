// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/window_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tocsin::match {
namespace {

// The more bits, the fewer false hits; small tables can afford more.
constexpr std::size_t kBitsEach = 16, kBitsEachSmall = 64;
constexpr std::size_t kBitsSmall = 1u << 16;  // a quarter of the first cache
constexpr std::size_t kBitsMax = 1u << 26;    // ten bits of a hash are two bits of a word

int shift_for(std::size_t size) { return 32 - std::countr_zero(size); }

}  // namespace

void WindowTable::build() {
  if (building_.empty()) return;
  // In the order in which they are read: places of one window stand together.
  std::stable_sort(building_.begin(), building_.end(), [](const Added& a, const Added& b) {
    const std::uint32_t first = hash(a.window), second = hash(b.window);
    return first != second ? first < second : a.window < b.window;
  });
  const std::size_t bits =
      std::clamp(std::bit_ceil(building_.size() * kBitsEach),
                 std::min(std::bit_ceil(building_.size() * kBitsEachSmall), kBitsSmall), kBitsMax);
  words_.assign(bits / 32, 0);
  words_shift_ = shift_for(bits);
  const std::size_t slots = std::bit_ceil(building_.size() * 2);
  slots_.assign(slots, Slot{});
  slots_shift_ = shift_for(slots);
  places_.reserve(building_.size());
  for (std::size_t i = 0; i < building_.size();) {
    const std::uint64_t window = building_[i].window;
    const auto first = static_cast<std::uint32_t>(i);
    for (; i < building_.size() && building_[i].window == window; ++i)
      places_.push_back(building_[i].place);
    const std::uint32_t first_bit = hash(window) >> words_shift_;
    const std::uint32_t second_bit = hash(window) >> (words_shift_ - kBitOfWord);
    words_[first_bit >> kBitOfWord] |= 1u << (first_bit & 31) | 1u << (second_bit & 31);
    std::size_t s = hash(window) >> slots_shift_;
    while (slots_[s].count != 0) s = (s + 1) & (slots - 1);
    slots_[s] = {window, first, static_cast<std::uint32_t>(i) - first};
  }
  building_ = {};
}

namespace {

using Filter = WindowTable::Filter;

constexpr std::size_t kNone = SIZE_MAX;

#if defined(__x86_64__)

// For eight places: the lowest bit of each lane is set where the filter may hold the hash.
__attribute__((target("avx2"))) inline __m256i bits_of(Filter filter, __m256i hash) {
  const __m256i lowest = _mm256_set1_epi32(31);
  const __m256i first = _mm256_srl_epi32(hash, _mm_cvtsi32_si128(filter.shift));
  const __m256i second =
      _mm256_srl_epi32(hash, _mm_cvtsi32_si128(filter.shift - WindowTable::kBitOfWord));
  const __m256i words =
      _mm256_i32gather_epi32(reinterpret_cast<const int*>(filter.words),
                             _mm256_srli_epi32(first, WindowTable::kBitOfWord), 4);
  return _mm256_and_si256(_mm256_srlv_epi32(words, _mm256_and_si256(first, lowest)),
                          _mm256_srlv_epi32(words, _mm256_and_si256(second, lowest)));
}

// As long as whole vectors of places fit; `from` becomes the first place not looked at.
template <bool Wide, bool Narrow>
__attribute__((target("avx2"))) std::size_t next_avx2(std::string_view text, std::size_t& from,
                                                      Filter wide, Filter narrow,
                                                      std::uint32_t mask) {
  const __m256i low_factor = _mm256_set1_epi32(static_cast<int>(WindowTable::kLowFactor));
  const __m256i high_factor = _mm256_set1_epi32(static_cast<int>(WindowTable::kHighFactor));
  const __m256i ored = _mm256_set1_epi32(static_cast<int>(mask));
  const auto load = [&](std::size_t at) __attribute__((target("avx2"))) {
    return _mm256_or_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at)),
                           ored);
  };
  for (; from + sizeof(__m256i) + 4 <= text.size(); from += sizeof(__m256i)) {
    const __m256i low = _mm256_mullo_epi32(load(from), low_factor);
    __m256i hits = _mm256_setzero_si256();
    if constexpr (Narrow) hits = bits_of(narrow, low);
    if constexpr (Wide) {
      const __m256i high = _mm256_mullo_epi32(load(from + 4), high_factor);
      hits = _mm256_or_si256(hits, bits_of(wide, _mm256_add_epi32(low, high)));
    }
    const int lanes = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(hits, 31)));
    if (lanes != 0)
      return from + 4 * static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(lanes)));
  }
  return kNone;
}

std::size_t next_vector(std::string_view text, std::size_t& from, const WindowTable& wide,
                        const WindowTable& narrow, std::uint32_t mask) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (!has_avx2) return kNone;
  if (narrow.empty())
    return next_avx2<true, false>(text, from, wide.filter(), narrow.filter(), mask);
  if (wide.empty()) return next_avx2<false, true>(text, from, wide.filter(), narrow.filter(), mask);
  return next_avx2<true, true>(text, from, wide.filter(), narrow.filter(), mask);
}

#else

std::size_t next_vector(std::string_view, std::size_t&, const WindowTable&, const WindowTable&,
                        std::uint32_t) {
  return kNone;
}

#endif

}  // namespace

std::size_t next_place(std::string_view text, std::size_t from, const WindowTable& wide,
                       const WindowTable& narrow, std::uint32_t mask) {
  if (const std::size_t found = next_vector(text, from, wide, narrow, mask); found != kNone)
    return found;
  const Filter wide_filter = wide.filter(), narrow_filter = narrow.filter();
  const std::uint64_t mask_of_wide = static_cast<std::uint64_t>(mask) << 32 | mask;
  for (; from + 4 <= text.size(); from += 4) {
    std::uint64_t window = 0;
    const bool whole = from + 8 <= text.size();
    std::memcpy(&window, text.data() + from, whole ? 8 : 4);
    window |= mask_of_wide;
    if (narrow_filter.may_hold(window & 0xFFFF'FFFFu)) return from;
    if (whole && wide_filter.may_hold(window)) return from;
  }
  return text.size();
}

}  // namespace tocsin::match
