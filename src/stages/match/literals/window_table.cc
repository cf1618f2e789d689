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

// As long as whole vectors of places fit.
template <bool Wide, bool Narrow>
__attribute__((target("avx2"))) std::size_t far_avx2(std::string_view text, std::size_t& from,
                                                     Filter wide, Filter narrow, std::uint32_t mask,
                                                     std::size_t* places) {
  constexpr std::size_t kStep = sizeof(__m256i);
  const __m256i low_factor = _mm256_set1_epi32(static_cast<int>(WindowTable::kLowFactor));
  const __m256i high_factor = _mm256_set1_epi32(static_cast<int>(WindowTable::kHighFactor));
  const __m256i ored = _mm256_set1_epi32(static_cast<int>(mask));
  const auto load = [&](std::size_t at) __attribute__((target("avx2"))) {
    return _mm256_or_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at)),
                           ored);
  };
  std::size_t count = 0;
  for (; from + kStep + 4 <= text.size() && count + kStep / 4 <= kPlacesMax; from += kStep) {
    const __m256i low = _mm256_mullo_epi32(load(from), low_factor);
    __m256i hits = _mm256_setzero_si256();
    if constexpr (Narrow) hits = bits_of(narrow, low);
    if constexpr (Wide) {
      const __m256i high = _mm256_mullo_epi32(load(from + 4), high_factor);
      hits = _mm256_or_si256(hits, bits_of(wide, _mm256_add_epi32(low, high)));
    }
    auto lanes =
        static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(hits, 31))));
    for (; lanes != 0; lanes &= lanes - 1)
      places[count++] = from + 4 * static_cast<std::size_t>(__builtin_ctz(lanes));
  }
  return count;
}

std::size_t far_vector(std::string_view text, std::size_t& from, const WindowTable& wide,
                       const WindowTable& narrow, std::uint32_t mask, std::size_t* places) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (!has_avx2) return 0;
  if (narrow.empty())
    return far_avx2<true, false>(text, from, wide.filter(), narrow.filter(), mask, places);
  if (wide.empty())
    return far_avx2<false, true>(text, from, wide.filter(), narrow.filter(), mask, places);
  return far_avx2<true, true>(text, from, wide.filter(), narrow.filter(), mask, places);
}

// Eight places at a time. A text of fewer than sixteen bytes is given with zeros behind it.
__attribute__((target("avx2"))) std::size_t near_avx2(std::string_view text, std::size_t& from,
                                                      const NearTables& tables,
                                                      std::size_t* places) {
  constexpr std::size_t kStep = 8;
  constexpr std::size_t kLoaded = sizeof(__m128i);
  const Filter quads = tables.quads.filter(), triples = tables.triples.filter(),
               pairs = tables.pairs.filter();
  const __m256i factor = _mm256_set1_epi32(static_cast<int>(WindowTable::kLowFactor));
  const __m256i of_triple = _mm256_set1_epi32(0xFF'FFFF), of_pair = _mm256_set1_epi32(0xFFFF);
  // For each place the numbers of its four bytes among those loaded.
  const __m256i numbers = _mm256_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6,
                                           7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10);
  const std::size_t last = text.size() < kLoaded ? 0 : text.size() - kLoaded;
  std::size_t count = 0;
  for (; from < text.size() && count + kStep <= kPlacesMax; from += kStep) {
    const std::size_t at = from < last ? from : last;
    const __m256i loaded = _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at)));
    // Those behind the end get the upper bit, which makes a zero.
    const __m256i wanted = _mm256_add_epi8(numbers, _mm256_set1_epi8(static_cast<char>(from - at)));
    const __m256i behind = _mm256_cmpgt_epi8(wanted, _mm256_set1_epi8(kLoaded - 1));
    const __m256i windows = _mm256_shuffle_epi8(loaded, _mm256_or_si256(wanted, behind));
    const __m256i of_three = _mm256_and_si256(windows, of_triple);
    const __m256i of_two = _mm256_and_si256(windows, of_pair);
    const __m256i hits =
        _mm256_or_si256(_mm256_or_si256(bits_of(quads, _mm256_mullo_epi32(windows, factor)),
                                        bits_of(triples, _mm256_mullo_epi32(of_three, factor))),
                        bits_of(pairs, _mm256_mullo_epi32(of_two, factor)));
    auto lanes =
        static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(hits, 31))));
    if (text.size() - from < kStep) lanes &= (1u << (text.size() - from)) - 1;
    for (; lanes != 0; lanes &= lanes - 1)
      places[count++] = from + static_cast<std::size_t>(__builtin_ctz(lanes));
  }
  return count;
}

std::size_t near_vector(std::string_view text, std::size_t& from, const NearTables& tables,
                        std::size_t* places) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (!has_avx2) return 0;
  char padded[sizeof(__m128i)] = {};
  if (text.size() < sizeof padded) {
    text.copy(padded, sizeof padded);
    text = {padded, text.size()};
  }
  return near_avx2(text, from, tables, places);
}

#else

// Without vectors nothing is looked at: `from` stays.
std::size_t near_vector(std::string_view, std::size_t&, const NearTables&, std::size_t*) {
  return 0;
}

std::size_t far_vector(std::string_view, std::size_t&, const WindowTable&, const WindowTable&,
                       std::uint32_t, std::size_t*) {
  return 0;
}

#endif

}  // namespace

std::size_t near_places(std::string_view text, std::size_t& from, const NearTables& tables,
                        std::size_t* places) {
  std::size_t count = near_vector(text, from, tables, places);
  if (count > kPlacesMax / 2) return count;  // there is no room for another vector's, perhaps
  const Filter quads = tables.quads.filter(), triples = tables.triples.filter(),
               pairs = tables.pairs.filter();
  for (; from < text.size() && count < kPlacesMax; ++from) {
    std::uint32_t window = 0;
    text.copy(reinterpret_cast<char*>(&window), sizeof window, from);
    if (quads.may_hold(window) || triples.may_hold(window & 0xFF'FFFFu) ||
        pairs.may_hold(window & 0xFFFFu))
      places[count++] = from;
  }
  return count;
}

std::size_t far_places(std::string_view text, std::size_t& from, const WindowTable& wide,
                       const WindowTable& narrow, std::uint32_t mask, std::size_t* places) {
  std::size_t count = far_vector(text, from, wide, narrow, mask, places);
  if (count > kPlacesMax / 2) return count;  // there is no room for another vector's, perhaps
  const Filter wide_filter = wide.filter(), narrow_filter = narrow.filter();
  const std::uint64_t mask_of_wide = static_cast<std::uint64_t>(mask) << 32 | mask;
  for (; from + 4 <= text.size() && count < kPlacesMax; from += 4) {
    std::uint64_t window = 0;
    const bool whole = from + 8 <= text.size();
    std::memcpy(&window, text.data() + from, whole ? 8 : 4);
    window |= mask_of_wide;
    if (narrow_filter.may_hold(window & 0xFFFF'FFFFu) || (whole && wide_filter.may_hold(window)))
      places[count++] = from;
  }
  return count;
}

}  // namespace tocsin::match
