// SPDX-License-Identifier: Apache-2.0
#include "stages/store/trends.h"

#include <algorithm>
#include <array>

#include "stages/store/schema.h"

namespace tocsin::store {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3'600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::string_view kNone = "None";
constexpr std::int64_t kGiveUp = 100;  // one event of so many may be left out of the picture

constexpr std::array<std::int64_t, 18> kWidths = {
    kSecond,      2 * kSecond,   5 * kSecond,   10 * kSecond,  15 * kSecond,  30 * kSecond,
    60 * kSecond, 120 * kSecond, 300 * kSecond, 600 * kSecond, 900 * kSecond, 1'800 * kSecond,
    kHour,        2 * kHour,     3 * kHour,     6 * kHour,     12 * kHour,    kDay};

std::size_t count_buckets(UnixNanos first, UnixNanos last, std::int64_t width) {
  return static_cast<std::size_t>(last / width - first / width) + 1;
}

// Events from `first` to `last`, both included.
struct Period {
  UnixNanos first = 0, last = 0;
};
// To the year 2200: sums of times and widths stay far from the end of their type.
constexpr Period kAllTimes{1, 7'258'118'400 * kSecond};

Status visit_times(sqlite::Database& db, Period period, UnixNanos width,
                   const VisitClassTime& visit) {
  TOCSIN_TRY(auto query,
             db.prepare("SELECT timestamp / ?1, class, count(*) FROM verdicts"
                        " WHERE timestamp BETWEEN ?2 AND ?3 GROUP BY 1, 2 ORDER BY 1, 2"));
  query.bind(1, width).bind(2, period.first).bind(3, period.last);
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    visit(query.integer(0) * width, query.text(1), query.integer(2));
  }
}

Result<std::vector<TimeBucket>> buckets_of(sqlite::Database& db, Period period, UnixNanos width) {
  std::vector<TimeBucket> out;
  TOCSIN_TRY_STATUS(visit_times(
      db, period, width, [&](UnixNanos from, std::string_view event_class, std::int64_t events) {
        if (out.empty() || out.back().from != from)
          out.push_back({.from = from, .events = 0, .classes = {}});
        out.back().events += events;
        if (event_class != kNone) out.back().classes[std::string(event_class)] = events;
      }));
  return out;
}

// What is left of the buckets when so many events at their ends are given up.
Period without_ends(const std::vector<TimeBucket>& buckets, Period period, UnixNanos width,
                    std::int64_t give_up) {
  std::size_t low = 0, high = buckets.size();
  while (low + 1 < high) {
    const bool early = buckets[low].events <= buckets[high - 1].events;
    give_up -= early ? buckets[low].events : buckets[high - 1].events;
    if (give_up < 0) break;
    early ? ++low : --high;
  }
  return {std::max(period.first, buckets[low].from),
          std::min(period.last, buckets[high - 1].from + width - 1)};
}

std::int64_t sum_of(const std::vector<TimeBucket>& buckets) {
  std::int64_t sum = 0;
  for (const TimeBucket& bucket : buckets) sum += bucket.events;
  return sum;
}

std::int64_t detected_of(const std::vector<TimeBucket>& buckets) {
  std::int64_t sum = 0;
  for (const TimeBucket& bucket : buckets)
    for (const auto& entry : bucket.classes) sum += entry.second;
  return sum;
}

// Reads the period again when its buckets can be narrower.
Status narrow(sqlite::Database& db, Period period, Trends& out) {
  const UnixNanos width = bucket_width(period.first, period.last, Trends::kBucketsMax);
  if (width >= out.width) return {};
  out.width = width;
  TOCSIN_TRY(out.buckets, buckets_of(db, period, width));
  return {};
}

Status read_buckets(sqlite::Database& db, Trends& out) {
  TOCSIN_TRY(auto range,
             db.prepare("SELECT coalesce(min(timestamp), 0), coalesce(max(timestamp), 0),"
                        " (SELECT count(*) FROM verdicts) - count(*)"
                        " FROM verdicts WHERE timestamp BETWEEN ?1 AND ?2"));
  range.bind(1, kAllTimes.first).bind(2, kAllTimes.last);
  TOCSIN_TRY(const bool row, range.step());
  Period period{row ? range.integer(0) : 0, row ? range.integer(1) : 0};
  out.untimed = row ? range.integer(2) : 0;
  if (period.first == 0) return {};
  out.width = bucket_width(period.first, period.last, Trends::kBucketsMax);
  TOCSIN_TRY(out.buckets, buckets_of(db, period, out.width));
  const std::vector<TimeBucket> all = out.buckets;
  const std::int64_t events = sum_of(all);
  // Each round narrows the period to a quarter at most, so there are few.
  while (true) {
    const std::int64_t give_up = events / kGiveUp - (events - sum_of(out.buckets));
    const Period part = without_ends(out.buckets, period, out.width, give_up);
    if ((part.last - part.first) / 2 >= (period.last - period.first) / 8) break;
    period = part;
    TOCSIN_TRY_STATUS(narrow(db, period, out));
  }
  // Empty ends of the last buckets may leave room for narrower ones.
  TOCSIN_TRY_STATUS(narrow(db, without_ends(out.buckets, period, out.width, 0), out));
  out.outside = events - sum_of(out.buckets);
  out.outside_detected = detected_of(all) - detected_of(out.buckets);
  return {};
}

}  // namespace

UnixNanos bucket_width(UnixNanos first, UnixNanos last, std::size_t buckets_max) {
  for (const std::int64_t width : kWidths)
    if (count_buckets(first, last, width) <= buckets_max) return width;
  // Whole days, one bucket more than the span fills, for where they begin.
  const auto parts = static_cast<std::int64_t>(std::max<std::size_t>(2, buckets_max) - 1);
  const std::int64_t days = (last / kDay - first / kDay) / parts + 1;
  return days * kDay;
}

Status read_trends(sqlite::Database& db, const std::vector<std::string>& hosts, Trends& out) {
  TOCSIN_TRY_STATUS(read_buckets(db, out));
  TOCSIN_TRY(auto query,
             db.prepare("SELECT host, class, count(*) FROM verdicts WHERE class <> 'None'"
                        " GROUP BY host, class"));
  for (const std::string& host : hosts) out.hosts[host];
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    const auto wanted = out.hosts.find(std::string(query.text(0)));
    if (wanted != out.hosts.end()) wanted->second[std::string(query.text(1))] = query.integer(2);
  }
}

Status visit_class_times(const std::string& path, UnixNanos width, const VisitClassTime& visit) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kRead, 1));
  return visit_times(db, kAllTimes, width, visit);
}

}  // namespace tocsin::store
