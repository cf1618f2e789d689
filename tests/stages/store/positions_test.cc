// SPDX-License-Identifier: Apache-2.0
//
// What sinks remember of how far they are: a batch that comes again is left out, a writer that was
// replaced is refused, and a kill at any moment leaves rows and positions in agreement.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>
#include <functional>
#include <map>
#include <random>

#include "base/sqlite.h"
#include "fixture.h"
#include "stages/store/sink.h"

using namespace tocsin;
using test::in_child;
using test::parse_csv;
using test::read_file;
using test::TempDir;

namespace {

// The verdicts of the offsets [first, next) of a partition; the offset is the event's number.
struct Batch {
  Batch(unsigned first, unsigned next, std::int64_t who, std::int64_t stamp_base = 0)
      : verdicts(test::verdicts(first, next - first)),
        slice{.topic = "raw-events",
              .partition = 3,
              .first = first,
              .next = next,
              .stamp = stamp_base + first},
        writer(who) {
    for (unsigned offset = first; offset < next; ++offset) {
      places.push_back({0, offset});
      if (!verdicts[offset - first].detected()) continue;
      alerts.push_back(test::alert_of(verdicts[offset - first]));
      alert_places.push_back({0, offset});
    }
  }
  [[nodiscard]] store::SinkBatch view() const {
    return {.verdicts = verdicts,
            .alerts = alerts,
            .verdict_places = places,
            .alert_places = alert_places,
            .slices = {&slice, 1},
            .group = "g",
            .writer = writer};
  }
  std::vector<Verdict> verdicts;
  std::vector<Alert> alerts;
  std::vector<store::Place> places, alert_places;
  store::Slice slice;
  std::int64_t writer;
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<store::Sink>(const TempDir&)> open;
  std::function<std::map<std::string, int>(const TempDir&)> ids;  // how often each is there
};

std::map<std::string, int> csv_ids(const TempDir& dir) {
  std::map<std::string, int> ids;
  const auto file = parse_csv(read_file(dir / "v.csv"));
  CHECK_FALSE(file.torn);
  for (std::size_t i = 1; i < file.rows.size(); ++i) ids[file.rows[i][0]] += 1;
  return ids;
}

std::map<std::string, int> sqlite_ids(const TempDir& dir) {
  std::map<std::string, int> ids;
  auto db = sqlite::Database::open(dir / "t.db", sqlite::Mode::kRead);
  REQUIRE(db.has_value());
  auto query = db->prepare("SELECT event_id FROM verdicts_view");
  while (*query->step()) ids[std::string(query->text(0))] += 1;
  return ids;
}

const Kind kKinds[] = {
    {"csv",
     [](const TempDir& dir) {
       auto sink = store::open_csv(dir / "v.csv", {.fsync = false});
       REQUIRE(sink.has_value());
       return *std::move(sink);
     },
     csv_ids},
    {"sqlite",
     [](const TempDir& dir) {
       auto sink = store::open_sqlite(dir / "t.db", {.fsync = false});
       REQUIRE(sink.has_value());
       return *std::move(sink);
     },
     sqlite_ids},
};

void check_once(const std::map<std::string, int>& ids, unsigned count) {
  CHECK(ids.size() == count);
  for (unsigned i = 0; i < count; ++i) {
    const auto found = ids.find(test::verdict(i).event_id.to_string());
    if (found == ids.end() || found->second != 1)
      FAIL("event ", i, " is there ", found == ids.end() ? 0 : found->second, " times");
  }
}

ErrorCode code_of(const Status& status) {
  REQUIRE_FALSE(status.has_value());
  return status.error().code;
}

}  // namespace

TEST_CASE("positions: a batch that comes again is left out, in whatever pieces") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const TempDir dir;
    const auto sink = kind.open(dir);
    REQUIRE(sink->claim(Batch(0, 1, 1).view()).has_value());
    REQUIRE(sink->write(Batch(0, 100, 1).view()).has_value());
    REQUIRE(sink->write(Batch(100, 150, 1).view()).has_value());
    for (const auto& [first, next] :
         {std::pair(100U, 150U), {100U, 110U}, {110U, 170U}, {170U, 180U}})
      REQUIRE(sink->write(Batch(first, next, 1).view()).has_value());
    check_once(kind.ids(dir), 180);
    REQUIRE(kind.open(dir)->write(Batch(170, 200, 1).view()).has_value());  // after a restart, too
    check_once(kind.ids(dir), 200);
  }
}

TEST_CASE("positions: several batches that were to be committed together come again together") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const TempDir dir;
    const auto sink = kind.open(dir);
    const auto write = [&](unsigned since, unsigned first, unsigned next) {
      Batch batch(first, next, 1);
      batch.slice.since = since;
      batch.slice.since_stamp = since;
      REQUIRE(sink->write(batch.view()).has_value());
    };
    REQUIRE(sink->claim(Batch(0, 1, 1).view()).has_value());
    write(0, 0, 100);
    write(0, 100, 150);
    write(0, 150, 160);
    // Undone: all of them are read again, in other pieces.
    write(0, 0, 30);
    write(0, 30, 120);
    write(0, 120, 170);
    check_once(kind.ids(dir), 170);
    write(170, 170, 180);  // committed before this one
    write(170, 180, 190);
    write(170, 170, 200);
    check_once(kind.ids(dir), 200);
  }
}

