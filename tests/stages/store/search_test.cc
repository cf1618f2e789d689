// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "fixture.h"
#include "search_world.h"
#include "seed.h"
#include "stages/store/search/archive.h"
#include "stages/store/search/triage.h"
#include "stages/store/sink.h"

using namespace tocsin;
using namespace tocsin::store::search;
using test::TempDir;

namespace {

// Found by the archive, as numbers of the world's alerts.
std::vector<std::size_t> found_by(const Archive& archive, const test::World& world,
                                  const AlertFilter& filter) {
  std::vector<std::size_t> out;
  PageRequest page;
  page.limit = 7;
  std::int64_t total = -1;
  while (true) {
    const auto got = archive.alerts(filter, page);
    REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
    total = got->total;
    for (const AlertRecord& row : got->items) out.push_back(world.number_of(row.alert_id));
    if (got->next.empty()) break;
    page.cursor = got->next;
  }
  CHECK(total == static_cast<std::int64_t>(out.size()));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("search: what SQL finds is what a plain look at every alert finds") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 6; ++round) {
    const TempDir dir;
    test::World world(random);
    world.write(dir / "t.db");
    const auto archive = Archive::open(dir / "t.db");
    REQUIRE(archive.has_value());
    for (int i = 0; i < 120; ++i) {
      AlertFilter filter;
      filter.query = world.random_query();
      if (world.chance(4)) filter.range.from = world.random_time();
      if (world.chance(4)) filter.range.to = world.random_time();
      if (world.chance(5)) filter.statuses = world.random_statuses();
      if (world.chance(6)) filter.hosts = {world.random_host(), world.random_host()};
      CAPTURE(test::text_of(filter.query));
      CHECK(found_by(**archive, world, filter) == world.matching(filter));
    }
  }
}

namespace {

struct Plain {
  std::map<std::string, std::int64_t> levels, tactics, hosts, rules;
  std::int64_t alerts = 0, open = 0;
};

Plain plain_counts(const test::World& world, const AlertFilter& filter) {
  Plain out;
  for (const std::size_t i : world.matching(filter)) {
    const test::Known& known = world.alerts()[i];
    ++out.alerts;
    out.open += known.status == "new" || known.status == "in_progress" ? 1 : 0;
    ++out.levels[std::string(to_string(known.alert.level))];
    for (const std::string& tactic : known.alert.tactics) ++out.tactics[tactic];
    if (!known.alert.host.empty()) ++out.hosts[known.alert.host];
    ++out.rules[known.alert.rule_name];
  }
  return out;
}

std::map<std::string, std::int64_t> as_map(const std::vector<NamedCount>& counts) {
  std::map<std::string, std::int64_t> out;
  for (const NamedCount& count : counts) out[count.name] = count.count;
  return out;
}

std::map<std::string, std::int64_t> as_map(const std::vector<RankedName>& names) {
  std::map<std::string, std::int64_t> out;
  for (const RankedName& name : names) out[name.name] = name.alerts;
  return out;
}

std::map<std::string, std::int64_t> as_map(const std::vector<AlertGroup>& groups) {
  std::map<std::string, std::int64_t> out;
  for (const AlertGroup& group : groups)
    if (!group.label.empty()) out[group.label] = group.count;
  return out;
}

}  // namespace

