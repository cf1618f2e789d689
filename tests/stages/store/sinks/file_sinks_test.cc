// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <simdjson.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "core/event/record_json.h"
#include "stages/store/fixture.h"
#include "stages/store/sinks/sinks.h"

using namespace tocsin;
using test::read_file;
using test::TempDir;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Files of the folder whose names begin and end so, in order.
std::vector<std::string> files_of(const TempDir& dir, const std::string& start,
                                  const std::string& end) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(start) && name.ends_with(end)) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::unique_ptr<store::Sink> open_lines(const std::string& path, store::Lines lines,
                                        store::FileSinkOptions options = {}) {
  auto sink = store::open_json_lines(path, lines, options);
  REQUIRE_MESSAGE(sink.has_value(), (sink ? "" : sink.error().message));
  return std::move(*sink);
}

std::vector<Alert> alerts_of(const std::vector<Verdict>& verdicts) {
  std::vector<Alert> alerts;
  for (const Verdict& v : verdicts)
    if (v.detected()) alerts.push_back(test::alert_of(v));
  return alerts;
}

// A batch of the offsets [first, first + count) of partition 0.
struct Slice {
  Slice(std::int64_t first, std::int64_t count)
      : verdicts(test::verdicts(static_cast<unsigned>(first), static_cast<unsigned>(count))) {
    slices = {{.topic = "verdicts", .partition = 0, .first = first, .next = first + count}};
    for (std::int64_t i = 0; i < count; ++i) places.push_back({0, first + i});
  }
  store::SinkBatch batch(std::int64_t writer) const {
    return {.verdicts = verdicts,
            .alerts = {},
            .verdict_places = places,
            .slices = slices,
            .group = "g",
            .writer = writer};
  }
  std::vector<Verdict> verdicts;
  std::vector<store::Place> places;
  std::vector<store::Slice> slices;
};

}  // namespace

TEST_CASE("jsonl: a line for each verdict and alert, which reads back as what it was") {
  const TempDir dir;
  const auto verdicts = test::verdicts(0, 6);
  const auto alerts = alerts_of(verdicts);
  const auto sink = open_lines(dir / "all.jsonl", store::Lines::kRecords);
  CHECK(sink->name() == "jsonl");
  REQUIRE(sink->write(verdicts, alerts).has_value());
  const auto lines = lines_of(read_file(dir / "all.jsonl"));
  REQUIRE(lines.size() == verdicts.size() + alerts.size());
  RecordReader reader;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const auto v = reader.verdict(lines[i]);
    REQUIRE_MESSAGE(v.has_value(), (v ? "" : v.error().message));
    CHECK(v->event_id == verdicts[i].event_id);
    CHECK(v->rules == verdicts[i].rules);
  }
  for (std::size_t i = 0; i < alerts.size(); ++i)
    CHECK(reader.alert(lines[verdicts.size() + i])->alert_id == alerts[i].alert_id);

  const auto few = open_lines(dir / "few.jsonl", store::Lines::kRecords, {.detections_only = true});
  REQUIRE(few->write(verdicts, {}).has_value());
  CHECK(lines_of(read_file(dir / "few.jsonl")).size() == 3);
}

TEST_CASE("jsonl: half a line of a killed writer is cut away, a foreign file is left alone") {
  const TempDir dir;
  const auto verdicts = test::verdicts(0, 2);
  REQUIRE(open_lines(dir / "v.jsonl", store::Lines::kRecords)->write(verdicts, {}).has_value());
  const std::string whole = read_file(dir / "v.jsonl");
  for (std::size_t size = 1; size < whole.size(); size += 7) {
    std::ofstream(dir / "t.jsonl", std::ios::trunc) << whole.substr(0, size);
    REQUIRE(open_lines(dir / "t.jsonl", store::Lines::kRecords, {.fsync = false})
                ->write(verdicts, {})
                .has_value());
    const auto lines = lines_of(read_file(dir / "t.jsonl"));
    CHECK(lines.size() ==
          2 + static_cast<std::size_t>(std::count(
                  whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size), '\n')));
    for (const std::string& line : lines) {
      simdjson::dom::parser parser;
      CHECK(parser.parse(line).error() == simdjson::SUCCESS);
    }
  }
  std::ofstream(dir / "notes.txt") << "dear diary";
  CHECK_FALSE(store::open_json_lines(dir / "notes.txt", store::Lines::kRecords, {}).has_value());
  CHECK(read_file(dir / "notes.txt") == "dear diary");
}

TEST_CASE("files: what comes again is left out, and a writer that was replaced is refused") {
  const TempDir dir;
  const auto sink = open_lines(dir / "v.jsonl", store::Lines::kRecords);
  const Slice first(0, 10), overlapping(0, 15);
  CHECK(sink->write(first.batch(1)).error().code == ErrorCode::kStale);
  REQUIRE(sink->claim(first.batch(1)).has_value());
  REQUIRE(sink->write(first.batch(1)).has_value());
  REQUIRE(sink->claim(first.batch(2)).has_value());
  CHECK(sink->write(overlapping.batch(1)).error().code == ErrorCode::kStale);
  REQUIRE(sink->write(overlapping.batch(2)).has_value());
  CHECK(lines_of(read_file(dir / "v.jsonl")).size() == 15);
}

