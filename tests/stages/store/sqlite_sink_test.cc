// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/mount.h>

#include <thread>

#include "base/sqlite.h"
#include "fixture.h"
#include "stages/store/sink.h"

using namespace tocsin;
using test::in_child;
using test::TempDir;

namespace {

std::unique_ptr<store::Sink> open_or_fail(const std::string& path,
                                          store::SqliteOptions options = {}) {
  auto sink = store::open_sqlite(path, options);
  REQUIRE_MESSAGE(sink.has_value(), (sink ? "" : sink.error().message));
  return std::move(*sink);
}

std::string query(const std::string& path, const std::string& sql) {
  auto db = sqlite::Database::open(path, sqlite::Mode::kRead);
  REQUIRE_MESSAGE(db.has_value(), (db ? "" : db.error().message));
  auto statement = db->prepare(sql);
  REQUIRE_MESSAGE(statement.has_value(), (statement ? "" : statement.error().message));
  REQUIRE(statement->step().value());
  return std::string(statement->text(0));
}

}  // namespace

TEST_CASE("sqlite: verdict, truth and alert are kept, ids and times readable in the views") {
  const TempDir dir;
  Verdict v = test::verdict(1);
  v.truth = "credential-access";
  v.truth_scenario = "dump \"lsass\"";
  v.truth_technique = "T1003.001";
  const Alert a = test::alert_of(v);
  auto sink = open_or_fail(dir / "t.db");
  CHECK(sink->name() == "sqlite");
  REQUIRE(sink->write({{v}}, {{a}}).has_value());
  struct Case {
    const char* sql;
    std::string want;
  };
  const Case cases[] = {
      {"SELECT event_id FROM verdicts_view", v.event_id.to_string()},
      {"SELECT time FROM verdicts_view", "2023-11-14T22:13:20Z"},
      {"SELECT timestamp FROM verdicts", std::to_string(v.timestamp)},
      {"SELECT class FROM verdicts", "Credential Access"},
      {"SELECT tactics FROM verdicts", "credential-access;stealth"},
      {"SELECT level FROM verdicts", "high"},
      {"SELECT truth || '/' || truth_scenario || '/' || truth_technique FROM verdicts",
       "credential-access/dump \"lsass\"/T1003.001"},
      {"SELECT event_id FROM alerts_view", v.event_id.to_string()},
      {"SELECT rule_name FROM alerts", "LSASS \"access\""},
      {"SELECT json_extract(json, '$.rule.id') FROM alerts", a.rule_id},
      {"SELECT hex(alert_id) = upper(replace(json_extract(json, '$.tocsin.alert_id'), '-', '')) "
       "FROM alerts",
       "1"},
      {"SELECT count(*) FROM verdicts v JOIN alerts a USING(event_id)", "1"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.sql);
    CHECK(query(dir / "t.db", c.sql) == c.want);
  }
}

TEST_CASE("sqlite: the same batch again changes nothing, a later verdict wins") {
  const TempDir dir;
  auto sink = open_or_fail(dir / "t.db");
  const auto batch = test::verdicts(0, 100);
  const std::vector<Alert> alerts = {test::alert_of(batch[0]), test::alert_of(batch[2])};
  for (int i = 0; i < 3; ++i) REQUIRE(sink->write(batch, alerts).has_value());
  CHECK(query(dir / "t.db", "SELECT count(*) FROM verdicts") == "100");
  CHECK(query(dir / "t.db", "SELECT count(*) FROM alerts") == "2");
  Verdict later = batch[0];
  later.event_class = "Execution";
  REQUIRE(sink->write({{later}}, {}).has_value());
  CHECK(query(dir / "t.db", "SELECT count(*) FROM verdicts WHERE class = 'Execution'") == "1");
  CHECK(query(dir / "t.db", "SELECT count(*) FROM verdicts") == "100");
}

TEST_CASE("sqlite: detections only keeps every alert") {
  const TempDir dir;
  auto sink = open_or_fail(dir / "t.db", {.detections_only = true});
  const auto batch = test::verdicts(0, 10);
  REQUIRE(sink->write(batch, {{test::alert_of(batch[0])}}).has_value());
  CHECK(query(dir / "t.db", "SELECT count(*) FROM verdicts") == "5");
  CHECK(query(dir / "t.db", "SELECT count(*) FROM alerts") == "1");
}

TEST_CASE("sqlite: threads and processes write at once, and a killed writer leaves whole batches") {
  const TempDir dir;
  std::vector<pid_t> children;
  for (unsigned child = 0; child < 3; ++child)
    children.push_back(in_child([&] {
      auto sink = store::open_sqlite(dir / "t.db", {.fsync = false});
      if (!sink) _exit(1);
      std::vector<std::thread> threads;
      for (unsigned t = 0; t < 2; ++t)
        threads.emplace_back([&, t] {
          for (unsigned i = 0; i < 30; ++i)
            if (!(*sink)->write(test::verdicts(child * 10'000 + t * 1'000 + i * 10, 10), {}))
              _exit(2);
        });
      for (std::thread& thread : threads) thread.join();
    }));
  const pid_t victim = in_child([&] {
    auto sink = store::open_sqlite(dir / "t.db", {.fsync = false});
    for (unsigned i = 0; sink; ++i)
      if (!(*sink)->write(test::verdicts(1'000'000 + i * 10, 10), {})) _exit(2);
  });
  usleep(60'000);
  kill(victim, SIGKILL);
  test::wait_for(victim);
  for (const pid_t child : children) CHECK(test::wait_for(child) == 0);
  CHECK(query(dir / "t.db", "PRAGMA integrity_check") == "ok");
  CHECK(query(dir / "t.db", "SELECT count(*) % 10 FROM verdicts") == "0");
  CHECK(std::stoi(query(dir / "t.db", "SELECT count(*) FROM verdicts")) >= 1'800);
}

TEST_CASE("sqlite: files of a newer release, or of something else, are refused by name") {
  const TempDir dir;
  {
    auto db = sqlite::Database::open(dir / "new.db", sqlite::Mode::kWrite);
    REQUIRE(db->exec("PRAGMA user_version=7").has_value());
  }
  const auto newer = store::open_sqlite(dir / "new.db", {});
  REQUIRE_FALSE(newer.has_value());
  CHECK(newer.error().code == ErrorCode::kUnsupported);
  CHECK(newer.error().message.find("new.db") != std::string::npos);
  std::ofstream(dir / "text.db") << std::string(4'096, 'x');
  const auto text = store::open_sqlite(dir / "text.db", {});
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("sqlite: a full disk is told, keeps no part of the batch, and the store goes on later") {
  const TempDir dir;
  if (mount("tmpfs", dir.path.c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("SKIPPED: mounting a small tmpfs needs root");
    return;
  }
  {
    auto sink = open_or_fail(dir / "t.db");
    REQUIRE(sink->write(test::verdicts(0, 100), {}).has_value());
    const Status full = sink->write(test::verdicts(1'000, 20'000), {});
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().code == ErrorCode::kExhausted);
    CHECK(query(dir / "t.db", "SELECT count(*) FROM verdicts") == "100");
    REQUIRE(mount("tmpfs", dir.path.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
    CHECK(sink->write(test::verdicts(1'000, 20'000), {}).has_value());
    CHECK(query(dir / "t.db", "SELECT count(*) FROM verdicts") == "20100");
  }
  umount(dir.path.c_str());
}