TEST_CASE("search: overview and groups agree with a plain count, from the counts and from rows") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 4; ++round) {
    const TempDir dir;
    test::World world(random);
    world.write(dir / "t.db");
    const auto archive = Archive::open(dir / "t.db");
    REQUIRE(archive.has_value());
    for (int i = 0; i < 40; ++i) {
      AlertFilter filter;
      if (world.chance(2)) filter.query = world.random_query();  // else the counts by time answer
      if (world.chance(2)) filter.range.from = world.random_time();
      if (world.chance(2)) filter.range.to = world.random_time();
      CAPTURE(test::text_of(filter.query));
      const Plain plain = plain_counts(world, filter);
      const auto overview = (*archive)->overview(filter);
      REQUIRE_MESSAGE(overview.has_value(), (overview ? "" : overview.error().message));
      CHECK(overview->alerts == plain.alerts);
      CHECK(overview->open_alerts == plain.open);
      CHECK(as_map(overview->levels) == plain.levels);
      CHECK(as_map(overview->tactics) == plain.tactics);
      CHECK(as_map(overview->top_hosts) == plain.hosts);
      CHECK(as_map(overview->top_rules) == plain.rules);
      std::int64_t in_line = 0, events_in_line = 0, events = 0;
      for (const TimelinePoint& point : overview->timeline) {
        in_line += point.alerts;
        events_in_line += point.events;
      }
      for (const Verdict& v : world.verdicts()) {
        const UnixNanos time = v.timestamp != 0 ? v.timestamp : v.classified_at;
        events += time >= filter.range.from.value_or(0) &&
                          time < filter.range.to.value_or(std::numeric_limits<UnixNanos>::max())
                      ? 1
                      : 0;
      }
      CHECK(in_line == plain.alerts);
      CHECK(overview->events == events);
      CHECK(events_in_line == events);
      CHECK(as_map((*archive)->groups(filter, GroupBy::kRule).value()) == plain.rules);
      CHECK(as_map((*archive)->groups(filter, GroupBy::kHost).value()) == plain.hosts);
      CHECK(as_map((*archive)->groups(filter, GroupBy::kTactic).value()) == plain.tactics);
      CHECK(as_map((*archive)->groups(filter, GroupBy::kLevel).value()) == plain.levels);
      CHECK((*archive)->count_alerts(filter).value() == plain.alerts);
    }
  }
}

namespace {

struct PlainGroup {
  std::set<std::string> hosts;
  Level level = Level::kInformational;
  std::int64_t count = 0, open = 0;
  UnixNanos first = std::numeric_limits<UnixNanos>::max(), last = 0;
};

std::map<std::string, PlainGroup> plain_rules(const test::World& world, const AlertFilter& filter) {
  std::map<std::string, PlainGroup> out;
  for (const std::size_t i : world.matching(filter)) {
    const test::Known& known = world.alerts()[i];
    PlainGroup& group = out[known.alert.rule_id];
    group.hosts.insert(known.alert.host);
    group.level = std::max(group.level, known.alert.level);
    ++group.count;
    group.open += known.status == "new" || known.status == "in_progress" ? 1 : 0;
    const UnixNanos time = known.time() / 1'000 * 1'000;  // the store has microseconds
    group.first = std::min(group.first, time);
    group.last = std::max(group.last, time);
  }
  return out;
}

}  // namespace

TEST_CASE("search: groups by rule tell hosts, levels, triage and times, of all and of a part") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 4; ++round) {
    const TempDir dir;
    test::World world(random);
    world.write(dir / "t.db");
    const auto archive = Archive::open(dir / "t.db");
    REQUIRE(archive.has_value());
    for (int i = 0; i < 20; ++i) {
      AlertFilter filter;  // the first: everything
      if (i > 0 && world.chance(2)) filter.query = world.random_query();
      if (i > 0 && world.chance(2)) filter.range.from = world.random_time();
      if (i > 1 && world.chance(3)) filter.range.to = world.random_time();
      CAPTURE(test::text_of(filter.query));
      const auto plain = plain_rules(world, filter);
      const auto groups = (*archive)->groups(filter, GroupBy::kRule);
      REQUIRE_MESSAGE(groups.has_value(), (groups ? "" : groups.error().message));
      REQUIRE(groups->size() == plain.size());
      for (const AlertGroup& group : *groups) {
        CAPTURE(group.key);
        REQUIRE(plain.contains(group.key));
        const PlainGroup& expected = plain.at(group.key);
        CHECK(group.level == to_string(expected.level));
        CHECK(group.count == expected.count);
        CHECK(group.hosts == static_cast<std::int64_t>(expected.hosts.size()));
        CHECK(group.open == expected.open);
        CHECK(group.first == expected.first);
        CHECK(group.last == expected.last);
      }
      CHECK(std::is_sorted(groups->begin(), groups->end(),
                           [](const auto& a, const auto& b) { return a.count > b.count; }));
    }
  }
}