TEST_CASE("rotation: by size, with one header a file, and no row is lost or written twice") {
  const TempDir dir;
  auto opened = store::open_csv(dir / "v.csv", {.fsync = false, .rotation = {.bytes = 3'000}});
  REQUIRE(opened.has_value());
  store::Sink& sink = **opened;
  for (std::int64_t at = 0; at < 200; at += 5) {
    const Slice slice(at, 10);  // half of it is there already
    if (at == 0) REQUIRE(sink.claim(slice.batch(1)).has_value());
    REQUIRE(sink.write(slice.batch(1)).has_value());
  }
  std::set<std::string> ids;
  std::size_t rows = 0;
  const auto files = files_of(dir, "v.", ".csv");
  CHECK(files.size() > 3);
  for (const std::string& path : files) {
    const auto file = test::parse_csv(read_file(path));
    CHECK_FALSE(file.torn);
    REQUIRE(file.rows.size() > 1);
    CHECK(file.rows[0][0] == "event_id");
    CHECK(read_file(path).size() < 3'000 + 10 * 400);
    for (std::size_t i = 1; i < file.rows.size(); ++i) ids.insert(file.rows[i][0]);
    rows += file.rows.size() - 1;
  }
  CHECK(rows == 205);
  CHECK(ids.size() == rows);
}

TEST_CASE("rotation: by time, when the last line is of another day") {
  const TempDir dir;
  const std::string path = dir / "v.jsonl";
  const auto write = [&](unsigned number) {
    const auto sink = open_lines(path, store::Lines::kRecords,
                                 {.rotation = {.every = store::Rotation::Every::kDaily}});
    REQUIRE(sink->write(test::verdicts(number, 1), {}).has_value());
  };
  write(0);
  write(1);
  CHECK(files_of(dir, "v", ".jsonl").size() == 1);
  const timespec two_days_ago{std::time(nullptr) - 2 * 86'400, 0};
  const timespec times[2] = {two_days_ago, two_days_ago};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  write(2);
  write(3);
  const auto files = files_of(dir, "v", ".jsonl");
  REQUIRE(files.size() == 2);
  CHECK(lines_of(read_file(files[0])).size() == 2);
  CHECK(lines_of(read_file(files[1])).size() == 2);
}

TEST_CASE("rotation: writers killed at random moments leave each row once, over all files") {
  const TempDir dir;
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::minstd_rand random(static_cast<unsigned>(seed));
  const std::string path = dir / "v.jsonl";
  constexpr std::int64_t kRecords = 2'000;
  constexpr std::int64_t kBatch = 20;
  // Each round goes on from an offset that a group may have committed: not beyond what is there.
  std::int64_t next = 0;
  for (std::int64_t writer = 1; next < kRecords - kBatch && writer < 400; ++writer) {
    const pid_t child = test::in_child([&] {
      auto sink = store::open_json_lines(path, store::Lines::kRecords,
                                         {.fsync = false, .rotation = {.bytes = 20'000}});
      if (!sink) _exit(1);
      for (std::int64_t at = next; at < kRecords; at += kBatch) {
        const Slice slice(at, kBatch);
        if (at == next && !(*sink)->claim(slice.batch(writer))) _exit(2);
        if (!(*sink)->write(slice.batch(writer))) _exit(3);
      }
      _exit(0);
    });
    usleep(static_cast<useconds_t>(1'000 + random() % 30'000));
    kill(child, SIGKILL);
    const int status = test::wait_for(child);
    REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    std::int64_t rows = 0;
    for (const std::string& file : files_of(dir, "v", ".jsonl")) {
      const std::string text = read_file(file);
      rows += std::count(text.begin(), text.end(), '\n');
    }
    // What the group has committed is at most what is surely there: the whole batches before.
    next = std::max<std::int64_t>(next, (rows / kBatch - 1) * kBatch);
  }
  REQUIRE(test::wait_for(test::in_child([&] {
            auto sink = store::open_json_lines(path, store::Lines::kRecords, {.fsync = false});
            for (std::int64_t at = next; sink && at < kRecords; at += kBatch) {
              const Slice slice(at, kBatch);
              if (at == next && !(*sink)->claim(slice.batch(1'000))) _exit(2);
              if (!(*sink)->write(slice.batch(1'000))) _exit(3);
            }
          })) == 0);
  std::set<std::string> ids;
  std::size_t rows = 0;
  RecordReader reader;
  for (const std::string& file : files_of(dir, "v", ".jsonl"))
    for (const std::string& line : lines_of(read_file(file))) {
      const auto v = reader.verdict(line);
      REQUIRE(v.has_value());
      ids.insert(v->event_id.to_string());
      ++rows;
    }
  CHECK(rows == kRecords);
  CHECK(ids.size() == kRecords);
}
