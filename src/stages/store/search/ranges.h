// SPDX-License-Identifier: Apache-2.0
//
// A range of time as whole days, whole hours, whole minutes, and what is left at its ends: so it is
// counted from few rows of counts.h and few of the verdicts or alerts themselves.
//
//   [from, to) -> ..minutes..|..hours..|..days..|..hours..|..minutes..
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/clock.h"
#include "stages/store/counts.h"

namespace tocsin::store::search {

// [from, to), never empty: in seconds when of a unit; with unit 0 in docids or nanoseconds, as the
// range was given.
struct Span {
  std::int64_t unit = 0;
  std::int64_t from = 0, to = 0;
};

// `units` from the longest to the shortest, each a multiple of the next; in order of time.
[[nodiscard]] std::vector<Span> spans_of_docids(std::int64_t first, std::int64_t last,
                                                std::initializer_list<std::int64_t> units = {
                                                    kDay, kHour});
[[nodiscard]] std::vector<Span> spans_of_time(UnixNanos from, UnixNanos to,
                                              std::initializer_list<std::int64_t> units = {
                                                  kDay, kHour, kMinute});

}  // namespace tocsin::store::search
