// SPDX-License-Identifier: Apache-2.0
//
// LiteralIndex: all literals of one field, to the few that a value satisfies, in one pass over the
// value.
//
//   rules' literals --build()--> LiteralIndex --scan(value)--> payloads of those that hold
//
// Why: 3,000 rules hold 10,000 literals on CommandLine alone; testing one after the other costs
// more than all the rest of the program, and so does every look into memory that is not near.
//
// How: each literal is filed under a window of its bytes, the one that logs are least likely to
// hold, and compared in full only where that window stands in a value. Equality, prefixes and
// suffixes need one window at a known place. Literals that may stand anywhere are filed by length:
// of eleven bytes and more under four neighbouring windows of eight, so that every fourth place of
// a value needs a look; of seven to ten likewise under windows of four; shorter ones are looked for
// at every place, or, if they are few, where vector instructions find their first bytes
// (Fingerprints). Literals that are not ASCII are kept apart: few values can hold them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes/small_bytes.h"
#include "stages/match/literals/fingerprints.h"
#include "stages/match/literals/window_table.h"

namespace tocsin::match {

enum class Anchor : std::uint8_t { kWhole, kStart, kEnd, kAnywhere };

// Ownership:  owns its literals.
// Threads:    immutable after build(); share freely.
// Cost:       scan() is O(bytes) plus the comparisons; no allocation.
// Invariant:  scan() reports exactly the literals that hold, each at least once (kAnywhere: once
// for each place).
class LiteralIndex {
 public:
  // An empty literal is allowed: it holds everywhere (kWhole: for the empty value only).
  void add(Anchor anchor, std::string_view literal, std::uint32_t payload);
  void build();
  [[nodiscard]] bool empty() const { return literals_.empty(); }

  // Calls found(payload) for each literal that holds for `value`.
  template <class Found>
  void scan(std::string_view value, Found&& found) const {
    for (const std::uint32_t payload : always_) found(payload);
    scan_tables(ascii_, value, found);
    if (other_.used && !is_ascii(value)) scan_tables(other_, value, found);
  }

 private:
  static constexpr std::size_t kWide = 8, kNarrow = 4, kTriple = 3, kPair = 2;  // of a window
  static constexpr std::size_t kStride = 4;
  static constexpr std::size_t kLong = kWide + kStride - 1;  // shortest literal of Tables::longs
  static constexpr std::size_t kMiddle = kNarrow + kStride - 1;  // of Tables::middles

  struct Literal {
    std::uint32_t at;  // in text_
    std::uint32_t size;
    std::uint32_t payload;
    Anchor anchor;
  };

  // What is filed how.
  struct Tables {
    bool used = false;
    WindowTable whole, start, end;
    std::uint32_t start_widths = 0, end_widths = 0;  // bit w: some window there has w bytes
    WindowTable longs, middles;                      // kAnywhere, by length
    NearTables near;                                 // kAnywhere, shorter
    std::uint32_t near_count = 0;                    // literals of these
    Fingerprints prints;                             // of these, if they are few
    std::vector<std::uint32_t> singles;              // kAnywhere, of one byte
  };
  static constexpr std::uint32_t kPrintsMax = 64;

