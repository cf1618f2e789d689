// SPDX-License-Identifier: Apache-2.0
#include "stages/store/trends.h"

#include <doctest/doctest.h>

#include <limits>
#include <map>

#include "fixture.h"
#include "stages/store/sink.h"
#include "stages/store/summary.h"

using namespace tocsin;
using namespace tocsin::store;
using test::TempDir;

namespace {

constexpr UnixNanos kSecond = 1'000'000'000;
constexpr UnixNanos kHour = 3'600 * kSecond;
constexpr UnixNanos kDay = 24 * kHour;
constexpr UnixNanos kStart = 1'772'409'600 * kSecond;  // 2026-03-02T00:00:00Z

struct Row {
  UnixNanos time;
  const char* event_class;  // "None": no match
  const char* host = "h1";
};

void fill(const std::string& path, const std::vector<Row>& rows) {
  std::vector<Verdict> batch;
  for (const Row& row : rows) {
    Verdict v =
        test::verdict(static_cast<unsigned>(batch.size()), row.event_class != std::string("None"));
    v.timestamp = row.time;
    v.event_class = row.event_class;
    v.host = row.host;
    batch.push_back(v);
  }
  auto sink = open_sqlite(path, {});
  REQUIRE(sink.has_value());
  REQUIRE((*sink)->write(batch, {}).has_value());
}

Trends read(const std::string& path, std::size_t top = 10) {
  Trends trends;
  REQUIRE(summarize(path, top, &trends).has_value());
  return trends;
}

}  // namespace

TEST_CASE("trends: buckets by time and class, classes of the hosts that the summary lists") {
  const TempDir dir;
  fill(dir / "t.db", {{kStart, "None"},
                      {kStart + 5 * kSecond, "Impact"},
                      {kStart + 59 * kSecond, "Impact"},
                      {kStart + 59 * kSecond, "Stealth", "h2"},
                      {0, "Impact"}});
  const Trends trends = read(dir / "t.db", 1);
  CHECK(trends.width == kSecond);
  REQUIRE(trends.buckets.size() == 3);
  CHECK(trends.buckets[0].from == kStart);
  CHECK(trends.buckets[0].events == 1);
  CHECK(trends.buckets[0].classes.empty());
  CHECK(trends.buckets[2].events == 2);
  CHECK(trends.buckets[2].classes == ClassCounts{{"Impact", 1}, {"Stealth", 1}});
  CHECK(trends.untimed == 1);
  CHECK(trends.outside == 0);
  CHECK(trends.hosts == std::map<std::string, ClassCounts>{{"h1", {{"Impact", 3}}}});
}

TEST_CASE("trends: a few events of other years do not hide the rest, and are counted") {
  const TempDir dir;
  std::vector<Row> rows = {{kStart - 900 * kDay, "Impact"}, {kStart + 900 * kDay, "None"}};
  for (int i = 0; i < 400; ++i)
    rows.push_back({kStart + i * 10 * kSecond, i % 4 == 0 ? "Stealth" : "None"});
  fill(dir / "t.db", rows);
  const Trends trends = read(dir / "t.db");
  CHECK(trends.width == 120 * kSecond);
  CHECK(trends.buckets.size() <= Trends::kBucketsMax);
  CHECK(trends.buckets.size() >= 30);
  CHECK(trends.outside == 2);
  CHECK(trends.outside_detected == 1);
  std::int64_t events = 0, detected = 0;
  for (const TimeBucket& bucket : trends.buckets) {
    events += bucket.events;
    for (const auto& entry : bucket.classes) detected += entry.second;
  }
  CHECK(events == 400);
  CHECK(detected == 100);
}

TEST_CASE("trends: hostile times are no times, and an empty store has no buckets") {
  const TempDir dir;
  fill(dir / "t.db", {{std::numeric_limits<UnixNanos>::max(), "Impact"},
                      {std::numeric_limits<UnixNanos>::min(), "None"},
                      {-1, "None"}});
  const Trends trends = read(dir / "t.db");
  CHECK(trends.buckets.empty());
  CHECK(trends.untimed == 3);
  REQUIRE(open_sqlite(dir / "empty.db", {}).has_value());
  CHECK(read(dir / "empty.db").buckets.empty());
}

TEST_CASE("trends: at most so many buckets, whatever the time between the first and the last") {
  for (const UnixNanos span :
       {kSecond, 90 * kSecond, kHour, 5 * kDay, 40 * kDay, 4'000 * kDay, 84'000 * kDay})
    for (const UnixNanos first : {UnixNanos{1}, kHour - 1, kDay / 2}) {
      for (const std::size_t most : {std::size_t{2}, std::size_t{24}, std::size_t{60}}) {
        CAPTURE(span);
        CAPTURE(first);
        CAPTURE(most);
        const UnixNanos width = bucket_width(first, first + span, most);
        CHECK(static_cast<std::size_t>((first + span) / width - first / width + 1) <= most);
      }
    }
  CHECK(bucket_width(kStart, kStart, 60) == kSecond);
}

TEST_CASE("trends: every hour and class is visited in order") {
  const TempDir dir;
  fill(dir / "t.db",
       {{kStart + kHour, "Impact"}, {kStart, "None"}, {kStart + 1, "Impact"}, {0, "Impact"}});
  std::vector<std::string> seen;
  REQUIRE(visit_class_times(dir / "t.db", kHour,
                            [&](UnixNanos from, std::string_view name, std::int64_t n) {
                              seen.push_back(std::to_string((from - kStart) / kHour) + " " +
                                             std::string(name) + " " + std::to_string(n));
                            })
              .has_value());
  CHECK(seen == std::vector<std::string>{"0 Impact 1", "0 None 1", "1 Impact 1"});
  CHECK(visit_class_times(dir / "no.db", kHour, [](UnixNanos, std::string_view, std::int64_t) {})
            .error()
            .code == ErrorCode::kNotFound);
}
