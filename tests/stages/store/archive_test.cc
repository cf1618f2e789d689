// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/archive.h"

#include <doctest/doctest.h>

#include <random>

#include "base/sqlite.h"
#include "fixture.h"
#include "search_world.h"
#include "seed.h"
#include "stages/store/lookup.h"
#include "stages/store/retention.h"
#include "stages/store/schema.h"
#include "stages/store/search/triage.h"
#include "stages/store/sink.h"

using namespace tocsin;
using namespace tocsin::store::search;
using test::TempDir;

namespace {

std::string query_one(const std::string& path, const std::string& sql) {
  auto db = sqlite::Database::open(path, sqlite::Mode::kRead);
  REQUIRE_MESSAGE(db.has_value(), (db ? "" : db.error().message));
  auto statement = db->prepare(sql);
  REQUIRE_MESSAGE(statement.has_value(), (statement ? "" : statement.error().message));
  REQUIRE(statement->step().value());
  return std::string(statement->text(0));
}

std::unique_ptr<Archive> open_archive(const std::string& path) {
  auto archive = Archive::open(path);
  REQUIRE_MESSAGE(archive.has_value(), (archive ? "" : archive.error().message));
  return std::move(*archive);
}

std::int64_t count(const Archive& archive, const char* text) {
  AlertFilter filter;
  const auto query = parse_query(text, 0);
  REQUIRE_MESSAGE(query.has_value(), (query ? "" : query.error().message));
  filter.query = *query;
  const auto counted = archive.count_alerts(filter);
  REQUIRE_MESSAGE(counted.has_value(), (counted ? "" : counted.error().message));
  return *counted;
}

// The tables as the release before made them, with rows of its own.
void make_version_1(const std::string& path, const std::vector<test::Known>& alerts) {
  auto db = sqlite::Database::open(path, sqlite::Mode::kWrite);
  REQUIRE(db.has_value());
  REQUIRE(db->exec(R"sql(
    CREATE TABLE verdicts(
      event_id BLOB PRIMARY KEY, trace_id BLOB NOT NULL, timestamp INTEGER NOT NULL,
      host TEXT NOT NULL, channel TEXT NOT NULL, provider TEXT NOT NULL, event_code TEXT NOT NULL,
      class TEXT NOT NULL, tactics TEXT NOT NULL, techniques TEXT NOT NULL, rules TEXT NOT NULL,
      level TEXT NOT NULL, score INTEGER NOT NULL, classified_at INTEGER NOT NULL,
      latency_us INTEGER NOT NULL,
      truth TEXT NOT NULL, truth_scenario TEXT NOT NULL, truth_technique TEXT NOT NULL);
    CREATE INDEX verdicts_by_class ON verdicts(class, timestamp) WHERE class <> 'None';
    CREATE TABLE alerts(
      alert_id BLOB PRIMARY KEY, event_id BLOB NOT NULL, trace_id BLOB NOT NULL,
      timestamp INTEGER NOT NULL, created INTEGER NOT NULL,
      host TEXT NOT NULL, user TEXT NOT NULL, rule_id TEXT NOT NULL, rule_name TEXT NOT NULL,
      level TEXT NOT NULL, score INTEGER NOT NULL, class TEXT NOT NULL,
      tactics TEXT NOT NULL, techniques TEXT NOT NULL, json TEXT NOT NULL);
    CREATE INDEX alerts_by_event ON alerts(event_id);
    CREATE INDEX alerts_by_time ON alerts(timestamp);
    CREATE INDEX alerts_by_rule ON alerts(rule_id, timestamp);
    CREATE VIEW verdicts_view AS SELECT hex(event_id) AS event_id FROM verdicts;
    CREATE VIEW alerts_view AS SELECT host FROM alerts;
    INSERT INTO verdicts VALUES(x'01', x'01', 1700000000000000000, 'a', '', '', '', 'None', '', '',
      '', '', 0, 5, 0, '', '', ''), (x'02', x'02', 0, 'b', '', '', '', 'Execution', '', '', 'r',
      'high', 73, 1700000000000000000, 0, '', '', '');
    PRAGMA user_version=1)sql")
              .has_value());
  auto insert = db->prepare("INSERT INTO alerts VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  REQUIRE(insert.has_value());
  const auto bytes = [](const auto& id) {
    return std::string_view(reinterpret_cast<const char*>(id.data()), id.size());
  };
  const auto joined = [](const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) out += (out.empty() ? "" : ";") + item;
    return out;
  };
  for (const test::Known& known : alerts) {
    const Alert& a = known.alert;
    std::string json;
    append_json(json, a);
    const std::string tactics = joined(a.tactics), techniques = joined(a.techniques);
    const std::string first = a.tactics.empty() ? "" : a.tactics.front();
    REQUIRE(insert->bind_blob(1, bytes(a.alert_id.bytes))
                .bind_blob(2, bytes(a.event_id.bytes))
                .bind_blob(3, bytes(a.trace_id))
                .bind(4, a.timestamp)
                .bind(5, a.created)
                .bind(6, a.host)
                .bind(7, a.user)
                .bind(8, a.rule_id)
                .bind(9, a.rule_name)
                .bind(10, to_string(a.level))
                .bind(11, std::int64_t{severity_score(a.level)})
                .bind(12, first)
                .bind(13, tactics)
                .bind(14, techniques)
                .bind(15, json)
                .run()
                .has_value());
  }
}

}  // namespace

