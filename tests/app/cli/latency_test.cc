// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/latency.h"

#include <doctest/doctest.h>
#include <simdjson.h>

using namespace tocsin;
using namespace tocsin::cli;

namespace {

constexpr UnixNanos kMs = 1'000'000;
constexpr UnixNanos kStart = 1'700'000'000'000 * kMs;

// One event: read, sent, acknowledged after 2 ms, received after `wait` more, durable 10 ms later.
void add_event(LatencyCollector& collector, std::uint8_t number, std::int64_t wait_ms,
               std::int64_t write_ms = 1) {
  trace::TraceId trace{};
  trace[0] = number;
  const auto add = [&](const char* name, UnixNanos from, UnixNanos to) {
    collector.add({trace, "svc", name, kStart + from * kMs, kStart + to * kMs});
  };
  const std::int64_t received = 3 + wait_ms;
  add("write_csv", received + 2, received + 2 + write_ms);
  add("process raw-events", received, received + 10);
  add("send raw-events", 1, 3);
  add("classify_event", received + 1, received + 2);
  add("produce_event", 0, 1);
}

const LatencyRow& row(const Latency& latency, std::string_view step) {
  for (const LatencyRow& one : latency.rows)
    if (one.step == step) return one;
  FAIL("no row " << step);
  return latency.rows.front();
}

}  // namespace

TEST_CASE("latency: exact percentiles of each step and of the waits") {
  LatencyCollector collector;
  for (std::uint8_t i = 1; i <= 100; ++i) add_event(collector, i, i);
  const Latency latency = collector.result();
  CHECK(latency.traces == 100);
  const LatencyRow& wait = row(latency, "(waiting in topic)");
  CHECK(wait.count == 100);
  CHECK(wait.p50 == 50 * kMs);
  CHECK(wait.p95 == 95 * kMs);
  CHECK(wait.p99 == 99 * kMs);
  CHECK(wait.max == 100 * kMs);
  CHECK(row(latency, "send raw-events").p50 == 2 * kMs);
  CHECK(row(latency, "(waiting in batch)").p99 == 8 * kMs);
  CHECK(row(latency, "(from reading to durable)").p50 == 63 * kMs);
  CHECK(latency.bottleneck == "(waiting in topic)");
  CHECK(latency.advice.find("--workers") != std::string::npos);
  // In the order of an event's life.
  CHECK(latency.rows.front().step == "produce_event");
  CHECK(latency.rows.back().step == "(from reading to durable)");
  double shares = 0;
  for (const LatencyRow& one : latency.rows) shares += std::max(0.0, one.share);
  CHECK(shares == doctest::Approx(1.0));
}

TEST_CASE("latency: a slow sink is named") {
  LatencyCollector collector;
  for (std::uint8_t i = 1; i <= 9; ++i) add_event(collector, i, 0, 8);
  const Latency latency = collector.result();
  CHECK(latency.bottleneck == "write_csv");
  CHECK(row(latency, "(waiting in topic)").max == 0);
}

TEST_CASE("latency: a record seen before its acknowledgement did not wait") {
  LatencyCollector collector;
  add_event(collector, 1, -1);
  CHECK(row(collector.result(), "(waiting in topic)").p50 == 0);
}

TEST_CASE("latency: half a trace has times but names no bottleneck") {
  LatencyCollector collector;
  trace::TraceId trace{};
  collector.add({trace, "tocsin-detect", "process raw-events", kStart, kStart + kMs});
  const Latency latency = collector.result();
  CHECK(latency.traces == 0);
  CHECK(latency.bottleneck.empty());
  CHECK(row(latency, "process raw-events").p50 == kMs);
  const std::string text =
      render_latency(latency, {.colour = false, .unicode = false, .width = 100});
  CHECK(text.find("no bottleneck") != std::string::npos);
  CHECK(render_latency(LatencyCollector().result(), {}) == "no spans\n");
}

TEST_CASE("latency: as JSON") {
  LatencyCollector collector;
  add_event(collector, 1, 40);
  simdjson::dom::parser parser;
  const std::string text = latency_json(collector.result());
  simdjson::dom::element root;
  simdjson::dom::array steps;
  REQUIRE(parser.parse(text).get(root) == simdjson::SUCCESS);
  REQUIRE(root["steps"].get(steps) == simdjson::SUCCESS);
  CHECK(std::string_view(root["bottleneck"]) == "(waiting in topic)");
  CHECK(std::int64_t(root["traces"]) == 1);
  bool seen = false;
  for (const auto step : steps)
    if (std::string_view(step["step"]) == "(waiting in topic)") {
      seen = true;
      CHECK(std::int64_t(step["p95_ns"]) == 40 * kMs);
      CHECK(double(step["share"]) > 0.7);
    }
  CHECK(seen);
}
