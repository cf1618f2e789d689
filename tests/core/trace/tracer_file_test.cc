// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <simdjson.h>
#include <sys/wait.h>

#include <set>
#include <thread>

#include "base/log.h"
#include "base/sqlite.h"
#include "core/trace/span_store.h"
#include "core/trace/tracer.h"
#include "fixture.h"

using namespace tocsin;
using namespace tocsin::trace;
using namespace std::chrono_literals;
using test::full_span;
using test::TempDir;

namespace {

std::unique_ptr<Tracer> open_tracer(const std::string& path, const std::string& service = "svc") {
  set_log_level(LogLevel::kOff);
  auto tracer = Tracer::open({.service = service, .destinations = {path}, .linger = 1ms});
  REQUIRE_MESSAGE(tracer.has_value(), (tracer ? "" : tracer.error().message));
  return std::move(*tracer);
}

// Span ids of every line; any line that is not one whole request fails the test.
std::multiset<std::string> span_ids_of(const std::string& text) {
  std::multiset<std::string> ids;
  simdjson::dom::parser parser;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    simdjson::dom::element line;
    REQUIRE(parser.parse(text.data() + at, end - at).get(line) == simdjson::SUCCESS);
    simdjson::dom::array spans;
    REQUIRE(line.at_pointer("/resourceSpans/0/scopeSpans/0/spans").get(spans) == simdjson::SUCCESS);
    for (const auto span : spans) ids.emplace(std::string_view(span["spanId"]));
    at = end + 1;
  }
  return ids;
}

void run_in_children(unsigned children, const auto& body) {
  std::vector<pid_t> pids;
  for (unsigned child = 0; child < children; ++child) {
    const pid_t pid = fork();
    if (pid == 0) {
      body(child);
      _exit(0);
    }
    pids.push_back(pid);
  }
  for (const pid_t pid : pids) {
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(status == 0);
  }
}

}  // namespace

TEST_CASE("JSON lines: a request as OTLP/JSON writes it") {
  const TempDir dir;
  const Span sent = full_span(3);
  Span root = full_span(4);
  root.parent = kNoSpan;
  root.attributes = {{"nan", std::nan("")}};
  open_tracer(dir / "t.jsonl")->record({sent, root});
  const std::string text = test::read_file(dir / "t.jsonl");
  simdjson::dom::parser parser;
  simdjson::dom::element line;
  REQUIRE(parser.parse(text).get(line) == simdjson::SUCCESS);
  const auto at = [&](const char* pointer) {
    return simdjson::minify(line.at_pointer(pointer).value());
  };
  CHECK(at("/resourceSpans/0/resource/attributes/0") ==
        R"({"key":"service.name","value":{"stringValue":"svc"}})");
  CHECK(at("/resourceSpans/0/scopeSpans/0/scope/name") == R"("tocsin")");
  std::string hex;
  append_hex(hex, sent.trace.data(), sent.trace.size());
  const std::string span = "/resourceSpans/0/scopeSpans/0/spans/0";
  CHECK(at((span + "/traceId").c_str()) == '"' + hex + '"');
  CHECK(at((span + "/kind").c_str()) == "5");
  CHECK(at((span + "/startTimeUnixNano").c_str()) == R"("1700000000123456792")");
  CHECK(at((span + "/attributes/1/value").c_str()) == R"({"intValue":"9007199254740993"})");
  CHECK(at((span + "/attributes/2/value").c_str()) == R"({"doubleValue":0.5})");
  CHECK(at((span + "/attributes/3/value").c_str()) == R"({"boolValue":true})");
  CHECK(at((span + "/events/0/name").c_str()) == R"("alert")");
  CHECK(at((span + "/status").c_str()) == R"({"message":"no \"luck\"","code":2})");
  CHECK(at("/resourceSpans/0/scopeSpans/0/spans/1/attributes/0/value") ==
        R"({"doubleValue":"NaN"})");
  CHECK(line.at_pointer("/resourceSpans/0/scopeSpans/0/spans/1/parentSpanId").error() ==
        simdjson::NO_SUCH_FIELD);
}

TEST_CASE("JSON lines: several processes and threads share a file, every line is whole") {
  const TempDir dir;
  run_in_children(3, [&](unsigned child) {
    auto tracer = open_tracer(dir / "t.jsonl");
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (unsigned i = 0; i < 50; ++i) tracer->record({full_span(child * 1'000 + t * 100 + i)});
      });
    for (std::thread& thread : threads) thread.join();
  });
  const auto ids = span_ids_of(test::read_file(dir / "t.jsonl"));
  CHECK(ids.size() == 300);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == 300);
}

