// SPDX-License-Identifier: Apache-2.0
#include "core/trace/jaeger_query.h"

#include <doctest/doctest.h>

#include "collector.h"
#include "fixture.h"

using namespace tocsin;
using namespace tocsin::trace;
using test::Answer;
using test::Collector;

namespace {

// As Jaeger 2.13 answers; one span id has lost its leading zeros.
constexpr const char* kTrace = R"({"data":[{"traceID":"0af7651916cd43dd8448eb211c80319c","spans":[
 {"traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"f067aa0ba902b7","operationName":"classify_event",
  "references":[{"refType":"CHILD_OF","traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"b7ad6b7169203331"}],
  "startTime":1700000000123460,"duration":25,"processID":"p2","warnings":null,
  "tags":[{"key":"event.id","type":"string","value":"x"},{"key":"messaging.kafka.offset","type":"int64","value":42},
   {"key":"ratio","type":"float64","value":0.5},{"key":"yes","type":"bool","value":true},
   {"key":"span.kind","type":"string","value":"internal"},{"key":"otel.status_code","type":"string","value":"ERROR"},
   {"key":"otel.status_description","type":"string","value":"not JSON"},{"key":"error","type":"bool","value":true},
   {"key":"otel.scope.name","type":"string","value":"tocsin"}],
  "logs":[{"timestamp":1700000000123470,"fields":[{"key":"event","type":"string","value":"alert"},
   {"key":"rule.id","type":"string","value":"4f2a"}]}]},
 {"traceID":"af7651916cd43dd8448eb211c80319c","spanID":"b7ad6b7169203331","operationName":"process raw-events",
  "references":[],"startTime":1700000000123456,"duration":100,"processID":"p1","logs":[],
  "tags":[{"key":"span.kind","type":"string","value":"consumer"}]}],
 "processes":{"p1":{"serviceName":"tocsin-a","tags":[]},"p2":{"serviceName":"tocsin-b","tags":[]}},"warnings":null}],
 "total":0,"limit":0,"offset":0,"errors":null})";

}  // namespace

TEST_CASE("jaeger: a trace comes back as it was exported, to the microsecond") {
  Collector jaeger({Answer{.status = 200, .body = kTrace}});
  TraceId id{};
  REQUIRE(decode_hex("0af7651916cd43dd8448eb211c80319c", id.data(), id.size()));
  const auto spans = query_trace(jaeger.url() + "/", id);
  REQUIRE_MESSAGE(spans.has_value(), (spans ? "" : spans.error().message));
  CHECK(jaeger.requests().at(0).head.starts_with(
      "GET /api/traces/0af7651916cd43dd8448eb211c80319c HTTP/1.1"));
  REQUIRE(spans->size() == 2);
  const StoredSpan& process = spans->at(0);
  const StoredSpan& classify = spans->at(1);
  CHECK(process.service == "tocsin-a");
  CHECK(process.kind == SpanKind::kConsumer);
  CHECK(process.parent == kNoSpan);
  CHECK(process.trace == id);
  CHECK(process.start == 1'700'000'000'123'456'000);
  CHECK(process.end == process.start + 100'000);
  CHECK(classify.parent == process.id);
  CHECK(classify.id[0] == 0);
  CHECK(classify.status == SpanStatus::kError);
  CHECK(classify.status_message == "not JSON");
  REQUIRE(classify.attributes.size() == 4);
  CHECK(std::get<std::string>(classify.attributes[0].value) == "x");
  CHECK(std::get<std::int64_t>(classify.attributes[1].value) == 42);
  CHECK(std::get<double>(classify.attributes[2].value) == doctest::Approx(0.5));
  CHECK(std::get<bool>(classify.attributes[3].value));
  REQUIRE(classify.events.size() == 1);
  CHECK(classify.events[0].name == "alert");
  CHECK(classify.events[0].attributes.at(0).key == "rule.id");
}

TEST_CASE("spans: of those that start at once parents come first, and rings end") {
  const auto span = [](std::uint8_t id, std::uint8_t parent, UnixNanos start, UnixNanos end) {
    StoredSpan made;
    made.id[7] = id;
    made.parent[7] = parent;
    made.start = start;
    made.end = end;
    return made;
  };
  struct Case {
    const char* name;
    std::vector<StoredSpan> spans;
    std::vector<int> ids;
  };
  const std::vector<Case> cases = {
      {"by start", {span(2, 1, 20, 30), span(1, 0, 10, 40)}, {1, 2}},
      {"the child ends later", {span(2, 1, 10, 90), span(1, 0, 10, 15)}, {1, 2}},
      {"three generations",
       {span(3, 2, 10, 11), span(1, 0, 10, 10), span(2, 1, 10, 50)},
       {1, 2, 3}},
      {"a ring", {span(1, 2, 10, 11), span(2, 1, 5, 10)}, {2, 1}},
      {"its own parent", {span(7, 7, 10, 11), span(2, 0, 10, 10)}, {2, 7}},
  };
  for (Case one : cases) {
    CAPTURE(one.name);
    order_by_start(one.spans);
    std::vector<int> ids;
    for (const StoredSpan& ordered : one.spans) ids.push_back(ordered.id[7]);
    CHECK(ids == one.ids);
  }
}

TEST_CASE("jaeger: recent traces of a service") {
  Collector jaeger({Answer{.status = 200, .body = R"({"data":[]})"}});
  const auto spans = query_recent(jaeger.url(), "a b&c", 5'000'000, 20);
  REQUIRE(spans.has_value());
  CHECK(spans->empty());
  CHECK(jaeger.requests().at(0).head.starts_with(
      "GET /api/traces?service=a%20b%26c&start=5000&end="));
}

TEST_CASE("jaeger: an unknown trace is none, and what is not Jaeger is told without secrets") {
  Collector jaeger({Answer{.status = 404, .body = R"({"data":null})"},
                    Answer{.status = 200, .body = "<html>"}, Answer{.status = 500, .body = ""}});
  CHECK(query_trace(jaeger.url(), TraceId{1})->empty());
  std::string url = jaeger.url();
  url.insert(url.find("//") + 2, "me:hunter2@");
  for (int i = 0; i < 2; ++i) {
    const auto wrong = query_trace(url, TraceId{1});
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == ErrorCode::kInvalid);
    CHECK(wrong.error().message.find("hunter2") == std::string::npos);
  }
  const auto nobody = query_trace("http://127.0.0.1:9", TraceId{1});
  REQUIRE_FALSE(nobody.has_value());
  CHECK(nobody.error().code == ErrorCode::kUnavailable);
}
