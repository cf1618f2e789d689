// SPDX-License-Identifier: Apache-2.0
//
// Wall-clock time as nanoseconds since the Unix epoch, and its RFC 3339 text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

using UnixNanos = std::int64_t;

// The system clock now.
[[nodiscard]] UnixNanos now_ns();

// RFC 3339 in UTC with `digits` (0, 3, 6 or 9) digits of the second: "2026-11-22T17:14:03.120Z".
[[nodiscard]] std::string format_rfc3339(UnixNanos time, int digits = 6);
void append_rfc3339(std::string& out, UnixNanos time, int digits = 6);

// Reads the time stamps that logs carry: RFC 3339 and ISO 8601 with 'T' or a blank, up to 9 digits
// of the second, an offset or none (then UTC): "2020-05-01 22:56:47",
// "2025-11-27T07:40:10.165324Z", "2024-01-02 03:04:05.678 +0100". Empty when the text is not one.
[[nodiscard]] std::optional<UnixNanos> parse_time(std::string_view text);

}  // namespace tocsin
