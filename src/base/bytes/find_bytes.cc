// SPDX-License-Identifier: Apache-2.0
#include "base/bytes/find_bytes.h"

#include <cstring>

#include "base/bytes/small_bytes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tocsin {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// The C library's search is linear (two-way), but looks at each byte by itself.
std::size_t find_linear(std::string_view text, std::string_view part, std::size_t from) {
  const void* const found =
      ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? kNone
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

#if defined(__x86_64__)

// What may be compared in vain before the linear search takes over, in steps of 32 bytes: so much,
// and one step more for as many bytes of the text.
constexpr std::size_t kVainMax = 64;

// Places where the part's first and last byte stand are compared, 32 at a time. Needs a part of two
// bytes or more, and a vector of places.
__attribute__((target("avx2"))) std::size_t find_avx2(std::string_view text, std::string_view part,
                                                      std::size_t from) {
  constexpr std::size_t kStep = sizeof(__m256i);
  const std::size_t last = part.size() - 1;
  const std::size_t places = text.size() - last;  // where the part can begin
  const __m256i first_byte = _mm256_set1_epi8(part.front());
  const __m256i last_byte = _mm256_set1_epi8(part.back());
  const char* const data = text.data();
  std::size_t vain = 0;
  for (std::size_t at = from; at < places; at += kStep) {
    if (at + kStep > places) at = places - kStep;  // some are looked at again
    const auto load = [&](std::size_t place) __attribute__((target("avx2"))) {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + place));
    };
    const __m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(load(at), first_byte),
                                          _mm256_cmpeq_epi8(load(at + last), last_byte));
    for (auto there = static_cast<unsigned>(_mm256_movemask_epi8(both)); there != 0;
         there &= there - 1) {
      const std::size_t place = at + static_cast<std::size_t>(__builtin_ctz(there));
      if (equal_bytes(data + place + 1, part.data() + 1, last)) return place;
      vain += 1 + last / kStep;
      if (vain > kVainMax + (place - from) / kStep) return find_linear(text, part, place + 1);
    }
  }
  return kNone;
}

#endif

}  // namespace

std::size_t find_bytes(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size() || part.size() > text.size() - from) return kNone;
  if (part.size() < 2) return part.empty() ? from : text.find(part.front(), from);
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2 && text.size() - from - part.size() + 1 >= sizeof(__m256i))
    return find_avx2(text, part, from);
#endif
  return find_linear(text, part, from);
}

}  // namespace tocsin
