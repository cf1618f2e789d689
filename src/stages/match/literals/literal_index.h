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

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

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
  static constexpr std::size_t kWide = 8, kNarrow = 4, kPair = 2;  // bytes of a window
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
    WindowTable longs, middles, quads, pairs;        // kAnywhere, by length
    std::vector<std::uint32_t> singles;              // kAnywhere, of one byte
    std::uint32_t near = 0;                          // literals of quads and pairs
    Fingerprints prints;                             // of these, if they are few
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
    for (std::uint32_t widths = tables.start_widths; widths != 0; widths &= widths - 1) {
      const auto width = static_cast<std::size_t>(__builtin_ctz(widths));
      if (width > value.size()) break;
      look(tables.start, load_window(value.substr(0, width)), value, 0, found);
    }
    for (std::uint32_t widths = tables.end_widths; widths != 0; widths &= widths - 1) {
      const auto width = static_cast<std::size_t>(__builtin_ctz(widths));
      if (width > value.size()) break;
      const std::size_t at = value.size() - width;
      look(tables.end, load_window(value.substr(at)), value, at, found);
    }
    for (const std::uint32_t index : tables.singles)
      if (value.find(text_[literals_[index].at]) != std::string_view::npos)
        found(literals_[index].payload);
    if (!tables.longs.empty() || !tables.middles.empty()) scan_far(tables, value, found);
    if (tables.near > kPrintsMax) scan_near(tables, value, found);
    if (tables.near == 0 || tables.near > kPrintsMax) return;
    const WindowTable::Filter quads = tables.quads.filter(), pairs = tables.pairs.filter();
    tables.prints.scan(value, [&](std::size_t at, unsigned) {
      std::uint64_t bytes = 0;
      const std::size_t left = value.size() - at;
      std::memcpy(&bytes, value.data() + at, left < kNarrow ? left : kNarrow);
      look_near(tables, quads, pairs, bytes, value, at, found);
      return true;
    });
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
      if (place.offset <= at && value.substr(at - place.offset).starts_with(text_of(literal)))
        found(literal.payload);
    });
  }

  // `bytes`: the first four of those at `at`, or zeros behind the end.
  template <class Found>
  void look_near(const Tables& tables, WindowTable::Filter quads, WindowTable::Filter pairs,
                 std::uint64_t bytes, std::string_view value, std::size_t at, Found& found) const {
    if (quads.may_hold(bytes & 0xFFFF'FFFFu)) [[unlikely]]
      compare(tables.quads, bytes & 0xFFFF'FFFFu, value, at, found);
    if (pairs.may_hold(bytes & 0xFFFFu)) [[unlikely]]
      compare(tables.pairs, bytes & 0xFFFFu, value, at, found);
  }

  // Every fourth place.
  template <class Found>
  void scan_far(const Tables& tables, std::string_view value, Found& found) const {
    for (std::size_t at = 0;
         (at = next_place(value, at, tables.longs, tables.middles, 0)) < value.size();
         at += kStride) {
      if (at + kWide <= value.size())
        look(tables.longs, load<std::uint64_t>(value.data() + at), value, at, found);
      look(tables.middles, load<std::uint32_t>(value.data() + at), value, at, found);
    }
  }

  // Every place.
  template <class Found>
  void scan_near(const Tables& tables, std::string_view value, Found& found) const {
    const WindowTable::Filter quads = tables.quads.filter(), pairs = tables.pairs.filter();
    std::size_t at = 0;
    for (; at + kNarrow <= value.size(); ++at)
      look_near(tables, quads, pairs, load<std::uint32_t>(value.data() + at), value, at, found);
    for (; at < value.size(); ++at) {
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, value.data() + at, value.size() - at);
      look_near(tables, quads, pairs, bytes, value, at, found);
    }
  }

  std::string text_;  // of all literals
  std::vector<Literal> literals_;
  std::vector<std::uint32_t> always_;
  Tables ascii_, other_;
  std::vector<std::uint16_t> uses_;  // while building: by a hash, how many literals hold a window
};

}  // namespace tocsin::match