TEST_CASE("archive: a file of the release before is brought up to date with all that it holds") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const TempDir dir;
  test::World world(random);
  make_version_1(dir / "t.db", world.alerts());
  const auto early = Archive::open(dir / "t.db");
  REQUIRE_FALSE(early.has_value());
  CHECK(early.error().code == ErrorCode::kUnsupported);
  CHECK(early.error().message.find("older release") != std::string::npos);
  CHECK(store::find_most_severe(dir / "t.db").has_value());  // old readers go on reading it

  REQUIRE(store::open_sqlite(dir / "t.db", {}).has_value());
  CHECK(query_one(dir / "t.db", "PRAGMA user_version") == std::to_string(store::kSchemaVersion));
  const auto archive = open_archive(dir / "t.db");
  for (int i = 0; i < 60; ++i) {
    AlertFilter filter;
    filter.query = world.random_query();
    CAPTURE(test::text_of(filter.query));
    CHECK(archive->count_alerts(filter).value() ==
          static_cast<std::int64_t>(world.matching(filter).size()));
  }
  const auto size = archive->size();
  CHECK(size->verdicts == 2);
  CHECK(size->alerts == static_cast<std::int64_t>(world.alerts().size()));
  CHECK(archive->overview({})->events == 2);
  CHECK(archive->overview({})->detections == 1);
  CHECK(archive->overview({})->hosts == 2);
  CHECK(query_one(dir / "t.db", "SELECT sum(alerts) FROM rule_hosts") ==
        std::to_string(world.alerts().size()));
  CHECK(query_one(dir / "t.db",
                  "SELECT count(*) FROM sqlite_master WHERE name LIKE '%version_1%'") == "0");
  CHECK(query_one(dir / "t.db", "PRAGMA integrity_check") == "ok");
}

TEST_CASE("archive: a file that is not there yet is empty, and found when it comes") {
  const TempDir dir;
  const auto archive = open_archive(dir / "t.db");
  CHECK(archive->alerts({}, {})->items.empty());
  CHECK(archive->overview({})->alerts == 0);
  CHECK_FALSE(archive->alert(Uuid::random())->has_value());
  CHECK(archive->size()->bytes == 0);
  auto sink = store::open_sqlite(dir / "t.db", {});
  const Verdict v = test::verdict(1);
  REQUIRE((*sink)->write({{v}}, {{test::alert_of(v)}}).has_value());
  CHECK(archive->alerts({}, {})->total == 1);
  auto newer = sqlite::Database::open(dir / "new.db", sqlite::Mode::kWrite);
  REQUIRE(newer->exec("CREATE TABLE x(y); PRAGMA user_version=99").has_value());
  CHECK(Archive::open(dir / "new.db").error().code == ErrorCode::kUnsupported);
}

