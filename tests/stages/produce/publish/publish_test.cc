// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/publish.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "stages/produce/publish/fakes.h"

namespace tocsin::produce {
namespace {

RawEvent flat(int record, std::string_view time = "2026-03-02 07:30:00") {
  RawEvent event;
  event.json = fmt::format(
      R"({{"Hostname":"ws{}","Channel":"Security","RecordNumber":{},"EventTime":"{}"}})",
      record % 3, record, time);
  event.origin = {"logs/x.jsonl", static_cast<std::uint64_t>(record), 0};
  return event;
}

OpenSource list(std::vector<Item> items) {
  return
      [items]() -> Result<std::unique_ptr<Source>> { return std::make_unique<ListSource>(items); };
}

PublishStats run(FakeBus& bus, FakeTracer& tracer, std::vector<Item> items,
                 PublishOptions options = {}) {
  const auto stats = publish(list(std::move(items)), bus, tracer, std::move(options));
  REQUIRE(stats.has_value());
  return *stats;
}

TEST_CASE("publish: an event travels unchanged, keyed by host, with its headers") {
  FakeBus bus;
  FakeTracer tracer;
  RawEvent event = flat(7);
  event.truth = {"phish-1", "execution", "T1059.001"};
  const PublishStats stats = run(bus, tracer, {event});
  REQUIRE(bus.sent.size() == 1);
  const FakeBus::Sent& sent = bus.sent[0];
  CHECK(sent.topic == "raw-events");
  CHECK(sent.record.value == event.json);
  CHECK(sent.record.key == "ws1");
  const auto id = Uuid::parse(sent.header("event_id"));
  REQUIRE(id.has_value());
  const auto context = trace::parse_traceparent(sent.header("traceparent"));
  REQUIRE(context.has_value());
  CHECK(context->trace == trace::trace_id_of(*id));
  CHECK(context->span == trace::span_id_of(context->trace, "send raw-events"));
  CHECK(sent.header("source") == "jsonl:logs/x.jsonl:7");
  CHECK(sent.header("content-type") == "application/json");
  CHECK(sent.header("tocsin.truth.tactic") == "execution");
  CHECK(sent.header("tocsin.truth.scenario") == "phish-1");
  CHECK(sent.header("tocsin.truth.technique") == "T1059.001");
  CHECK(sent.header("log.file.path") == "logs/x.jsonl");
  CHECK(sent.header("log.offset") == "7");
  CHECK(sent.header("winlog.record_id") == "(none)");
  CHECK(stats.read == 1);
  CHECK(stats.sent == 1);
  CHECK(stats.acknowledged == 1);
  CHECK(stats.bytes == event.json.size());
}

TEST_CASE("publish: two spans an event, parent and child, the same in every replay") {
  for (const bool ack_in_send : {true, false}) {
    CAPTURE(ack_in_send);
    FakeBus bus;
    bus.ack_in_send = ack_in_send;
    bus.name = "kafka://h:9092";
    FakeTracer tracer;
    run(bus, tracer, {flat(1)});
    REQUIRE(tracer.spans.size() == 2);
    const trace::Span& produce = tracer.spans[0];
    const trace::Span& send = tracer.spans[1];
    CHECK(produce.name == "produce_event");
    CHECK(produce.kind == trace::SpanKind::kInternal);
    CHECK(produce.parent == trace::kNoSpan);
    CHECK(send.name == "send raw-events");
    CHECK(send.kind == trace::SpanKind::kProducer);
    CHECK(send.parent == produce.id);
    CHECK(send.trace == produce.trace);
    CHECK(produce.start <= send.start);
    CHECK(send.start <= send.end);
    CHECK(produce.start <= produce.end);
    std::map<std::string, std::string> text;
    std::int64_t offset = -1;
    for (const trace::Attribute& attribute : send.attributes) {
      if (const auto* value = std::get_if<std::string>(&attribute.value))
        text[attribute.key] = *value;
      else if (attribute.key == "messaging.kafka.offset")
        offset = std::get<std::int64_t>(attribute.value);
    }
    CHECK(text["messaging.system"] == "kafka");
    CHECK(text["messaging.operation.type"] == "send");
    CHECK(text["messaging.destination.name"] == "raw-events");
    CHECK(text["messaging.destination.partition.id"] == "2");
    CHECK(text["messaging.kafka.message.key"] == "ws1");
    CHECK(text["messaging.message.id"] == bus.sent[0].header("event_id"));
    CHECK(offset == 0);

    FakeTracer again;
    FakeBus other;
    run(other, again, {flat(1)});
    CHECK(again.spans[0].id == produce.id);
    CHECK(again.spans[1].id == send.id);
  }
}

TEST_CASE("publish: an agent's own traceparent wins") {
  FakeBus bus;
  FakeTracer tracer;
  RawEvent event;
  event.json = R"({"a":1,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})";
  event.origin = {"x", 1, 0};
  run(bus, tracer, {event});
  CHECK(bus.sent[0].header("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
  CHECK(trace::format_traceparent({tracer.spans[0].trace, tracer.spans[0].parent, 1}) ==
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

TEST_CASE(
    "publish: an event that is not sampled has no spans, but what a later stage needs to make "
    "them") {
  FakeBus bus;
  FakeTracer tracer;
  tracer.choice = trace::Sampler(trace::parse_sampling("tail:1000000000000").value());
  run(bus, tracer, {flat(1)});
  CHECK(tracer.spans.empty());
  const auto context = trace::parse_traceparent(bus.sent[0].header("traceparent"));
  REQUIRE(context);
  CHECK_FALSE(context->sampled());
  const auto times = trace::parse_tracestate(bus.sent[0].header("tracestate"));
  REQUIRE(times);
  CHECK(times->started <= times->sent);
  CHECK(now_ns() - times->started < 60'000'000'000);

  // What fails is recorded all the same.
  bus.fail_value = flat(2).json;
  run(bus, tracer, {flat(2)});
  REQUIRE(tracer.spans.size() == 2);
  CHECK(tracer.spans[1].status == trace::SpanStatus::kError);

  FakeTracer all;
  FakeBus other;
  run(other, all, {flat(1)});
  CHECK(other.sent[0].header("tracestate") == "(none)");
  CHECK(trace::parse_traceparent(other.sent[0].header("traceparent"))->sampled());
}

TEST_CASE("publish: an agent's decision is heeded by ratio, and overruled by all") {
  RawEvent event;
  event.json = R"({"a":1,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"})";
  event.origin = {"x", 1, 0};
  FakeBus bus;
  FakeTracer tracer;
  tracer.choice = trace::Sampler(trace::parse_sampling("ratio:1").value());
  run(bus, tracer, {event});
  CHECK(tracer.spans.empty());
  CHECK(bus.sent[0].header("traceparent").ends_with("-00"));
  FakeTracer all;
  run(bus, all, {event});
  CHECK(all.spans.size() == 2);
  CHECK(bus.sent[1].header("traceparent").ends_with("-01"));
}

TEST_CASE("publish: problems go to dead-letter with their bytes, what is no log is only counted") {
  FakeBus bus;
  FakeTracer tracer;
  Problem bad{.origin = {"x.json", 3, 0},
              .byte_offset = 99,
              .code = "json.invalid",
              .message = "x.json:3: no",
              .bytes = "rub\0bish",
              .skipped_only = false};
  Problem unreadable{.origin = {"y", 0, 0},
                     .byte_offset = 0,
                     .code = "file.unreadable",
                     .message = "y: Permission denied",
                     .bytes = "",
                     .skipped_only = false};
  Problem skipped{.origin = {"z.png", 0, 0},
                  .byte_offset = 0,
                  .code = "file.not_a_log",
                  .message = "z",
                  .bytes = "",
                  .skipped_only = true};
  int told = 0;
  PublishOptions options;
  options.on_problem = [&](const Problem&) { ++told; };
  const PublishStats stats = run(bus, tracer, {bad, flat(1), unreadable, skipped}, options);
  const auto letters = bus.of("dead-letter");
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].record.value == bad.bytes);
  CHECK(letters[0].header("error.stage") == "produce");
  CHECK(letters[0].header("error.code") == "json.invalid");
  CHECK(letters[0].header("error.message") == "x.json:3: no");
  CHECK(letters[0].header("origin") == "x.json:3|99");
  CHECK(letters[0].header("truncated") == "(none)");
  // Its trace is one span, an error, which the record names.
  const auto error = std::find_if(tracer.spans.begin(), tracer.spans.end(), [](const auto& span) {
    return span.status_message == "x.json:3: no";
  });
  REQUIRE(error != tracer.spans.end());
  CHECK(error->name == "produce_event");
  CHECK(error->status == trace::SpanStatus::kError);
  CHECK(letters[0].header("traceparent") ==
        trace::format_traceparent({error->trace, error->id, 1}));
  CHECK(told == 3);
  CHECK(stats.problems == 2);
  CHECK(stats.unreadable == 1);
  CHECK(stats.skipped == 1);
  CHECK(stats.acknowledged == 1);
  CHECK(stats.failed == 0);
}

TEST_CASE("publish: an event larger than the bus takes is cut into the dead letter") {
  FakeBus bus;
  FakeTracer tracer;
  RawEvent event = flat(1);
  event.json = "{\"x\":\"" + std::string(2000, 'y') + "\"}";
  const PublishStats stats = run(bus, tracer, {event, flat(2)});
  CHECK(bus.of("raw-events").size() == 1);
  const auto letters = bus.of("dead-letter");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].record.value == event.json.substr(0, 1000));
  CHECK(letters[0].header("truncated") == "true");
  CHECK(letters[0].header("error.code") == "event.too_large");
  CHECK(stats.problems == 1);
}

TEST_CASE("publish: what the bus does not store is counted and its span is an error") {
  struct Case {
    std::string_view name;
    bool in_send;
  };
  for (const Case& c : {Case{"send", true}, Case{"delivery", false}}) {
    CAPTURE(c.name);
    FakeBus bus;
    FakeTracer tracer;
    (c.in_send ? bus.refuse_value : bus.fail_value) = flat(2).json;
    const PublishStats stats = run(bus, tracer, {flat(1), flat(2), flat(3)});
    CHECK(stats.read == 3);
    CHECK(stats.acknowledged == 2);
    CHECK(stats.failed == 1);
    REQUIRE(tracer.spans.size() == 6);
    int errors = 0;
    for (const trace::Span& span : tracer.spans)
      if (span.status == trace::SpanStatus::kError) ++errors;
    CHECK(errors == 1);
  }
}

TEST_CASE("publish: records without an answer count as failed") {
  FakeBus bus;
  bus.forget = true;
  FakeTracer tracer;
  const PublishStats stats = run(bus, tracer, {flat(1), flat(2)});
  CHECK(stats.acknowledged == 0);
  CHECK(stats.failed == 2);
}

TEST_CASE("publish: count, loop and stop") {
  FakeTracer tracer;
  tracer.on = false;
  const std::vector<Item> three = {flat(1), flat(2), flat(3)};
  {
    FakeBus bus;
    PublishOptions options;
    options.count = 2;
    CHECK(run(bus, tracer, three, options).sent == 2);
  }
  {
    FakeBus bus;
    PublishOptions options;
    options.count = 7;
    options.loop = true;
    CHECK(run(bus, tracer, three, options).sent == 7);
    std::set<std::string> ids;
    for (const auto& sent : bus.sent) ids.insert(sent.header("event_id"));
    CHECK(ids.size() == 3);
  }
  {
    FakeBus bus;
    PublishOptions options;
    options.loop = true;
    CHECK(run(bus, tracer, {}, options).sent == 0);
  }
  {
    FakeBus bus;
    bus.ack_in_send = false;
    PublishOptions options;
    options.loop = true;
    options.stop = [&] { return bus.sent.size() >= 5; };
    const PublishStats stats = run(bus, tracer, three, options);
    CHECK(stats.stopped);
    CHECK(stats.acknowledged == 5);
  }
  CHECK(tracer.spans.empty());
}

TEST_CASE("publish: a source that cannot be opened is an error") {
  FakeBus bus;
  FakeTracer tracer;
  const auto stats =
      publish([]() -> Result<std::unique_ptr<Source>> { return fail(ErrorCode::kInvalid, "no"); },
              bus, tracer, {});
  CHECK_FALSE(stats.has_value());
}

TEST_CASE("publish: the rate is kept") {
  FakeBus bus;
  FakeTracer tracer;
  std::vector<Item> items;
  for (int i = 0; i < 60; ++i) items.push_back(flat(i));
  PublishOptions options;
  options.pace.rate = 200;
  const PublishStats stats = run(bus, tracer, items, options);
  CHECK(stats.seconds > 0.25);
  CHECK(stats.seconds < 3);
}

TEST_CASE("pacer: event times, faster or slower, never backwards") {
  using namespace std::chrono_literals;
  Pacer pacer({.rate = 0, .speed = 60});
  const auto now = Pacer::Clock::time_point(1000s);
  const auto at = [](int seconds) { return UnixNanos{seconds} * 1'000'000'000; };
  CHECK(pacer.due(at(10'000), now) == now);
  CHECK(pacer.due(at(10'060), now) == now + 1s);
  CHECK(pacer.due(at(10'030), now) == now + 1s);  // out of order: at once after the last
  CHECK(pacer.due(std::nullopt, now) == now);
  CHECK(pacer.due(at(10'120), now) == now + 2s);
  CHECK(pacer.due(at(1'000), now + 5s) == now + 5s);  // a new series
  CHECK(pacer.due(at(1'060), now + 5s) == now + 6s);
}

TEST_CASE("pacer: rates are even, and a pause is not made up for") {
  using namespace std::chrono_literals;
  Pacer pacer({.rate = 10, .speed = 0});
  const auto now = Pacer::Clock::time_point(1000s);
  CHECK(pacer.due({}, now) == now);
  CHECK(pacer.due({}, now) == now + 100ms);
  CHECK(pacer.due({}, now + 100ms) == now + 200ms);
  CHECK(pacer.due({}, now + 10s) == now + 10s);
  CHECK(pacer.due({}, now + 10s) == now + 10s + 100ms);
}

}  // namespace
}  // namespace tocsin::produce