  template <class Word>
  static std::uint64_t load(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  // At most eight bytes; fewer carry their number, so that none is taken for a longer one.
  static std::uint64_t load_window(std::string_view bytes) {
    std::uint64_t window = 0;
    bytes.copy(reinterpret_cast<char*>(&window), sizeof window);
    if (bytes.size() < kWide) window |= static_cast<std::uint64_t>(bytes.size()) << 56;
    return window;
  }
  // Of a whole value.
  static std::uint64_t whole_window(std::string_view text) {
    if (text.size() <= kWide) return load_window(text);
    const std::uint64_t first = load_window(text.substr(0, kWide));
    const std::uint64_t last = load_window(text.substr(text.size() - kWide));
    return (first ^ text.size()) * 0xE7037ED1A0B428DBULL ^ last;
  }
  static bool is_ascii(std::string_view text);
  [[nodiscard]] std::string_view text_of(const Literal& literal) const {
    return std::string_view(text_).substr(literal.at, literal.size);
  }
  void file(std::uint32_t index);
  void file_anywhere(Tables& tables, std::uint32_t index);
  void count_windows();
  [[nodiscard]] int rarity(std::string_view window) const;

  template <class Found>
  void scan_tables(const Tables& tables, std::string_view value, Found& found) const {
    if (!tables.whole.empty()) {
      const std::uint64_t window = whole_window(value);
      if (tables.whole.filter().may_hold(window))
        tables.whole.find(window, [&](WindowTable::Place place) {
          const Literal& literal = literals_[place.literal];
          if (value == text_of(literal)) found(literal.payload);
        });
    }
    if ((tables.start_widths | tables.end_widths) != 0) scan_ends(tables, value, found);
    if (!tables.singles.empty()) scan_singles(tables.singles, value, found);
    if (!tables.longs.empty() || !tables.middles.empty()) scan_far(tables, value, found);
    if (tables.near_count > kPrintsMax) scan_near(tables.near, value, found);
    if (tables.near_count == 0 || tables.near_count > kPrintsMax) return;
    tables.prints.scan(value, [&](std::size_t at, unsigned) {
      look_near(tables.near, value, at, found);
      return true;
    });
  }

  // Windows at the value's start and end, cut out of its first and last eight bytes.
  template <class Found>
  void scan_ends(const Tables& tables, std::string_view value, Found& found) const {
    const std::size_t there = value.size() < kWide ? value.size() : kWide;
    std::uint64_t first = 0;
    if (there == kWide)
      first = load<std::uint64_t>(&value.front());
    else
      value.copy(reinterpret_cast<char*>(&first), there);
    const std::uint64_t last =
        there == kWide ? load<std::uint64_t>(value.data() + value.size() - kWide) : first;
    const auto sized = [](std::uint64_t window, std::size_t width) {
      if (width == kWide) return window;
      window &= (std::uint64_t{1} << (8 * width)) - 1;
      return window | static_cast<std::uint64_t>(width) << 56;
    };
    for (std::uint32_t widths = tables.start_widths; widths != 0; widths &= widths - 1) {
      const auto width = static_cast<std::size_t>(__builtin_ctz(widths));
      if (width > there) break;
      look(tables.start, sized(first, width), value, 0, found);
    }
    for (std::uint32_t widths = tables.end_widths; widths != 0; widths &= widths - 1) {
      const auto width = static_cast<std::size_t>(__builtin_ctz(widths));
      if (width > there) break;
      look(tables.end, sized(last >> (8 * (there - width)), width), value, value.size() - width,
           found);
    }
  }

  template <class Found>
  void scan_singles(const std::vector<std::uint32_t>& singles, std::string_view value,
                    Found& found) const {
    std::array<std::uint8_t, 256> there{};
    for (const char c : value) there[static_cast<unsigned char>(c)] = 1;
    for (const std::uint32_t index : singles)
      if (there[static_cast<unsigned char>(text_[literals_[index].at])] != 0)
        found(literals_[index].payload);
  }

  template <class Found>
  void look(const WindowTable& table, std::uint64_t window, std::string_view value, std::size_t at,
            Found& found) const {
    if (table.filter().may_hold(window)) [[unlikely]]
      compare(table, window, value, at, found);
  }

  // Reports the literals filed under `window` that stand around it in the value.
  template <class Found>
  __attribute__((noinline)) void compare(const WindowTable& table, std::uint64_t window,
                                         std::string_view value, std::size_t at,
                                         Found& found) const {
    table.find(window, [&](WindowTable::Place place) {
      const Literal& literal = literals_[place.literal];
      if (place.offset > at || value.size() - (at - place.offset) < literal.size) return;
      const char* const begin = value.data() + (at - place.offset);
      if (equal_bytes(begin, text_.data() + literal.at, literal.size)) found(literal.payload);
    });
  }

  template <class Found>
  void look_near(const NearTables& tables, std::string_view value, std::size_t at,
                 Found& found) const {
    std::uint64_t window = 0;  // zeros behind the value's end
    if (at + kNarrow <= value.size())
      window = load<std::uint32_t>(value.data() + at);
    else
      value.copy(reinterpret_cast<char*>(&window), kNarrow, at);
    look(tables.quads, window, value, at, found);
    look(tables.triples, window & 0xFF'FFFFu, value, at, found);
    look(tables.pairs, window & 0xFFFFu, value, at, found);
  }

  // Every fourth place.
  template <class Found>
  void scan_far(const Tables& tables, std::string_view value, Found& found) const {
    std::size_t places[kPlacesMax];
    for (std::size_t from = 0; from + kNarrow <= value.size();) {
      const std::size_t count = far_places(value, from, tables.longs, tables.middles, 0, places);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = places[i];
        if (at + kWide <= value.size())
          look(tables.longs, load<std::uint64_t>(value.data() + at), value, at, found);
        look(tables.middles, load<std::uint32_t>(value.data() + at), value, at, found);
      }
    }
  }

  // Every place.
  template <class Found>
  void scan_near(const NearTables& tables, std::string_view value, Found& found) const {
    std::size_t places[kPlacesMax];
    for (std::size_t from = 0; from < value.size();) {
      const std::size_t count = near_places(value, from, tables, places);
      for (std::size_t i = 0; i < count; ++i) look_near(tables, value, places[i], found);
    }
  }

  std::string text_;  // of all literals
  std::vector<Literal> literals_;
  std::vector<std::uint32_t> always_;
  Tables ascii_, other_;
  std::vector<std::uint16_t> uses_;  // while building: by a hash, how many literals hold a window
};

}  // namespace tocsin::match
