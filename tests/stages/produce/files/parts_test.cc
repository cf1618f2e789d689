// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/parts.h"

#include <algorithm>
#include <thread>

#include "stages/produce/evtx/evtx_builder.h"
#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

struct Reading {
  std::vector<std::string> events;    // "path:line:record:text"
  std::vector<std::string> problems;  // code and message
  std::size_t parts = 0;
};

// All parts, each opened and read in `order` of its taking; put back into the order of the input.
Reading read_parts(const std::vector<std::string>& paths, FilesOptions options = {}) {
  PartPlan plan(paths, options);
  Reading out;
  EventView event;
  Problem problem;
  PartReader reader(plan);
  while (const std::optional<Part> part = plan.next()) {
    ++out.parts;
    reader.open(*part);
    for (Next what = reader.next(event, problem); what != Next::kEnd;
         what = reader.next(event, problem)) {
      if (what == Next::kEvent)
        out.events.push_back(fmt::format("{}:{}:{}:{}", event.path, reader.line(event),
                                         event.record_id, event.json));
      if (what == Next::kProblem) out.problems.push_back(problem.code + ": " + problem.message);
    }
  }
  return out;
}

Reading read_whole(const std::vector<std::string>& paths, FilesOptions options = {}) {
  Reading out;
  const Everything all = read_all(paths, options);
  for (const RawEvent& event : all.events)
    out.events.push_back(fmt::format("{}:{}:{}:{}", event.origin.path, event.origin.line,
                                     event.origin.record_id, event.json));
  for (const Problem& problem : all.problems)
    out.problems.push_back(problem.code + ": " + problem.message);
  return out;
}

std::string lines(std::size_t bytes, std::string_view end = "\n") {
  std::string out;
  for (std::size_t n = 0; out.size() < bytes; ++n) {
    out += fmt::format("{{\"n\":{},\"x\":\"{}\"}}", n, std::string(n * 7919 % 5000, 'x'));
    out += end;
    if (n % 97 == 0) out += "\n \t\n";
    if (n % 101 == 0) out += "no json\n";
  }
  return out;
}

TEST_CASE("parts: read in order they are what the whole is") {
  const Scratch scratch;
  struct Case {
    std::string_view name;
    std::string bytes;
    std::size_t parts;
  };
  const std::string three_mib = lines(3u << 20);
  const Case cases[] = {
      {"empty.jsonl", "", 1},
      {"one.jsonl", "{}", 1},
      {"small.jsonl", lines(10'000), 1},
      {"many.jsonl", three_mib, 3},
      {"many.log", three_mib, 3},
      {"crlf.jsonl", lines(2u << 20, "\r\n"), 2},
      {"mark.jsonl", "\xEF\xBB\xBF" + three_mib, 3},
      {"no-end.jsonl", three_mib + "{\"half\":", 3},
      {"zeros.jsonl", std::string(5u << 20, '\0') + "\n{}\n", 2},
      {"long.jsonl", "{}\n" + std::string(9u << 20, 'y') + "\n{}\n" + three_mib, 5},
      {"document.json", "[" + std::string(2u << 20, ' ') + "{},{}]", 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string path = scratch.write(c.name, c.bytes);
    FilesOptions options;
    options.line_bytes_max = 4u << 20;
    const Reading whole = read_whole({path}, options);
    const Reading parts = read_parts({path}, options);
    CHECK(parts.events == whole.events);
    CHECK(parts.problems == whole.problems);
    CHECK(parts.parts >= c.parts);
  }
}

TEST_CASE("parts: a folder of all kinds, and what is not there") {
  const Scratch scratch;
  scratch.write("in/a.jsonl", lines(2'500'000));
  scratch.write("in/b.txt", "hello");
  scratch.write("in/c/d.json", "{\n\"a\": 1\n}");
  const std::vector<std::string> paths = {scratch.path("in"), scratch.path("absent")};
  const Reading whole = read_whole(paths);
  const Reading parts = read_parts(paths);
  CHECK(whole.events.size() > 100);
  CHECK(parts.events == whole.events);
  CHECK(parts.problems == whole.problems);
}

TEST_CASE("parts: an EVTX file is cut at its chunks, a wrapped one where it begins") {
  const Scratch scratch;
  std::vector<std::string> chunks;
  for (std::uint64_t n = 0; n < 200; ++n) {
    evtx::test::ChunkBuilder chunk;
    // The oldest chunk stands in the middle, as in a log that has wrapped around.
    const std::uint64_t first = (n + 150) % 200 * 2 + 1;
    evtx::test::add_simple_record(chunk, first);
    evtx::test::add_simple_record(chunk, first + 1);
    chunks.push_back(n == 77 ? std::string(evtx::test::kChunkBytes, 'q') : chunk.build());
  }
  const std::string path = scratch.write("big.evtx", evtx::test::build_file(chunks));
  const Reading whole = read_whole({path});
  const Reading parts = read_parts({path});
  CHECK(whole.events.size() == 398);
  CHECK(whole.problems.size() == 1);
  CHECK(parts.events == whole.events);
  CHECK(parts.problems == whole.problems);
  CHECK(parts.parts >= 3);
}

TEST_CASE("parts: line numbers wait for the parts before, not for each other") {
  LineCounts counts;
  std::uint64_t before = 0;
  std::thread waiting([&] { before = counts.lines_before(3); });
  counts.publish(2, 30);
  counts.publish(0, 1);
  counts.publish(1, 10);
  waiting.join();
  CHECK(before == 41);
  CHECK(counts.lines_before(0) == 0);
  CHECK(counts.lines_before(1) == 1);
}

}  // namespace
}  // namespace tocsin::produce