TEST_CASE("positions: who has not claimed a partition, or lost it, writes nothing") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const TempDir dir;
    const auto sink = kind.open(dir);
    CHECK(code_of(sink->write(Batch(0, 10, 1).view())) == ErrorCode::kStale);
    REQUIRE(sink->claim(Batch(0, 10, 1).view()).has_value());
    REQUIRE(sink->write(Batch(0, 10, 1).view()).has_value());
    const auto other = kind.open(dir);
    REQUIRE(other->claim(Batch(10, 20, 2).view()).has_value());
    REQUIRE(other->write(Batch(10, 20, 2).view()).has_value());
    CHECK(code_of(sink->write(Batch(10, 25, 1).view())) == ErrorCode::kStale);
    check_once(kind.ids(dir), 20);
    // What the loser had written before counts: the winner begins where the offsets stand.
    REQUIRE(sink->claim(Batch(20, 30, 1).view()).has_value());
    REQUIRE(sink->write(Batch(20, 30, 1).view()).has_value());
    REQUIRE(other->claim(Batch(20, 25, 2).view()).has_value());
    REQUIRE(other->write(Batch(20, 25, 2).view()).has_value());
    REQUIRE(other->write(Batch(25, 40, 2).view()).has_value());
    check_once(kind.ids(dir), 40);
  }
}

TEST_CASE(
    "positions: a group that was set back is written again; so is another topic of the name") {
  const TempDir dir;
  const auto sink = kKinds[0].open(dir);
  REQUIRE(sink->claim(Batch(0, 1, 1).view()).has_value());
  REQUIRE(sink->write(Batch(0, 10, 1).view()).has_value());
  REQUIRE(sink->write(Batch(10, 20, 1).view()).has_value());
  REQUIRE(sink->write(Batch(0, 20, 1).view()).has_value());  // set back: on purpose
  CHECK(csv_ids(dir).size() == 20);
  for (const auto& [id, times] : csv_ids(dir)) CHECK(times == 2);

  const TempDir dir2;
  const auto sink2 = kKinds[0].open(dir2);
  REQUIRE(sink2->claim(Batch(0, 1, 1).view()).has_value());
  REQUIRE(sink2->write(Batch(0, 10, 1).view()).has_value());
  REQUIRE(sink2->write(Batch(0, 12, 1, 7'000'000).view()).has_value());  // other records
  CHECK(csv_ids(dir2).size() == 12);
  CHECK(csv_ids(dir2)[test::verdict(3).event_id.to_string()] == 2);
}

TEST_CASE("positions: a CSV file that was rotated away is no reason to cut or to repeat") {
  const TempDir dir;
  const auto sink = kKinds[0].open(dir);
  REQUIRE(sink->claim(Batch(0, 1, 1).view()).has_value());
  REQUIRE(sink->write(Batch(0, 10, 1).view()).has_value());
  std::filesystem::rename(dir / "v.csv", dir / "v.csv.1");
  REQUIRE(sink->write(Batch(0, 15, 1).view()).has_value());
  CHECK(csv_ids(dir).size() == 5);
  CHECK(parse_csv(read_file(dir / "v.csv.1")).rows.size() == 11);
}

TEST_CASE("positions: a file without room takes nothing of a batch, and all of it later") {
  const TempDir dir;
  // The rows are promised before they are written: a promise that failed must not count.
  const pid_t child = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    auto sink = store::open_csv(dir / "v.csv", {.fsync = false});
    if (!sink || !(*sink)->claim(Batch(0, 1, 1).view())) _exit(1);
    if (!(*sink)->write(Batch(0, 2'000, 1).view())) _exit(2);
    const auto size = std::filesystem::file_size(dir / "v.csv");
    const rlimit small{size + 1'000, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &small) != 0) _exit(3);
    if ((*sink)->write(Batch(2'000, 2'100, 1).view())) _exit(4);
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &large) != 0) _exit(5);
    if (!(*sink)->write(Batch(2'000, 2'100, 1).view())) _exit(6);
  });
  CHECK(test::wait_for(child) == 0);
  check_once(csv_ids(dir), 2'100);
}

TEST_CASE("positions: writers killed at random moments; each verdict is there once") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::minstd_rand random(seed);
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const TempDir dir;
    unsigned committed = 0;  // the first offset of the batch that the bus does not have yet
    for (int round = 0; round < 25; ++round) {
      int channel[2];
      REQUIRE(pipe(channel) == 0);
      const unsigned size = 1 + static_cast<unsigned>(random() % 40);
      const pid_t child = in_child([&] {
        close(channel[0]);
        const auto sink = kind.open(dir);
        if (!sink->claim(Batch(committed, committed + 1, round).view())) _exit(1);
        for (unsigned first = committed;; first += size) {
          if (!sink->write(Batch(first, first + size, round).view())) _exit(2);
          const unsigned next = first + size;
          if (write(channel[1], &next, sizeof next) != sizeof next) _exit(3);
        }
      });
      close(channel[1]);
      usleep(static_cast<useconds_t>(3'000 + random() % 25'000));
      kill(child, SIGKILL);
      test::wait_for(child);
      unsigned next = 0;
      while (read(channel[0], &next, sizeof next) == sizeof next) committed = next;
      close(channel[0]);
    }
    const auto sink = kind.open(dir);
    REQUIRE(sink->claim(Batch(committed, committed + 1, 1'000).view()).has_value());
    REQUIRE(sink->write(Batch(committed, committed + 60, 1'000).view()).has_value());
    check_once(kind.ids(dir), committed + 60);
  }
}
