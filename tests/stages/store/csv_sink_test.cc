// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <random>
#include <set>
#include <thread>

#include "fixture.h"
#include "stages/store/sink.h"

using namespace tocsin;
using test::in_child;
using test::parse_csv;
using test::read_file;
using test::TempDir;

namespace {

std::unique_ptr<store::Sink> open_or_fail(const std::string& path, store::CsvOptions options = {}) {
  auto sink = store::open_csv(path, options);
  REQUIRE_MESSAGE(sink.has_value(), (sink ? "" : sink.error().message));
  return std::move(*sink);
}

}  // namespace

TEST_CASE("csv: the contract's columns, one row per verdict, values quoted as RFC 4180 says") {
  const TempDir dir;
  struct Case {
    const char* name;
    std::string host;
    std::string want;
  };
  const Case cases[] = {
      {"plain", "ws1", "ws1"},
      {"empty", "", ""},
      {"comma", "a,b", "a,b"},
      {"quote", "say \"hi\"", "say \"hi\""},
      {"only a quote", "\"", "\""},
      {"line break becomes a blank", "a\r\nb", "a  b"},
      {"NUL becomes a blank", std::string("a\0b", 3), "a b"},
      {"leading blank", " a ", " a "},
      {"UTF-8", "K\u00f6ln", "K\u00f6ln"},
  };
  auto sink = open_or_fail(dir / "v.csv");
  CHECK(sink->name() == "csv");
  std::vector<Verdict> batch;
  for (const Case& c : cases) {
    batch.push_back(test::verdict(static_cast<unsigned>(batch.size())));
    batch.back().host = c.host;
  }
  REQUIRE(sink->write(batch, {}).has_value());
  const auto file = parse_csv(read_file(dir / "v.csv"));
  CHECK_FALSE(file.torn);
  REQUIRE(file.rows.size() == std::size(cases) + 1);
  CHECK(file.rows[0] == std::vector<std::string>{"event_id", "trace_id", "timestamp", "host",
                                                 "channel", "provider", "event_code", "class",
                                                 "tactics", "techniques", "rules", "level", "score",
                                                 "classified_at", "latency_us"});
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(cases[i].name);
    const auto& row = file.rows[i + 1];
    REQUIRE(row.size() == 15);
    CHECK(row[0] == batch[i].event_id.to_string());
    CHECK(row[3] == cases[i].want);
    CHECK(row[7] == "Credential Access");
    CHECK(row[8] == "credential-access;stealth");
    CHECK(row[14] == "5000");
  }
}

TEST_CASE("csv: the header is written once, and a foreign file is refused and left alone") {
  const TempDir dir;
  for (unsigned i = 0; i < 3; ++i)
    REQUIRE(open_or_fail(dir / "v.csv")->write(test::verdicts(i, 1), {}).has_value());
  CHECK(parse_csv(read_file(dir / "v.csv")).rows.size() == 4);

  std::ofstream(dir / "other.csv") << "name,age\r\nAda,36";
  const auto refused = store::open_csv(dir / "other.csv", {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kInvalid);
  CHECK(read_file(dir / "other.csv") == "name,age\r\nAda,36");
}

TEST_CASE("csv: detections only") {
  const TempDir dir;
  auto sink = open_or_fail(dir / "v.csv", {.detections_only = true});
  REQUIRE(sink->write(test::verdicts(0, 10), {}).has_value());
  CHECK(parse_csv(read_file(dir / "v.csv")).rows.size() == 6);
}

TEST_CASE("csv: a torn tail is cut away, wherever it was torn") {
  const TempDir dir;
  REQUIRE(open_or_fail(dir / "whole.csv")->write(test::verdicts(0, 2), {}).has_value());
  const std::string whole = read_file(dir / "whole.csv");
  const std::size_t header = whole.find('\n') + 1;
  const std::size_t last_row = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    std::ofstream(dir / "t.csv", std::ios::trunc) << whole.substr(0, size);
    REQUIRE(
        open_or_fail(dir / "t.csv", {.fsync = false})->write(test::verdicts(7, 1), {}).has_value());
    const auto file = parse_csv(read_file(dir / "t.csv"));
    CHECK_FALSE(file.torn);
    // The header, the rows that were whole, and the new one.
    const std::size_t kept = size < header ? 0 : (whole.find('\n', header) < size ? 1 : 0);
    CHECK(file.rows.size() == 2 + kept);
    CHECK(file.rows.back()[0] == test::verdict(7).event_id.to_string());
    if (size < last_row) CHECK(kept <= 1);
  }
}

