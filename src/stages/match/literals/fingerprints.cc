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

Fingerprints::Nibbles Fingerprints::allowed_at(std::size_t position, unsigned bucket) const {
  Nibbles allowed;
  for (unsigned nibble = 0; nibble < 16; ++nibble) {
    allowed.lows |= (masks_.low[position][nibble] >> bucket & 1u) << nibble;
    allowed.highs |= (masks_.high[position][nibble] >> bucket & 1u) << nibble;
  }
  return allowed;
}

double Fingerprints::share_let_through() const {
  double sum = 0;
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
    double share = 1;
    for (std::size_t k = 0; k < kBytes; ++k) {
      const auto [lows, highs] = allowed_at(k, bucket);
      share *= weight_of(lows, highs) / weight_of(0xFFFF, 0xFFFF);
    }
    sum += share;
  }
  return sum;
}

// How much more text the bucket lets through when the sequence joins it.
double Fingerprints::growth(unsigned bucket, std::string_view sequence, bool any_case) const {
  double now = 1, then = 1;
  for (std::size_t k = 0; k < kBytes; ++k) {
    auto [lows, highs] = allowed_at(k, bucket);
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

struct Fingerprints::Vector {
  std::uint64_t places;  // a bit for each byte that is let through
  alignas(64) std::array<std::uint8_t, 64> bits;
};

namespace {

__attribute__((target("ssse3"))) inline __m128i load(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

__attribute__((target("avx2"))) inline __m256i table_of(const std::array<std::uint8_t, 16>& mask) {
  return _mm256_broadcastsi128_si256(load(mask.data()));
}

// The buckets whose masks allow each of the 32 bytes at `at`.
__attribute__((target("avx2"))) inline __m256i allowed(const char* at, __m256i low, __m256i high) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i upper_half = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
  return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
                          _mm256_shuffle_epi8(high, upper_half));
}

__attribute__((target("avx512bw"))) inline __m512i wide_table_of(
    const std::array<std::uint8_t, 16>& mask) {
  return _mm512_maskz_broadcast_i32x4(0xFFFF, load(mask.data()));  // without a mask GCC 12 warns
}

__attribute__((target("avx512bw"))) inline __m512i wide_allowed(const char* at, __m512i low,
                                                                __m512i high) {
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512i bytes = _mm512_loadu_si512(at);
  const __m512i upper_half = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble);
  return _mm512_and_si512(_mm512_shuffle_epi8(low, _mm512_and_si512(bytes, nibble)),
                          _mm512_shuffle_epi8(high, upper_half));
}

}  // namespace

__attribute__((target("ssse3"))) std::size_t Fingerprints::next_ssse3(const char* text,
                                                                      std::size_t at,
                                                                      std::size_t end,
                                                                      Vector& vector) const {
  constexpr std::size_t kWidth = 16;
  const __m128i nibble = _mm_set1_epi8(15);
  for (; at + kWidth <= end; at += kWidth) {
    __m128i hits = _mm_set1_epi8(-1);
    for (std::size_t k = 0; k < kBytes; ++k) {
      const __m128i bytes = load(text + at + k);
      const __m128i low =
          _mm_shuffle_epi8(load(masks_.low[k].data()), _mm_and_si128(bytes, nibble));
      const __m128i high = _mm_shuffle_epi8(load(masks_.high[k].data()),
                                            _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
      hits = _mm_and_si128(hits, _mm_and_si128(low, high));
    }
    const auto empty =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(hits, _mm_setzero_si128())));
    if (empty == 0xFFFF) continue;
    vector.places = ~empty & 0xFFFFu;
    _mm_store_si128(reinterpret_cast<__m128i*>(vector.bits.data()), hits);
    return at;
  }
  return SIZE_MAX;
}

__attribute__((target("avx2"))) std::size_t Fingerprints::next_avx2(const char* text,
                                                                    std::size_t at, std::size_t end,
                                                                    Vector& vector) const {
  constexpr std::size_t kWidth = 32;
  const __m256i low0 = table_of(masks_.low[0]), high0 = table_of(masks_.high[0]);
  const __m256i low1 = table_of(masks_.low[1]), high1 = table_of(masks_.high[1]);
  const __m256i low2 = table_of(masks_.low[2]), high2 = table_of(masks_.high[2]);
  for (; at + kWidth <= end; at += kWidth) {
    const char* const here = text + at;
    const __m256i hits = _mm256_and_si256(
        allowed(here, low0, high0),
        _mm256_and_si256(allowed(here + 1, low1, high1), allowed(here + 2, low2, high2)));
    if (_mm256_testz_si256(hits, hits) != 0) continue;
    vector.places = ~static_cast<unsigned>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(hits, _mm256_setzero_si256())));
    _mm256_store_si256(reinterpret_cast<__m256i*>(vector.bits.data()), hits);
    return at;
  }
  return SIZE_MAX;
}

