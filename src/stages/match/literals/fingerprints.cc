// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/fingerprints.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "stages/match/literals/commonness.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tocsin::match {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c; }

// By high nibble, half and eight low nibbles: how common the printable bytes are that they make.
constexpr auto kWeights = [] {
  std::array<std::array<std::array<std::uint16_t, 256>, 2>, 8> weights{};
  for (unsigned byte = 0x20; byte < 0x7F; ++byte)
    for (unsigned lows = 0; lows < 256; ++lows)
      if ((lows >> (byte & 7) & 1) != 0)
        weights[byte >> 4][byte >> 3 & 1][lows] = static_cast<std::uint16_t>(
            weights[byte >> 4][byte >> 3 & 1][lows] + commonness(static_cast<char>(byte)));
  return weights;
}();

// How common the printable bytes are whose nibbles stand in both sets.
double weight_of(unsigned lows, unsigned highs) {
  unsigned weight = 0;
  for (unsigned high = 2; high < 8; ++high)
    if ((highs >> high & 1) != 0)
      weight += kWeights[high][0][lows & 0xFF] + kWeights[high][1][lows >> 8];
  return weight;
}

}  // namespace

unsigned Fingerprints::add(std::string_view sequence, bool any_case, unsigned buckets) {
  unsigned best = 0;
  double best_growth = 0;
  for (unsigned bucket = 0; bucket < buckets; ++bucket) {
    const double more = growth(bucket, sequence, any_case);
    if (bucket != 0 && more >= best_growth) continue;
    best = bucket;
    best_growth = more;
  }
  add_to(best, sequence, any_case);
  return best;
}

// How much more text the bucket lets through when the sequence joins it.
double Fingerprints::growth(unsigned bucket, std::string_view sequence, bool any_case) const {
  double now = 1, then = 1;
  for (std::size_t k = 0; k < kBytes; ++k) {
    unsigned lows = 0, highs = 0;
    for (unsigned nibble = 0; nibble < 16; ++nibble) {
      lows |= (masks_.low[k][nibble] >> bucket & 1u) << nibble;
      highs |= (masks_.high[k][nibble] >> bucket & 1u) << nibble;
    }
    now *= weight_of(lows, highs);
    if (k >= sequence.size()) {
      then *= weight_of(0xFFFF, 0xFFFF);
      continue;
    }
    for (const char c : {sequence[k], any_case ? upper(sequence[k]) : sequence[k]}) {
      lows |= 1u << (static_cast<unsigned char>(c) & 15);
      highs |= 1u << (static_cast<unsigned char>(c) >> 4);
    }
    then *= weight_of(lows, highs);
  }
  return then - now;
}

void Fingerprints::add_to(unsigned bucket, std::string_view sequence, bool any_case) {
  const auto bit = static_cast<std::uint8_t>(1u << bucket);
  for (std::size_t k = 0; k < kBytes; ++k) {
    if (k >= sequence.size()) {
      for (auto& mask : masks_.low[k]) mask |= bit;
      for (auto& mask : masks_.high[k]) mask |= bit;
      continue;
    }
    for (const char c : {sequence[k], any_case ? upper(sequence[k]) : sequence[k]}) {
      masks_.low[k][static_cast<unsigned char>(c) & 15] |= bit;
      masks_.high[k][static_cast<unsigned char>(c) >> 4] |= bit;
    }
  }
}

void Fingerprints::scan_portable(std::string_view text, std::size_t from, Take take,
                                 void* context) const {
  for (std::size_t i = from; i < text.size(); ++i) {
    unsigned bits = 0xFF;
    for (std::size_t k = 0; k < kBytes; ++k) {
      const unsigned byte = i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
      bits &= static_cast<unsigned>(masks_.low[k][byte & 15] & masks_.high[k][byte >> 4]);
    }
    if (bits != 0 && !take(context, i, bits)) return;
  }
}

#if defined(__x86_64__)

namespace {

// Hands on the places of a vector where some bit is set.
template <class Take>
inline bool hand_on(const std::uint8_t* bits, unsigned places, std::size_t at, Take take,
                    void* context) {
  for (; places != 0; places &= places - 1) {
    const auto lane = static_cast<std::size_t>(__builtin_ctz(places));
    if (!take(context, at + lane, bits[lane])) return false;
  }
  return true;
}

__attribute__((target("avx2"))) inline __m256i table_of(const std::array<std::uint8_t, 16>& mask) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(mask.data())));
}