TEST_CASE("csv: a tail torn by another process while this one has the file open") {
  const TempDir dir;
  auto sink = open_or_fail(dir / "v.csv");
  REQUIRE(sink->write(test::verdicts(0, 1), {}).has_value());
  std::ofstream(dir / "v.csv", std::ios::app) << std::string(10'000, 'x');
  REQUIRE(sink->write(test::verdicts(1, 1), {}).has_value());
  const auto file = parse_csv(read_file(dir / "v.csv"));
  CHECK(file.rows.size() == 3);
  CHECK_FALSE(file.torn);
}

TEST_CASE("csv: after log rotation rows go to a new file with its own header") {
  const TempDir dir;
  auto sink = open_or_fail(dir / "v.csv");
  REQUIRE(sink->write(test::verdicts(0, 1), {}).has_value());
  std::filesystem::rename(dir / "v.csv", dir / "v.csv.1");
  REQUIRE(sink->write(test::verdicts(1, 1), {}).has_value());
  CHECK(parse_csv(read_file(dir / "v.csv.1")).rows.size() == 2);
  CHECK(parse_csv(read_file(dir / "v.csv")).rows.size() == 2);
}

TEST_CASE("csv: threads and processes write to one file and no row is lost or mixed") {
  const TempDir dir;
  std::vector<pid_t> children;
  for (unsigned child = 0; child < 3; ++child)
    children.push_back(in_child([&] {
      auto sink = store::open_csv(dir / "v.csv", {.fsync = false});
      if (!sink) _exit(1);
      std::vector<std::thread> threads;
      for (unsigned t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
          for (unsigned i = 0; i < 50; ++i)
            if (!(*sink)->write(test::verdicts(child * 10'000 + t * 1'000 + i * 4, 4), {}))
              _exit(2);
        });
      for (std::thread& thread : threads) thread.join();
    }));
  for (const pid_t child : children) CHECK(test::wait_for(child) == 0);
  const auto file = parse_csv(read_file(dir / "v.csv"));
  CHECK_FALSE(file.torn);
  CHECK(file.rows.size() == 1 + 3 * 3 * 50 * 4);
  std::set<std::string> ids;
  for (const auto& row : file.rows) {
    CHECK(row.size() == 15);
    ids.insert(row[0]);
  }
  CHECK(ids.size() == file.rows.size());
}

TEST_CASE("csv: writers killed at random moments leave whole rows, and lose none acknowledged") {
  const TempDir dir;
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::minstd_rand random(seed);
  std::set<std::string> acknowledged;
  for (unsigned round = 0; round < 20; ++round) {
    int channel[2];
    REQUIRE(pipe(channel) == 0);
    const pid_t child = in_child([&] {
      close(channel[0]);
      auto sink = store::open_csv(dir / "v.csv", {.fsync = false});
      if (!sink) _exit(1);
      for (unsigned i = 0; i < 10'000; ++i) {
        if (!(*sink)->write(test::verdicts(round * 100'000 + i * 20, 20), {})) _exit(2);
        const unsigned done = i + 1;
        if (write(channel[1], &done, sizeof done) != sizeof done) _exit(3);
      }
    });
    close(channel[1]);
    usleep(static_cast<useconds_t>(2'000 + random() % 20'000));
    kill(child, SIGKILL);
    test::wait_for(child);
    unsigned done = 0;
    unsigned next = 0;
    while (read(channel[0], &next, sizeof next) == sizeof next) done = next;
    close(channel[0]);
    for (unsigned i = 0; i < done * 20; ++i)
      acknowledged.insert(test::verdict(round * 100'000 + i).event_id.to_string());
  }
  REQUIRE(open_or_fail(dir / "v.csv")->write(test::verdicts(9'999'999, 1), {}).has_value());
  const auto file = parse_csv(read_file(dir / "v.csv"));
  CHECK_FALSE(file.torn);
  std::set<std::string> ids;
  for (const auto& row : file.rows) {
    REQUIRE(row.size() == 15);
    ids.insert(row[0]);
  }
  std::size_t missing = 0;
  for (const std::string& id : acknowledged) missing += 1 - ids.count(id);
  CHECK(!acknowledged.empty());
  CHECK(missing == 0);
}

TEST_CASE("csv: a full disk is told, keeps no part of the batch, and the next batch fits again") {
  const TempDir dir;
  // A limit on the size of files acts like a full disk, and needs no root. In a child: it stays.
  const pid_t child = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    auto sink = store::open_csv(dir / "v.csv", {});
    if (!sink || !(*sink)->write(test::verdicts(0, 10), {})) _exit(1);
    const std::string before = read_file(dir / "v.csv");
    const rlimit limit{before.size() + 1'000, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
    const Status full = (*sink)->write(test::verdicts(10, 100), {});
    if (full || full.error().code != ErrorCode::kExhausted) _exit(3);
    if (read_file(dir / "v.csv") != before) _exit(4);
    if (!(*sink)->write(test::verdicts(500, 1), {})) _exit(5);
  });
  CHECK(test::wait_for(child) == 0);
  const auto file = parse_csv(read_file(dir / "v.csv"));
  CHECK_FALSE(file.torn);
  CHECK(file.rows.size() == 12);
}

TEST_CASE("csv: a path that cannot be written is a clear error") {
  const TempDir dir;
  const auto sink = store::open_csv("/proc/nowhere/v.csv", {});
  REQUIRE_FALSE(sink.has_value());
  CHECK(sink.error().message.find("/proc/nowhere/v.csv") != std::string::npos);
  CHECK(store::open_csv(dir / "new/folder/v.csv", {}).has_value());
}