TEST_CASE("JSON lines: a torn last line is cut away, a foreign file is left alone") {
  const TempDir dir;
  open_tracer(dir / "t.jsonl")->record({full_span(1)});
  const std::string whole = test::read_file(dir / "t.jsonl");
  std::ofstream(dir / "t.jsonl", std::ios::app) << R"({"resourceSpans":[{"reso)";
  open_tracer(dir / "t.jsonl")->record({full_span(2)});
  const std::string mended = test::read_file(dir / "t.jsonl");
  CHECK(mended.starts_with(whole));
  CHECK(span_ids_of(mended).size() == 2);

  std::ofstream(dir / "letter.txt") << "Dear reader, no newline here";
  CHECK_FALSE(Tracer::open({.service = "t", .destinations = {dir / "letter.txt"}}).has_value());
  CHECK(test::read_file(dir / "letter.txt") == "Dear reader, no newline here");
}

TEST_CASE("span store: what is read is what was recorded, by start time, with its service") {
  const TempDir dir;
  Span parent = full_span(5);
  parent.id = parent.parent;
  parent.parent = kNoSpan;
  parent.start -= 1'000;
  open_tracer(dir / "s.db", "tocsin-detect")->record({full_span(5), full_span(6)});
  open_tracer(dir / "s.db", "tocsin-produce")->record({parent});
  const auto trace = read_trace(dir / "s.db", parent.trace);
  REQUIRE(trace.has_value());
  REQUIRE(trace->size() == 2);
  CHECK(trace->at(0).service == "tocsin-produce");
  CHECK(trace->at(0).id == parent.id);
  CHECK(trace->at(0).parent == kNoSpan);
  const StoredSpan& got = trace->at(1);
  const Span want = full_span(5);
  CHECK(got.service == "tocsin-detect");
  CHECK(got.trace == want.trace);
  CHECK(got.parent == want.parent);
  CHECK(got.name == want.name);
  CHECK(got.kind == want.kind);
  CHECK(got.start == want.start);
  CHECK(got.end == want.end);
  CHECK(got.status == want.status);
  CHECK(got.status_message == want.status_message);
  REQUIRE(got.attributes.size() == want.attributes.size());
  for (std::size_t i = 0; i < want.attributes.size(); ++i) {
    CHECK(got.attributes[i].key == want.attributes[i].key);
    CHECK(got.attributes[i].value == want.attributes[i].value);
  }
  REQUIRE(got.events.size() == 1);
  CHECK(got.events[0].time == want.events[0].time);
  CHECK(got.events[0].attributes.at(0).key == "rule.id");
  REQUIRE(got.links.size() == 1);
  CHECK(got.links[0].span == want.links[0].span);
}

TEST_CASE("span store: a replay replaces, and several processes write at once") {
  const TempDir dir;
  open_tracer(dir / "s.db")->record({full_span(0)});
  run_in_children(4, [&](unsigned child) {
    auto tracer = open_tracer(dir / "s.db");
    // Every child records its own hundred and the same hundred as the others.
    for (unsigned i = 0; i < 100; ++i)
      tracer->record({full_span(1'000 * (child + 1) + i), full_span(i)});
    if (!tracer->flush(20s) || tracer->stats().dropped != 0) _exit(1);
  });
  auto db = sqlite::Database::open(dir / "s.db", sqlite::Mode::kRead);
  REQUIRE(db.has_value());
  auto count = db->prepare("SELECT count(*) FROM spans");
  REQUIRE(count.has_value());
  REQUIRE(count->step().value());
  CHECK(count->integer(0) == 500);
}

TEST_CASE("span store: found by the start of an id; missing and foreign files have clear errors") {
  const TempDir dir;
  open_tracer(dir / "s.db")->record({full_span(1), full_span(2)});
  const TraceId trace = full_span(1).trace;
  std::string hex;
  append_hex(hex, trace.data(), trace.size());
  for (const std::size_t digits : {32u, 13u, 7u}) {
    const auto found = find_traces(dir / "s.db", hex.substr(0, digits), 10);
    REQUIRE(found.has_value());
    CHECK(*found == std::vector<TraceId>{trace});
  }
  CHECK(find_traces(dir / "s.db", "zz", 10).error().code == ErrorCode::kInvalid);
  CHECK(find_traces(dir / "none.db", "ab", 10).error().code == ErrorCode::kNotFound);
  CHECK(read_trace(dir / "s.db", TraceId{9})->empty());

  std::ofstream(dir / "text.db") << std::string(5'000, 'x');
  CHECK(read_trace(dir / "text.db", trace).error().code == ErrorCode::kCorrupt);
  {
    auto db = sqlite::Database::open(dir / "new.db", sqlite::Mode::kWrite);
    REQUIRE(db->exec("PRAGMA user_version=99").has_value());
  }
  const auto newer = Tracer::open({.service = "t", .destinations = {dir / "new.db"}});
  REQUIRE_FALSE(newer.has_value());
  CHECK(newer.error().code == ErrorCode::kUnsupported);
  CHECK(newer.error().message.find("newer release") != std::string::npos);
}