TEST_CASE("archive: one alert with its event's place, its fields, history and neighbours") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {});
  REQUIRE(sink.has_value());
  std::vector<Verdict> verdicts;
  std::vector<Alert> alerts;
  std::vector<store::Place> places;
  for (unsigned i = 0; i < 4; ++i) {
    Verdict v = test::verdict(i);
    v.host = i == 3 ? "other" : "ws1";
    v.timestamp += (i == 2 ? 31 : i) * std::int64_t{60'000'000'000};
    verdicts.push_back(v);
    alerts.push_back(test::alert_of(v));
    alerts.back().matched_fields = {{"CommandLine", "say \"hello world\" 'quoted'"}};
    places.push_back({0, 100 + i});
  }
  const store::Slice slice{.topic = "raw-events", .partition = 3, .first = 100, .next = 104};
  const store::SinkBatch batch{.verdicts = verdicts,
                               .alerts = alerts,
                               .verdict_places = places,
                               .alert_places = places,
                               .slices = {&slice, 1},
                               .group = "g",
                               .writer = 1};
  REQUIRE((*sink)->claim(batch).has_value());
  REQUIRE((*sink)->write(batch).has_value());

  const auto archive = open_archive(dir / "t.db");
  const auto found = archive->alert(alerts[0].alert_id);
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  const AlertDetails& details = **found;
  REQUIRE(details.source.has_value());
  CHECK(details.source->topic == "raw-events");
  CHECK(details.source->partition == 3);
  CHECK(details.source->offset == 100);
  REQUIRE(details.matched_fields.size() == 1);
  CHECK(details.matched_fields[0].second == "say \"hello world\" 'quoted'");
  REQUIRE(details.related.size() == 1);  // the third is 31 minutes away, the fourth elsewhere
  CHECK(details.related[0].alert_id == alerts[1].alert_id);
  CHECK(archive->event(verdicts[2].event_id)->value().source->offset == 102);
  CHECK(count(*archive, "\"hello world\"") == 4);
  CHECK(count(*archive, "\"world hello\"") == 0);
  CHECK(count(*archive, "\"x'); DROP TABLE alerts; --\"") == 0);
  CHECK(query_one(dir / "t.db",
                  "SELECT topic || partition || offset FROM verdicts_view"
                  " ORDER BY offset LIMIT 1") == "raw-events3100");
  // Incidents: 0 and 1 belong together, 2 comes 30 minutes after 1, 3 is of another host.
  const auto incidents = archive->groups({}, GroupBy::kIncident);
  CHECK(incidents->size() == 3);
}

TEST_CASE("archive: groups of all alerts, kept from question to question, are what the rows say") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {});
  auto triage = Triage::open(dir / "t.db");
  REQUIRE(triage.has_value());
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto any = [&](int end) { return std::uniform_int_distribution(0, end - 1)(random); };
  constexpr std::int64_t kMinute = 60'000'000'000;
  UnixNanos now = 1'700'000'000'000'000'000;
  std::vector<Alert> all;
  unsigned number = 0;
  const auto archive = open_archive(dir / "t.db");  // the one that keeps
  for (int round = 0; round < 40; ++round) {
    now += any(25) * kMinute;
    std::vector<Verdict> verdicts;
    std::vector<Alert> alerts;
    for (int n = any(6); n >= 0; --n) {
      verdicts.push_back(test::verdict(number++, true));
      Alert alert = test::alert_of(verdicts.back());
      // Now and then one that comes late: seconds, or hours.
      alert.timestamp = now - (any(5) == 0 ? any(120) * 1'000'000'000LL : 0) -
                        (any(25) == 0 ? any(300) * kMinute : 0);
      alert.host = "h" + std::to_string(any(4));
      alert.user = "u" + std::to_string(any(3));
      alert.level = static_cast<Level>(any(5));
      alerts.push_back(alert);
    }
    if (!all.empty() && any(4) == 0) {  // one that is there comes again, with another level
      Alert again = all[static_cast<std::size_t>(any(static_cast<int>(all.size())))];
      again.level = static_cast<Level>(any(5));
      alerts.push_back(again);
    }
    REQUIRE((*sink)->write(verdicts, alerts).has_value());
    all.insert(all.end(), alerts.begin(), alerts.end());
    if (any(3) == 0) {
      const Alert& one = all[static_cast<std::size_t>(any(static_cast<int>(all.size())))];
      TriageChange change;
      change.status = any(2) == 0 ? "closed" : "new";
      REQUIRE((*triage)->change({{one.alert_id}}, change, "ann", now).has_value());
    }
    if (round == 30) {
      auto retention = store::Retention::open(dir / "t.db", {.days = 1});
      REQUIRE(retention.has_value());
      while ((*retention)->step(now + (24 * 60 - 120) * kMinute).value()) continue;
      std::erase_if(all, [&](const Alert& a) { return a.timestamp < now - 120 * kMinute; });
    }
    for (const GroupBy by : {GroupBy::kHost, GroupBy::kUser, GroupBy::kTactic, GroupBy::kTechnique,
                             GroupBy::kLevel, GroupBy::kIncident}) {
      CAPTURE(round);
      CAPTURE(static_cast<int>(by));
      const auto kept = archive->groups({}, by);
      AlertFilter filter;  // all of them, but not known to be
      filter.query = *parse_query("NOT nosuchword", 0);
      const auto plain = archive->groups(filter, by);
      REQUIRE_MESSAGE(kept.has_value(), (kept ? "" : kept.error().message));
      REQUIRE(plain.has_value());
      REQUIRE(kept->size() == plain->size());
      for (std::size_t i = 0; i < kept->size(); ++i) {
        const AlertGroup &a = (*kept)[i], &b = (*plain)[i];
        CHECK(std::tie(a.key, a.label, a.level, a.count, a.open, a.first, a.last) ==
              std::tie(b.key, b.label, b.level, b.count, b.open, b.first, b.last));
        if (by != GroupBy::kIncident) CHECK(a.hosts == b.hosts);
      }
    }
  }
}

