// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/ranges.h"

#include <algorithm>
#include <span>

#include "stages/store/docid.h"

namespace tocsin::store::search {
namespace {

void cover(std::int64_t from, std::int64_t to, std::int64_t ticks,
           std::span<const std::int64_t> units, std::vector<Span>& out) {
  if (from >= to) return;
  if (units.empty()) {
    out.push_back({0, from, to});
    return;
  }
  const std::int64_t unit = units.front();
  const std::int64_t step = unit * ticks;
  const std::int64_t floor = floor_div(from, step);
  const std::int64_t begin = floor * step == from ? floor : floor + 1;
  const std::int64_t end = floor_div(to, step);
  if (begin >= end) return cover(from, to, ticks, units.subspan(1), out);
  cover(from, begin * step, ticks, units.subspan(1), out);
  out.push_back({unit, begin * unit, end * unit});
  cover(end * step, to, ticks, units.subspan(1), out);
}

// So far from the ends of the numbers that a day more is one, too.
std::int64_t within(std::int64_t time) {
  constexpr std::int64_t kLimit = 9'100'000'000'000'000'000;
  return std::clamp(time, -kLimit, kLimit);
}

std::vector<Span> spans_of(std::int64_t from, std::int64_t to, std::int64_t ticks,
                           std::initializer_list<std::int64_t> units) {
  std::vector<Span> out;
  cover(within(from), within(to), ticks, {units.begin(), units.size()}, out);
  return out;
}

}  // namespace

std::vector<Span> spans_of_docids(std::int64_t first, std::int64_t last,
                                  std::initializer_list<std::int64_t> units) {
  return spans_of(first, within(last) + 1, 1'000'000 * kDocsOfMicrosecond, units);
}

std::vector<Span> spans_of_time(UnixNanos from, UnixNanos to,
                                std::initializer_list<std::int64_t> units) {
  return spans_of(from, to, 1'000'000'000, units);
}

}  // namespace tocsin::store::search
