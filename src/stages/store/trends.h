// SPDX-License-Identifier: Apache-2.0
//
// How the classes of tocsin.db spread over time and over hosts.
//
//   tocsin.db -> summarize(path, top, &trends) -> Trends -> `tocsin report`
//             -> visit_class_times()           -> hourly.csv
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite.h"

namespace tocsin::store {

// Display names without "None" -> events.
using ClassCounts = std::map<std::string, std::int64_t>;

struct TimeBucket {
  UnixNanos from = 0;
  std::int64_t events = 0;  // with or without a match
  ClassCounts classes;
};

// A few events of another year would squeeze all others into one bucket: where 99 % of the events
// happened in less than a quarter of the time, the buckets are of that part alone, and `outside`
// counts the rest.
// Memory: at most kBucketsMax buckets, and the classes of the chosen hosts.
struct Trends {
  static constexpr std::size_t kBucketsMax = 60;

  UnixNanos width = 0;                             // of a bucket; 0 without any
  std::vector<TimeBucket> buckets;                 // by time; those without an event are left out
  std::int64_t outside = 0, outside_detected = 0;  // events before and after the buckets
  std::int64_t untimed = 0;  // events that do not say (credibly) when they happened
  std::map<std::string, ClassCounts> hosts;
};

// The narrowest of the usual widths (1 s ... 1 h ... 1 day, then multiples of days) with which
// `first` to `last` fall into at most `buckets_max` buckets.
[[nodiscard]] UnixNanos bucket_width(UnixNanos first, UnixNanos last, std::size_t buckets_max);

// Within a transaction of the caller. `hosts` are those whose classes are wanted.
[[nodiscard]] Status read_trends(sqlite::Database& db, const std::vector<std::string>& hosts,
                                 Trends& out);

// Every (bucket of `width`, class) with an event, "None" too, by time and class; events without a
// time are left out. The view lives during the call.
using VisitClassTime =
    std::function<void(UnixNanos from, std::string_view event_class, std::int64_t events)>;
[[nodiscard]] Status visit_class_times(const std::string& path, UnixNanos width,
                                       const VisitClassTime& visit);

}  // namespace tocsin::store
