// SPDX-License-Identifier: Apache-2.0
#include "core/trace/span.h"

#include <doctest/doctest.h>

#include <set>

using namespace tocsin;
using namespace tocsin::trace;

TEST_CASE("span: the trace id is the event id, and a nil event id still gives a valid one") {
  const auto id = Uuid::parse("6f9619ff-8b86-d011-b42d-00c04fc964ff");
  REQUIRE(id);
  CHECK(trace_id_of(*id) == id->bytes);
  const TraceId nil = trace_id_of(Uuid{});
  CHECK(nil != TraceId{});
  CHECK(nil == trace_id_of(Uuid{}));
}

TEST_CASE("span: ids depend on trace, stage and attempt, and on nothing else") {
  const TraceId one = trace_id_of(Uuid::hashed("one"));
  const TraceId two = trace_id_of(Uuid::hashed("two"));
  CHECK(span_id_of(one, "produce_event") == span_id_of(one, "produce_event", 0));
  std::set<SpanId> ids;
  for (const TraceId& trace : {one, two})
    for (const char* stage : {"produce_event", "send raw-events", "write_csv"})
      for (const std::uint32_t attempt : {0u, 1u, 256u, 65'536u, 16'777'216u})
        ids.insert(span_id_of(trace, stage, attempt));
  CHECK(ids.size() == 30);
  CHECK(ids.count(kNoSpan) == 0);
  CHECK(Stage("produce_event", 256).id_in(one) == span_id_of(one, "produce_event", 256));
}

TEST_CASE("span: ids of many traces do not meet") {
  const Stage stage("classify_event");
  std::set<SpanId> ids;
  for (unsigned i = 0; i < 20'000; ++i) {
    TraceId trace{};  // nothing random in it but a count
    trace[3] = static_cast<std::uint8_t>(i >> 8);
    trace[15] = static_cast<std::uint8_t>(i);
    ids.insert(stage.id_in(trace));
  }
  CHECK(ids.size() == 20'000);
}

TEST_CASE("span: ids stay the same from release to release") {
  const TraceId trace = trace_id_of(*Uuid::parse("00112233-4455-6677-8899-aabbccddeeff"));
  std::string hex;
  const SpanId id = span_id_of(trace, "produce_event");
  append_hex(hex, id.data(), id.size());
  // mix(mix(mix(fnv1a("produce_event") + attempt) ^ first half) + second half), worked out
  // elsewhere.
  CHECK(hex == "3a7b3b6f5e3d90a9");
  hex.clear();
  const SpanId again = span_id_of(trace, "produce_event", 1);
  append_hex(hex, again.data(), again.size());
  CHECK(hex == "f2bbe7930162140b");
}

// Vectors after the W3C Trace Context test suite.
TEST_CASE("traceparent: what W3C Trace Context allows and refuses") {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string span = "00f067aa0ba902b7";
  const std::string good = "00-" + trace + "-" + span;
  struct Case {
    const char* name;
    std::string text;
    bool valid;
    std::uint8_t flags;
  };
  const Case cases[] = {
      {"sampled", good + "-01", true, 1},
      {"not sampled", good + "-00", true, 0},
      {"unknown flags", good + "-ff", true, 255},
      {"future version", "cc-" + trace + "-" + span + "-01", true, 1},
      {"future version with more", "cc-" + trace + "-" + span + "-01-what-the-future", true, 1},
      {"future version, more without a dash", "cc-" + trace + "-" + span + "-01.what", false, 0},
      {"version 00 with more", good + "-01-what", false, 0},
      {"version 00 with a dash more", good + "-01-", false, 0},
      {"version ff", "ff-" + trace + "-" + span + "-01", false, 0},
      {"version of one digit", "0-" + trace + "-" + span + "-01", false, 0},
      {"version of illegal characters", ".0-" + trace + "-" + span + "-01", false, 0},
      {"trace id all zero", "00-00000000000000000000000000000000-" + span + "-01", false, 0},
      {"trace id illegal character", "00-.bf92f3577b34da6a3ce929d0e0e4736-" + span + "-01", false,
       0},
      {"trace id upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01", false, 0},
      {"trace id too long", "00-" + trace + "0-" + span + "-01", false, 0},
      {"trace id too short", "00-4bf92f3577b34da6a3ce929d0e0e473-" + span + "-01", false, 0},
      {"span id all zero", "00-" + trace + "-0000000000000000-01", false, 0},
      {"span id illegal character", "00-" + trace + "-.0f067aa0ba902b7-01", false, 0},
      {"span id too long", "00-" + trace + "-" + span + "0-01", false, 0},
      {"span id too short", "00-" + trace + "-00f067aa0ba902b-01", false, 0},
      {"flags illegal", good + "-.0", false, 0},
      {"flags of one digit", good + "-1", false, 0},
      {"flags too long", good + "-001", false, 0},
      {"empty", "", false, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto context = parse_traceparent(c.text);
    CHECK(context.has_value() == c.valid);
    if (!context || !c.valid) continue;
    CHECK(context->flags == c.flags);
    std::string again;
    append_hex(again, context->trace.data(), context->trace.size());
    CHECK(again == trace);
    again.clear();
    append_hex(again, context->span.data(), context->span.size());
    CHECK(again == span);
  }
}

TEST_CASE("traceparent: written as it was read") {
  const std::string text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto context = parse_traceparent(text);
  REQUIRE(context);
  CHECK(format_traceparent(*context) == text);
}
