// SPDX-License-Identifier: Apache-2.0
//
// The row id of an alert: its time in microseconds, and a number among those of that microsecond.
//
//   1700000000.123456 s, the third -> (1700000000123456 << 10) + 2
//
// More than kDocsOfMicrosecond alerts of one microsecond run over into the next.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace tocsin::store {

inline constexpr std::int64_t kDocsOfMicrosecond = 1'024;

// When the event happened; when it does not say, when it was looked at.
[[nodiscard]] constexpr UnixNanos effective_time(UnixNanos event_time, UnixNanos seen) {
  return event_time != 0 ? event_time : seen;
}

[[nodiscard]] constexpr std::int64_t floor_div(std::int64_t number, std::int64_t by) {
  const std::int64_t whole = number / by;
  return number % by < 0 ? whole - 1 : whole;
}

// The first of the time's microsecond. Years 1678 to 2255 at least; beyond, the ends.
[[nodiscard]] constexpr std::int64_t first_docid(UnixNanos time) {
  constexpr std::int64_t kLimit = 9'000'000'000'000'000;
  return std::clamp(floor_div(time, 1'000), -kLimit, kLimit) * kDocsOfMicrosecond;
}

// The first whose time is not before `time`: both ends of a range of docids are this.
[[nodiscard]] constexpr std::int64_t docid_from(UnixNanos time) {
  return first_docid(time) + (time % 1'000 == 0 ? 0 : kDocsOfMicrosecond);
}

[[nodiscard]] constexpr UnixNanos time_of_docid(std::int64_t docid) {
  return floor_div(docid, kDocsOfMicrosecond) * 1'000;
}

}  // namespace tocsin::store
