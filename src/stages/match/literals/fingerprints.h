// SPDX-License-Identifier: Apache-2.0
//
// Fingerprints: where in a text one of some short byte sequences may stand, 16 or 32 places at a
// time.
//
//   sequences of up to three bytes, in buckets --scan(text)--> (place, buckets that fit there)
//
// How: for each position of a sequence and each nibble of a byte a table tells which of eight
// buckets allow it; table look-ups of vector instructions intersect them. It is the filter of the
// algorithm "Teddy" of Hyperscan (Wang et al., NSDI 2019). A place that it names is not certain: a
// bucket may mix the nibbles of its sequences.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace tocsin::match {

// Threads:   immutable after the last add(); share freely.
// Invariant: scan() leaves out no place where a sequence stands. Behind the end of the text stand
// zeros.
class Fingerprints {
 public:
  static constexpr std::size_t kBytes = 3;
  static constexpr unsigned kBuckets = 8;

  // A sequence of one to three bytes; a shorter one lets any byte follow. `any_case`: its capital
  // letters too. Returns the bucket: of the first `buckets` the one that lets the least other text
  // through.
  unsigned add(std::string_view sequence, bool any_case, unsigned buckets = kBuckets);
  void add_to(unsigned bucket, std::string_view sequence, bool any_case);

  // The share of places of everyday text that some bucket lets through, as a guess.
  [[nodiscard]] double share_let_through() const;

  // Calls found(place, bits) with a bit for each bucket that fits, in the order of the text, until
  // it returns false.
  template <class Found>
  void scan(std::string_view text, Found&& found) const {
    using Plain = std::remove_reference_t<Found>;
    scan(
        text,
        [](void* f, std::size_t at, unsigned bits) {
          return static_cast<bool>((*static_cast<Plain*>(f))(at, bits));
        },
        &found);
  }

 private:
  using Take = bool (*)(void* context, std::size_t at, unsigned bits);
  // A bit for each bucket: [position in the sequence][nibble].
  struct Masks {
    alignas(16) std::array<std::array<std::uint8_t, 16>, kBytes> low{};
    alignas(16) std::array<std::array<std::uint8_t, 16>, kBytes> high{};
  };

  // Of a bucket: the nibbles that it allows at a position, as bits.
  struct Nibbles {
    unsigned lows = 0, highs = 0;
  };
  [[nodiscard]] Nibbles allowed_at(std::size_t position, unsigned bucket) const;
  [[nodiscard]] double growth(unsigned bucket, std::string_view sequence, bool any_case) const;
  void scan(std::string_view text, Take take, void* context) const;
  // From `from` on, what is left; behind the text stand zeros.
  void scan_portable(std::string_view text, std::size_t from, Take take, void* context) const;
#if defined(__x86_64__)
  // The first vector from `at` on, of those that are whole widths further, where some bucket lets
  // some byte through: its place, and the bits of its bytes. SIZE_MAX: none, up to `end`.
  // kBytes - 1 readable bytes follow what is looked at. They make no calls, so that the masks stay
  // in registers.
  struct Vector;
  using Next = std::size_t (Fingerprints::*)(const char* text, std::size_t at, std::size_t end,
                                             Vector& vector) const;
  std::size_t next_avx512(const char* text, std::size_t at, std::size_t end, Vector& vector) const;
  std::size_t next_avx2(const char* text, std::size_t at, std::size_t end, Vector& vector) const;
  std::size_t next_ssse3(const char* text, std::size_t at, std::size_t end, Vector& vector) const;
  // Of the whole vectors of `text`, whose places are `base` further on: how many places were looked
  // at; SIZE_MAX: take() has had enough.
  std::size_t scan_vectors(Next next, std::size_t width, std::string_view text, std::size_t base,
                           Take take, void* context) const;
#endif

  Masks masks_;
};

}  // namespace tocsin::match
