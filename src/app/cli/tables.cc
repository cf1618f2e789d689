// SPDX-License-Identifier: Apache-2.0
#include "app/cli/tables.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <numeric>

#include "base/utf8.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kGap = 2;       // blanks between columns
constexpr std::size_t kShrinkTo = 8;  // narrowest a shrinking column becomes
constexpr std::size_t kDefaultWidth = 100;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = folded(variable(name));
    if (value.empty()) continue;
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

std::size_t width_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  const long columns = std::strtol(std::string(variable("COLUMNS")).c_str(), nullptr, 10);
  return columns >= 20 && columns < 1000 ? static_cast<std::size_t>(columns) : kDefaultWidth;
}

// Calls visit(code point, its bytes) for each character; the text must be UTF-8, other bytes end
// the walk.
template <class Visit>
void for_each_character(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    utf8proc_int32_t code = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code);
    if (size <= 0) return;
    visit(code, text.substr(0, static_cast<std::size_t>(size)));
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

bool steers_layout(utf8proc_int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:  // controls
    case UTF8PROC_CATEGORY_CF:  // bidirectional overrides, zero-width joiners
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
      return true;
    default:
      return false;
  }
}

std::size_t character_width(utf8proc_int32_t code) {
  return static_cast<std::size_t>(std::max(0, utf8proc_charwidth(code)));
}

void trim_end(std::string& line) {
  const std::size_t last = line.find_last_not_of(' ');
  line.resize(last == std::string::npos ? 0 : last + 1);
}

std::vector<std::size_t> column_widths(const Table& table,
                                       const std::vector<std::vector<std::string>>& cells,
                                       const Style& style) {
  std::vector<std::size_t> widths;
  for (const Column& column : table.columns) widths.push_back(display_width(column.title));
  for (const auto& row : cells)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  if (widths.empty()) return widths;
  std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  while (total > style.width) {  // takes one column at a time from the widest that may shrink
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (!table.columns[i].shrinks || widths[i] <= kShrinkTo) continue;
      if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == widths.size()) break;
    --widths[widest];
    --total;
  }
  return widths;
}

}  // namespace

Style style_of(int fd) {
  const bool terminal = isatty(fd) == 1;
  return {.colour = terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb",
          .unicode = utf8_locale(),
          .width = width_of(fd)};
}

std::string tinted(std::string_view text, Tint tint, const Style& style) {
  static constexpr std::array<std::string_view, 9> kCodes = {"",   "2",  "1",  "31", "32",
                                                             "33", "34", "35", "36"};
  if (!style.colour || tint == Tint::kNone || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(tint)], text);
}

std::string printable(std::string_view text, const Style& style) {
  const std::string repaired = repair_utf8(text);
  std::string out;
  out.reserve(repaired.size());
  for_each_character(repaired, [&](utf8proc_int32_t code, std::string_view bytes) {
    if (code == '\t')
      out.push_back(' ');
    else if (!style.unicode && code > 0x7e)
      out.push_back('?');
    else if (steers_layout(code))
      out += style.unicode ? "\xef\xbf\xbd" : "?";
    else
      out += bytes;
  });
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for_each_character(
      text, [&](utf8proc_int32_t code, std::string_view) { width += character_width(code); });
  return width;
}

std::string fitted(std::string_view text, std::size_t width, Align align, const Style& style) {
  const std::size_t have = display_width(text);
  if (have <= width) {
    const std::string fill(width - have, ' ');
    return align == Align::kLeft ? std::string(text) + fill : fill + std::string(text);
  }
  const std::string_view ellipsis = style.unicode ? "\u2026" : "~";
  if (width == 0) return {};
  std::string out;
  std::size_t used = 0;
  bool full = false;
  for_each_character(text, [&](utf8proc_int32_t code, std::string_view bytes) {
    full = full || used + character_width(code) > width - 1;
    if (full) return;
    out += bytes;
    used += character_width(code);
  });
  out += ellipsis;
  out.append(width - 1 - used, ' ');  // a wide character may have left one column
  return out;
}

