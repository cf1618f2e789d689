// SPDX-License-Identifier: Apache-2.0
//
// The frame and the small parts of an HTML page that needs no network and no other file.
//
//   title, style, script -> head(); text from logs -> escaped(); page -> write() -> FILE
//
// A content security policy allows the page's own style and script, by their hashes, and nothing
// else: no request, no form, no style attribute. Pure, but for write().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/event/level.h"

namespace tocsin::cli::page {

// For element content and quoted attributes. Controls and characters that reverse the reading order
// are replaced, bytes that are not UTF-8 too.
[[nodiscard]] std::string escaped(std::string_view text);

// A file that the program carries, by its path in the project.
[[nodiscard]] std::string_view asset(std::string_view path);

// The common style; a page's own follows it.
[[nodiscard]] std::string style_with(std::string_view own);

// From the doctype to <body>. `title` is not escaped: it is ours. Without a script none is allowed.
[[nodiscard]] std::string head(std::string_view title, std::string_view style,
                               std::string_view script = {});

// When the outputs of one run say they were made: now, or SOURCE_DATE_EPOCH (seconds), which makes
// those of two runs the same bytes.
[[nodiscard]] UnixNanos stamp();

// Whether a page can be written there, before there is one; leaves an empty file where none was.
[[nodiscard]] Status check(const std::string& path);
// Replaces the file. kUnavailable when it cannot be opened, kExhausted when it is not written
// whole.
[[nodiscard]] Status write(const std::string& path, std::string_view text);

[[nodiscard]] std::string number(std::int64_t value);  // "1,234"
// "2026-11-22 17:14:03"; a dash for 0.
[[nodiscard]] std::string moment(UnixNanos time);

[[nodiscard]] std::string_view level_class(Level level);  // "info" ... "critical"
[[nodiscard]] std::string badge(Level level);

// A figure and what it counts. `value` is HTML.
void append_card(std::string& out, std::string_view name, std::string_view value,
                 std::string_view kind = {});

struct BarPart {
  std::string_view css_class;
  double value = 0;
};
// A horizontal bar whose parts fill their shares of `full`, from the left.
[[nodiscard]] std::string stacked_bar(std::span<const BarPart> parts, double full);

}  // namespace tocsin::cli::page