__attribute__((target("avx512bw"))) std::size_t Fingerprints::next_avx512(const char* text,
                                                                          std::size_t at,
                                                                          std::size_t end,
                                                                          Vector& vector) const {
  constexpr std::size_t kWidth = 64;
  const __m512i low0 = wide_table_of(masks_.low[0]), high0 = wide_table_of(masks_.high[0]);
  const __m512i low1 = wide_table_of(masks_.low[1]), high1 = wide_table_of(masks_.high[1]);
  const __m512i low2 = wide_table_of(masks_.low[2]), high2 = wide_table_of(masks_.high[2]);
  for (; at + kWidth <= end; at += kWidth) {
    const char* const here = text + at;
    const __m512i hits = _mm512_and_si512(
        wide_allowed(here, low0, high0),
        _mm512_and_si512(wide_allowed(here + 1, low1, high1), wide_allowed(here + 2, low2, high2)));
    vector.places = _mm512_test_epi8_mask(hits, hits);
    if (vector.places == 0) continue;
    _mm512_store_si512(vector.bits.data(), hits);
    return at;
  }
  return SIZE_MAX;
}

std::size_t Fingerprints::scan_vectors(Next next, std::size_t width, std::string_view text,
                                       std::size_t base, Take take, void* context) const {
  Vector vector;
  std::size_t at = 0;
  while ((at = (this->*next)(text.data(), at, text.size(), vector)) != SIZE_MAX) {
    for (; vector.places != 0; vector.places &= vector.places - 1) {
      const auto lane = static_cast<std::size_t>(__builtin_ctzll(vector.places));
      if (!take(context, base + at + lane, vector.bits[lane])) return SIZE_MAX;
    }
    at += width;
  }
  return text.size() - text.size() % width;
}

// Whole vectors that fit into the text are read where they stand, wide ones first.
void Fingerprints::scan(std::string_view text, Take take, void* context) const {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  static const bool has_avx512 = __builtin_cpu_supports("avx512bw") != 0;
  constexpr std::size_t kWide = 64, kNarrow = 32, kBehind = kBytes - 1;
  const auto run = [&](std::string_view part, std::size_t base, Take to, void* with) {
    return has_avx2 ? scan_vectors(&Fingerprints::next_avx2, kNarrow, part, base, to, with)
                    : scan_vectors(&Fingerprints::next_ssse3, kNarrow / 2, part, base, to, with);
  };
  std::size_t done = 0;
  if (has_avx512 && text.size() >= kWide + kBehind) {
    done = scan_vectors(&Fingerprints::next_avx512, kWide, text.substr(0, text.size() - kBehind), 0,
                        take, context);
    if (done == SIZE_MAX) return;
  }
  if (text.size() - done >= kNarrow + kBehind) {
    const std::size_t more =
        run(text.substr(done, text.size() - kBehind - done), done, take, context);
    if (more == SIZE_MAX) return;
    done += more;
  }
  // What is left is copied, so that zeros follow it.
  char tail[3 * kNarrow] = {};
  const std::string_view left = text.substr(done);
  if (!left.empty()) std::memcpy(tail, left.data(), left.size());
  const std::size_t blocks = (left.size() + kNarrow - 1) / kNarrow;
  const auto within = [&](std::size_t at, unsigned bits) {
    return at >= text.size() || take(context, at, bits);
  };
  const auto checked = [](void* c, std::size_t at, unsigned bits) {
    return (*static_cast<decltype(within)*>(c))(at, bits);
  };
  run({tail, blocks * kNarrow}, done, checked,
      const_cast<void*>(static_cast<const void*>(&within)));
}

#else

void Fingerprints::scan(std::string_view text, Take take, void* context) const {
  scan_portable(text, 0, take, context);
}

#endif

}  // namespace tocsin::match