std::string render_table(const Table& table, const Style& style) {
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : table.rows) {
    auto& line = cells.emplace_back(table.columns.size());
    for (std::size_t i = 0; i < std::min(row.size(), line.size()); ++i)
      line[i] = printable(row[i].text, style);
  }
  const std::vector<std::size_t> widths = column_widths(table, cells, style);

  // `tint_of(i)`: the tint of column i in this line. The last left-aligned cell needs no filling.
  const auto line_of = [&](const auto& text_of, const auto& tint_of) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      std::string cell = fitted(text_of(i), widths[i], table.columns[i].align, style);
      if (i + 1 == widths.size()) trim_end(cell);
      line += tinted(cell, tint_of(i), style);
      if (i + 1 < widths.size()) line.append(kGap, ' ');
    }
    trim_end(line);
    return line + "\n";
  };
  std::string out =
      line_of([&](std::size_t i) -> std::string_view { return table.columns[i].title; },
              [](std::size_t) { return Tint::kBold; });
  std::string rule;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (std::size_t n = 0; n < widths[i]; ++n) rule += style.unicode ? "\u2500" : "-";
    if (i + 1 < widths.size()) rule.append(kGap, ' ');
  }
  out += tinted(rule, Tint::kDim, style) + "\n";
  for (std::size_t r = 0; r < cells.size(); ++r) {
    out += line_of([&](std::size_t i) -> std::string_view { return cells[r][i]; },
                   [&](std::size_t i) {
                     return i < table.rows[r].size() ? table.rows[r][i].tint : Tint::kNone;
                   });
  }
  return out;
}

std::string bar_text(double value, double full, std::size_t width, const Style& style) {
  static constexpr std::array<std::string_view, 8> kPartial = {
      "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
  if (!(value > 0) || !(full > 0) || width == 0) return {};
  const double share = std::min(1.0, value / full) * static_cast<double>(width);
  std::string out;
  if (!style.unicode) {
    out.assign(std::clamp<std::size_t>(static_cast<std::size_t>(std::lround(share)), 1, width),
               '#');
    return out;
  }
  const auto eighths = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(share * 8)));
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "\u2588";
  out += kPartial[eighths % 8];
  return out;
}

std::string render_bars(std::span<const Bar> bars, const Style& style) {
  std::size_t labels = 0;
  std::size_t notes = 0;
  double largest = 0;
  for (const Bar& bar : bars) {
    labels = std::max(labels, display_width(printable(bar.label, style)));
    notes = std::max(notes, display_width(printable(bar.note, style)));
    largest = std::max(largest, bar.value);
  }
  labels = std::min(labels, std::max<std::size_t>(style.width / 3, 8));
  const std::size_t taken = labels + notes + 2 * kGap;
  const std::size_t room =
      std::clamp<std::size_t>(style.width > taken ? style.width - taken : 0, 8, 60);
  std::string out;
  for (const Bar& bar : bars) {
    const std::string drawn = bar_text(bar.value, largest, room, style);
    std::string line = fitted(printable(bar.label, style), labels, Align::kLeft, style);
    line.append(kGap, ' ');
    line += tinted(drawn, bar.tint, style);
    line.append(room - display_width(drawn) + kGap, ' ');
    line += fitted(printable(bar.note, style), notes, Align::kRight, style);
    trim_end(line);
    out += line + "\n";
  }
  return out;
}

std::string grouped(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.1f}%", 100.0 * part / whole) : "-";
}

std::string duration_text(std::int64_t nanoseconds) {
  const double ns = static_cast<double>(nanoseconds);
  if (std::abs(ns) < 1e3) return fmt::format("{} ns", nanoseconds);
  struct Unit {
    double size;
    const char* name;
  };
  for (const Unit& unit : {Unit{1e3, "us"}, Unit{1e6, "ms"}, Unit{1e9, "s"}}) {
    const double value = ns / unit.size;
    if (std::abs(value) < 9.995) return fmt::format("{:.2f} {}", value, unit.name);
    if (std::abs(value) < 99.95) return fmt::format("{:.1f} {}", value, unit.name);
    if (std::abs(value) < 999.5) return fmt::format("{:.0f} {}", value, unit.name);
  }
  const auto seconds = nanoseconds / 1'000'000'000;
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace tocsin::cli