TEST_CASE("archive: of many incidents the latest are told, from what is kept and from rows") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {});
  std::vector<Verdict> verdicts;
  std::vector<Alert> alerts;
  for (unsigned n = 0; n < kIncidentsMax + 200; ++n) {
    verdicts.push_back(test::verdict(n, true));
    alerts.push_back(test::alert_of(verdicts.back()));
    alerts.back().host = "h" + std::to_string(n);
    // Thirty end at each moment, so that the cut falls among equals.
    alerts.back().timestamp = 1'700'000'000'000'000'000 + n / 30 * 60'000'000'000LL;
  }
  REQUIRE((*sink)->write(verdicts, alerts).has_value());
  const auto archive = open_archive(dir / "t.db");
  AlertFilter filter;
  filter.query = *parse_query("NOT nosuchword", 0);
  const auto kept = archive->groups({}, GroupBy::kIncident);
  const auto plain = archive->groups(filter, GroupBy::kIncident);
  REQUIRE(kept->size() == kIncidentsMax);
  REQUIRE(plain->size() == kIncidentsMax);
  for (std::size_t i = 0; i < kept->size(); ++i) CHECK((*kept)[i].key == (*plain)[i].key);
}

TEST_CASE("archive: the counts tell what is there after replays and replaced verdicts") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {});
  const auto batch = test::verdicts(0, 100);
  const Alert alert = test::alert_of(batch[0]);
  for (int i = 0; i < 3; ++i) REQUIRE((*sink)->write(batch, {{alert}}).has_value());
  Verdict later = batch[0];
  later.event_class = "Execution";
  later.host = "moved";
  Alert again = alert;
  again.rule_name = "Renamed";
  again.timestamp += 3'600'000'000'000;
  REQUIRE((*sink)->write({{later}}, {{again}}).has_value());
  const auto archive = open_archive(dir / "t.db");
  const auto overview = archive->overview({});
  REQUIRE(overview.has_value());
  CHECK(overview->events == 100);
  CHECK(overview->detections == 50);
  CHECK(overview->hosts == 8);
  CHECK(overview->alerts == 1);
  CHECK(count(*archive, "renamed") == 1);
  CHECK(count(*archive, "rule:\"LSASS \\\"access\\\"\"") == 0);
  std::int64_t executions = 0;
  for (const NamedCount& c : overview->classes) executions += c.name == "Execution" ? c.count : 0;
  CHECK(executions == 1);
}

