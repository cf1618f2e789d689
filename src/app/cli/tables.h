// SPDX-License-Identifier: Apache-2.0
//
// Aligned text for people: tables, bar charts, numbers. Pure functions: rows in, text out.
//
//   rows + Style -> render_table(), render_bars() -> stdout
//
// Text from events is hostile: every cell passes printable(), so that no log can move the cursor,
// change colours or reverse the reading order of the operator's terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::cli {

// What the output can show.
struct Style {
  bool colour = false;
  bool unicode = true;
  std::size_t width = 100;  // columns
};

// Colour only on a terminal, without NO_COLOR and TERM=dumb; Unicode when the locale's variables
// say UTF-8; the terminal's width, else $COLUMNS, else 100.
[[nodiscard]] Style style_of(int fd);

enum class Tint : std::uint8_t {
  kNone,
  kDim,
  kBold,
  kRed,
  kGreen,
  kYellow,
  kBlue,
  kMagenta,
  kCyan
};
enum class Align : std::uint8_t { kLeft, kRight };

// The text between the escape sequences of `tint`, or as it is without colour.
[[nodiscard]] std::string tinted(std::string_view text, Tint tint, const Style& style);

// Repaired UTF-8 in which controls and characters that steer the layout are U+FFFD ('?' without
// Unicode, like every character beyond ASCII).
[[nodiscard]] std::string printable(std::string_view text, const Style& style);

// Columns that printable text takes: 2 for wide characters, 0 for combining ones.
[[nodiscard]] std::size_t display_width(std::string_view text);

// Exactly `width` columns: filled with blanks, or cut with an ellipsis.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width, Align align,
                                 const Style& style);

struct Column {
  std::string title;
  Align align = Align::kLeft;
  bool shrinks = false;  // gives way first when the table is wider than the terminal
};

struct Cell {
  Cell() = default;
  Cell(std::string t, Tint c = Tint::kNone)
      : text(std::move(t)), tint(c) {}  // NOLINT(*-explicit-*)
  Cell(const char* t) : text(t) {}      // NOLINT(*-explicit-*)
  std::string text;
  Tint tint = Tint::kNone;
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // a short row is filled with empty cells
};

// Title line, rule, rows; each line ends with a newline and has no blanks at its end. A table wider
// than the style's width is narrowed at its shrinking columns, down to 8 each.
[[nodiscard]] std::string render_table(const Table& table, const Style& style);

struct Bar {
  std::string label;
  double value = 0;
  std::string note;  // what stands right of the bar: "1,204  24.1%"
  Tint tint = Tint::kCyan;
};

// One line per bar, scaled to the largest; any value above 0 shows at least a sliver.
[[nodiscard]] std::string render_bars(std::span<const Bar> bars, const Style& style);

// A bar of `value` of `full` in exactly `width` columns at most, in eighths of a column with
// Unicode.
[[nodiscard]] std::string bar_text(double value, double full, std::size_t width,
                                   const Style& style);

[[nodiscard]] std::string grouped(std::int64_t number);             // 1234567 -> "1,234,567"
[[nodiscard]] std::string percent(double part, double whole);       // "24.1%"; "-" of nothing
[[nodiscard]] std::string duration_text(std::int64_t nanoseconds);  // "870 ns", "1.25 ms", "3.10 s"

}  // namespace tocsin::cli