// The buckets whose masks allow each of the 32 bytes at `at`.
__attribute__((target("avx2"))) inline __m256i allowed(const char* at, __m256i low, __m256i high) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i upper_half = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
  return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
                          _mm256_shuffle_epi8(high, upper_half));
}

}  // namespace

__attribute__((target("ssse3"))) std::size_t Fingerprints::scan_ssse3(std::string_view text,
                                                                      std::size_t base, Take take,
                                                                      void* context) const {
  constexpr std::size_t kWidth = 16;
  const auto load = [](const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); };
  const __m128i nibble = _mm_set1_epi8(15);
  std::size_t i = 0;
  for (; i + kWidth <= text.size(); i += kWidth) {
    __m128i hits = _mm_set1_epi8(-1);
    for (std::size_t k = 0; k < kBytes; ++k) {
      const __m128i bytes = load(text.data() + i + k);
      const __m128i low =
          _mm_shuffle_epi8(load(masks_.low[k].data()), _mm_and_si128(bytes, nibble));
      const __m128i high = _mm_shuffle_epi8(load(masks_.high[k].data()),
                                            _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
      hits = _mm_and_si128(hits, _mm_and_si128(low, high));
    }
    const auto empty =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(hits, _mm_setzero_si128())));
    if (empty == 0xFFFF) continue;
    alignas(16) std::uint8_t bits[kWidth];
    _mm_store_si128(reinterpret_cast<__m128i*>(bits), hits);
    if (!hand_on(bits, ~empty & 0xFFFFu, base + i, take, context)) return SIZE_MAX;
  }
  return i;
}

__attribute__((target("avx2"))) std::size_t Fingerprints::scan_avx2(std::string_view text,
                                                                    std::size_t base, Take take,
                                                                    void* context) const {
  constexpr std::size_t kWidth = 32;
  const __m256i low0 = table_of(masks_.low[0]), high0 = table_of(masks_.high[0]);
  const __m256i low1 = table_of(masks_.low[1]), high1 = table_of(masks_.high[1]);
  const __m256i low2 = table_of(masks_.low[2]), high2 = table_of(masks_.high[2]);
  std::size_t i = 0;
  for (; i + kWidth <= text.size(); i += kWidth) {
    const char* const at = text.data() + i;
    const __m256i hits = _mm256_and_si256(
        allowed(at, low0, high0),
        _mm256_and_si256(allowed(at + 1, low1, high1), allowed(at + 2, low2, high2)));
    if (_mm256_testz_si256(hits, hits) != 0) continue;
    alignas(32) std::uint8_t bits[kWidth];
    _mm256_store_si256(reinterpret_cast<__m256i*>(bits), hits);
    const auto empty = static_cast<unsigned>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(hits, _mm256_setzero_si256())));
    if (!hand_on(bits, ~empty, base + i, take, context)) return SIZE_MAX;
  }
  return i;
}

void Fingerprints::scan(std::string_view text, Take take, void* context) const {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  constexpr std::size_t kBlock = 32, kBehind = kBytes - 1;
  const auto run = [&](std::string_view part, std::size_t base) {
    return has_avx2 ? scan_avx2(part, base, take, context) : scan_ssse3(part, base, take, context);
  };
  std::size_t done = 0;
  if (text.size() >= kBlock + kBehind) {
    done = run(text.substr(0, text.size() - kBehind), 0);
    if (done == SIZE_MAX) return;
  }
  // What is left is copied, so that zeros follow it.
  char tail[3 * kBlock] = {};
  const std::string_view left = text.substr(done);
  if (!left.empty()) std::memcpy(tail, left.data(), left.size());
  const std::size_t blocks = (left.size() + kBlock - 1) / kBlock;
  const auto within = [&](std::size_t at, unsigned bits) {
    return at >= text.size() || take(context, at, bits);
  };
  const auto checked = [](void* c, std::size_t at, unsigned bits) {
    return (*static_cast<decltype(within)*>(c))(at, bits);
  };
  void* const inner = const_cast<void*>(static_cast<const void*>(&within));
  if (has_avx2)
    scan_avx2({tail, blocks * kBlock}, done, checked, inner);
  else
    scan_ssse3({tail, blocks * kBlock}, done, checked, inner);
}

#else

void Fingerprints::scan(std::string_view text, Take take, void* context) const {
  scan_portable(text, 0, take, context);
}

#endif

}  // namespace tocsin::match