TEST_CASE("archive: the deepest query that is read is one that can be answered") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {});
  const Verdict v = test::verdict(1);
  REQUIRE((*sink)->write({{v}}, {{test::alert_of(v)}}).has_value());
  const auto archive = open_archive(dir / "t.db");
  const std::pair<const char*, const char*> shapes[] = {
      {"(lsass OR level:<critical (", "))"},
      {"-(lsass level:<critical ", ")"},
      {"NOT ", ""},
      {"(a OR level:<critical -(host:x* user:y OR ", "))"},
      {"-(status:new OR level:<critical ", ")"}};
  for (const auto& [open, close] : shapes) {
    std::string deepest;
    for (int levels = 1; levels < 60; ++levels) {
      std::string text = "access";
      for (int i = 0; i < levels; ++i) text = open + text + close;
      if (!parse_query(text, 0)) break;
      deepest = text;
    }
    CAPTURE(deepest);
    AlertFilter filter;
    filter.query = *parse_query(deepest, 0);
    filter.levels = {"high", "low"};
    filter.hosts = {"a", "b"};
    const auto counted = archive->count_alerts(filter);
    CHECK_MESSAGE(counted.has_value(), (counted ? "" : counted.error().message));
    const auto verdicts = archive->count_verdicts(filter.query, {});
    CHECK_MESSAGE(verdicts.has_value(), (verdicts ? "" : verdicts.error().message));
  }
  std::string wide = "a";
  for (int i = 1; i < 200; ++i) wide += " OR (b" + std::to_string(i) + ")";
  CHECK(count(*archive, wide.c_str()) == 0);
}

TEST_CASE("triage: changes, their history, bulk, and a replay that keeps them") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {});
  const auto verdicts = test::verdicts(0, 20);
  std::vector<Alert> alerts;
  for (const Verdict& v : verdicts)
    if (v.detected()) alerts.push_back(test::alert_of(v));
  REQUIRE((*sink)->write(verdicts, alerts).has_value());
  auto triage = Triage::open(dir / "t.db");
  REQUIRE(triage.has_value());
  const Uuid first = alerts[0].alert_id;
  CHECK((*triage)->change({{first}}, {"in_progress", "Ann", "looking"}, "ann", 1).value() == 1);
  CHECK((*triage)->change({{first}}, {"in_progress", "Ann", ""}, "ann", 2).value() == 0);
  CHECK((*triage)->change({{first}}, {{}, {}, "a thought"}, "bob", 3).value() == 1);
  CHECK((*triage)
            ->change({{first, alerts[1].alert_id, Uuid::random()}}, {"closed", {}, ""}, "bob", 4)
            .value() == 2);
  CHECK((*triage)->change({{first}}, {"done", {}, ""}, "bob", 5).error().code ==
        ErrorCode::kInvalid);
  CHECK((*triage)->change({{Uuid::random()}}, {"closed", {}, ""}, "bob", 6).error().code ==
        ErrorCode::kNotFound);
  REQUIRE((*sink)->write(verdicts, alerts).has_value());

  const auto archive = open_archive(dir / "t.db");
  const AlertDetails details = archive->alert(first)->value();
  CHECK(details.row.status == "closed");
  CHECK(details.row.assignee == "Ann");
  std::string history;
  for (const TriageEntry& e : details.history)
    history += e.user + ":" + e.action + ":" + e.from + ">" + e.to + ":" + e.note + "\n";
  CHECK(history ==
        "ann:status:new>in_progress:looking\nann:assignee:>Ann:\nbob:note:>:a thought\n"
        "bob:status:in_progress>closed:\n");
  CHECK(count(*archive, "status:closed") == 2);
  CHECK(count(*archive, "status:new") == 8);
  CHECK(count(*archive, "assignee:ann") == 1);
  CHECK(archive->overview({})->open_alerts == 8);

  for (int i = 0; i < 5; ++i)
    REQUIRE(
        (*triage)->audit({i, "ann", "admin", "login", "t", std::to_string(i), "::1"}).has_value());
  PageRequest page;
  page.limit = 2;
  const auto latest = archive->audit(page);
  REQUIRE(latest->items.size() == 2);
  CHECK(latest->items[0].detail == "4");
  page.cursor = latest->next;
  CHECK(archive->audit(page)->items[0].detail == "2");
  page.cursor = "x";
  CHECK(archive->audit(page).error().code == ErrorCode::kInvalid);
}