TEST_CASE("search: pages in every order hold each alert once, sorted") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const TempDir dir;
  test::World world(random);
  world.write(dir / "t.db");
  const auto archive = Archive::open(dir / "t.db");
  REQUIRE(archive.has_value());
  using Key = std::pair<std::string, std::int64_t>;
  const std::pair<SortBy, Key (*)(const AlertRecord&)> orders[] = {
      {SortBy::kTime, [](const AlertRecord& r) { return Key{"", r.docid}; }},
      {SortBy::kLevel,
       [](const AlertRecord& r) {
         return Key{std::to_string(static_cast<int>(*parse_level(r.level))), r.docid};
       }},
      {SortBy::kHost, [](const AlertRecord& r) { return Key{r.host, r.docid}; }},
      {SortBy::kRule, [](const AlertRecord& r) { return Key{r.rule_name, r.docid}; }},
      {SortBy::kUser, [](const AlertRecord& r) { return Key{r.user, r.docid}; }},
      {SortBy::kStatus, [](const AlertRecord& r) { return Key{r.status, r.docid}; }}};
  const char* const queries[] = {"",
                                 "level:>=low",
                                 "NOT status:closed",
                                 "status:closed",
                                 "tactic:execution",
                                 "tactic:execution OR level:high",
                                 "tactic:execution NOT status:closed"};
  for (const auto& [sort, key] : orders)
    for (const char* text : queries)
      for (const bool descending : {false, true}) {
        AlertFilter filter;
        filter.query = *parse_query(text, 0);
        PageRequest page;
        page.sort = sort;
        page.descending = descending;
        page.limit = 3;
        std::vector<Key> keys;
        do {
          const auto got = (*archive)->alerts(filter, page);
          REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
          for (const AlertRecord& row : got->items) keys.push_back(key(row));
          page.cursor = got->next;
        } while (!page.cursor.empty());
        if (descending) std::reverse(keys.begin(), keys.end());
        CAPTURE(text);
        CHECK(keys.size() == world.matching(filter).size());
        CHECK(std::is_sorted(keys.begin(), keys.end()));
        CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
      }
  PageRequest wrong;
  wrong.cursor = "td12.";
  CHECK((*archive)->alerts({}, wrong).has_value());
  wrong.sort = SortBy::kHost;
  CHECK((*archive)->alerts({}, wrong).error().code == ErrorCode::kInvalid);
}

TEST_CASE("search: verdicts by their own fields and by those of their alerts") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 4; ++round) {
    const TempDir dir;
    test::World world(random);
    world.write(dir / "t.db");
    const auto archive = Archive::open(dir / "t.db");
    REQUIRE(archive.has_value());
    for (int i = 0; i < 100; ++i) {
      const Query query = world.random_query();
      TimeRange range;
      if (world.chance(4)) range.from = world.random_time();
      if (world.chance(4)) range.to = world.random_time();
      CAPTURE(test::text_of(query));
      std::vector<Uuid> got;
      UnixNanos before = std::numeric_limits<UnixNanos>::max();
      const Status done = (*archive)->verdicts(query, range, 1'000, [&](const EventRecord& event) {
        got.push_back(event.event_id);
        CHECK(event.time / 1'000 <= before / 1'000);  // latest first
        before = event.time;
      });
      REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().message));
      std::sort(got.begin(), got.end());
      CHECK(got == world.matching_verdicts(query, range));
      CHECK((*archive)->count_verdicts(query, range).value() ==
            static_cast<std::int64_t>(got.size()));
    }
  }
}