TEST_CASE("retention: what is old goes, in small steps, from rows, index and counts alike") {
  const TempDir dir;
  constexpr std::int64_t kDay = 86'400'000'000'000;
  auto sink = store::open_sqlite(dir / "t.db", {});
  std::vector<Verdict> verdicts = test::verdicts(0, 100);
  std::vector<Alert> alerts;
  const UnixNanos now = verdicts[0].timestamp;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    verdicts[i].timestamp = now - static_cast<std::int64_t>(i) * kDay;
    verdicts[i].classified_at = verdicts[i].timestamp + 1;
    if (verdicts[i].detected()) alerts.push_back(test::alert_of(verdicts[i]));
  }
  REQUIRE((*sink)->write(verdicts, alerts).has_value());
  auto triage = Triage::open(dir / "t.db");
  REQUIRE((*triage)->change({{alerts.back().alert_id}}, {"closed", {}, "n"}, "a", 1).has_value());
  CHECK(store::Retention::open(dir / "t.db", {.days = 0}).error().code == ErrorCode::kInvalid);
  auto retention = store::Retention::open(dir / "t.db", {.days = 30, .batch = 7});
  REQUIRE(retention.has_value());
  int steps = 1;
  while ((*retention)->step(now).value()) ++steps;
  CHECK(steps == 10);  // 69 verdicts are older
  CHECK((*retention)->verdicts() == 69);
  CHECK((*retention)->alerts() == 34);
  const auto archive = open_archive(dir / "t.db");
  const auto overview = archive->overview({});
  CHECK(overview->events == 31);
  CHECK(overview->alerts == 16);
  CHECK(count(*archive, "lsass") == 16);
  CHECK(count(*archive, "status:closed") == 0);
  CHECK(query_one(dir / "t.db", "SELECT count(*) FROM triage_history") == "0");
  CHECK(query_one(dir / "t.db", "SELECT count(*) FROM event_counts WHERE events <= 0") == "0");
  CHECK(query_one(dir / "t.db", "SELECT sum(alerts) FROM rule_hosts") == "16");
  CHECK(query_one(dir / "t.db", "SELECT count(*) FROM verdicts") == "31");
}

TEST_CASE("archive: more alerts of one moment than a microsecond has room for keep their order") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {.fsync = false});
  std::vector<Alert> alerts;
  for (unsigned i = 0; i < 2'500; ++i) {
    Verdict v = test::verdict(i);
    v.timestamp = 1'700'000'000'000'000'000;
    alerts.push_back(test::alert_of(v));
  }
  REQUIRE((*sink)->write({}, alerts).has_value());
  REQUIRE((*sink)->write({}, alerts).has_value());
  const auto archive = open_archive(dir / "t.db");
  AlertFilter filter;
  CHECK(archive->count_alerts(filter).value() == 2'500);
  filter.range.to = 1'700'000'000'001'000'000;
  CHECK(archive->count_alerts(filter).value() == 2'500);
  filter.range.from = 1'700'000'000'000'000'000;
  CHECK(archive->overview(filter)->alerts == 2'500);
}

TEST_CASE("archive: a search that takes too long is stopped and says so") {
  const TempDir dir;
  auto sink = store::open_sqlite(dir / "t.db", {.fsync = false});
  std::vector<Alert> alerts;
  for (unsigned i = 0; i < 3'000; ++i) alerts.push_back(test::alert_of(test::verdict(i)));
  REQUIRE((*sink)->write({}, alerts).has_value());
  const auto archive = Archive::open(dir / "t.db", {.limit = std::chrono::milliseconds(0)});
  REQUIRE(archive.has_value());
  const auto groups = (*archive)->groups({}, GroupBy::kHost);
  REQUIRE_FALSE(groups.has_value());
  CHECK(groups.error().code == ErrorCode::kExhausted);
  CHECK(groups.error().message.find("took longer") != std::string::npos);
  CHECK(open_archive(dir / "t.db")->groups({}, GroupBy::kHost)->size() == 7);
}
