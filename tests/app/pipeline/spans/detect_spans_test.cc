// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect_spans.h"

#include <doctest/doctest.h>

#include <map>

#include "app/pipeline/detect_records.h"
#include "core/event/event_id.h"
#include "core/trace/otlp.h"

using namespace tocsin;
using namespace tocsin::pipeline;
using trace::Span;

namespace {

constexpr UnixNanos kMs = 1'000'000;
constexpr UnixNanos kSent = 1'700'000'000'000 * kMs;

struct Recorder final : trace::Tracer {
  explicit Recorder(const char* sampling) : choice(trace::parse_sampling(sampling).value()) {}
  trace::Sampler choice;
  std::map<std::string, std::vector<Span>> own, producers;  // by name

  using trace::Tracer::record;
  void record(trace::SpanChunk chunk) override {
    trace::for_each_span(chunk, [&](std::string_view bytes) {
      Span span = trace::parse_span(bytes).value();
      (chunk.resource == kProducerResource ? producers : own)[span.name].push_back(span);
    });
  }
  bool enabled() const override { return !choice.off(); }
  const trace::Sampler& sampler() const override { return choice; }
  bool flush(std::chrono::milliseconds) override { return true; }
  trace::TracerStats stats() const override { return {}; }
};

std::string value_of(const Span& span, const char* key) {
  for (const trace::Attribute& attribute : span.attributes) {
    if (attribute.key != key) continue;
    if (const auto* text = std::get_if<std::string>(&attribute.value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&attribute.value))
      return std::to_string(*number);
    return std::get<bool>(attribute.value) ? "true" : "false";
  }
  return "(none)";
}

// A batch of one event, and what became of it.
struct Event {
  Uuid id = Uuid::hashed("an event");
  std::uint8_t flags = 1;
  bool with_context = true;
  bool with_times = false;
  UnixNanos received = kSent + 20 * kMs;

  Verdict verdict;
  std::vector<Alert> alerts;
  EventOutcome outcome;

  void record_to(Recorder& tracer) {
    const std::string event_id = id.to_string();
    const trace::TraceId trace = trace::trace_id_of(id);
    const std::string traceparent =
        trace::format_traceparent({trace, produce::send_span_id(trace), flags});
    const std::string tracestate = trace::format_tracestate({kSent - 5 * kMs, kSent + 1'000});
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    if (with_context) {
      headers.emplace_back("event_id", event_id);
      headers.emplace_back("traceparent", traceparent);
    }
    if (with_times) headers.emplace_back("tracestate", tracestate);
    bus::Message message{.topic = "raw-events",
                         .partition = 3,
                         .offset = 77,
                         .timestamp_ms = kSent / kMs,
                         .key = "WS01",
                         .value = "{}",
                         .headers = headers};
    const bus::Batch batch({message}, nullptr);
    verdict.event_id = id;
    verdict.host = "WS01";
    outcome.message = &message;
    outcome.parent = {trace, with_context ? produce::send_span_id(trace) : trace::kNoSpan, flags};
    outcome.classify_start = received + 1 * kMs;
    outcome.classify_end = received + 2 * kMs;
    outcome.alerts = alerts.size();
    const std::vector<Verdict> verdicts{verdict};
    const std::vector<SinkTime> sinks{{"csv", received + 3 * kMs, received + 4 * kMs},
                                      {"sqlite", received + 4 * kMs, received + 9 * kMs}};
    DetectSpans spans(tracer, {"raw-events", "dead-letter", "group", "kafka"});
    spans.record({batch,
                  {&outcome, 1},
                  verdicts,
                  alerts,
                  sinks,
                  received - kMs,
                  received,
                  received + 10 * kMs});
  }
};

Event plain() {
  Event event;
  event.outcome.verdict = 0;
  return event;
}

}  // namespace

TEST_CASE("detect spans: each is the child of the one that caused it, with its own times") {
  Recorder tracer("all");
  Event event = plain();
  event.record_to(tracer);
  REQUIRE(tracer.own.size() == 5);
  const Span& process = tracer.own.at("process raw-events").at(0);
  const Span& classify = tracer.own.at("classify_event").at(0);
  const Span& csv = tracer.own.at("write_csv").at(0);
  const Span& sqlite = tracer.own.at("write_sqlite").at(0);
  CHECK(process.parent == produce::send_span_id(process.trace));
  CHECK(classify.parent == process.id);
  CHECK(csv.parent == classify.id);
  CHECK(sqlite.parent == classify.id);
  CHECK(process.kind == trace::SpanKind::kConsumer);
  CHECK(process.start == kSent + 20 * kMs);
  CHECK(process.end == kSent + 30 * kMs);
  CHECK(csv.start == kSent + 23 * kMs);
  CHECK(csv.end == kSent + 24 * kMs);
  CHECK(sqlite.start == csv.end);
  CHECK(sqlite.end == kSent + 29 * kMs);
  CHECK(value_of(process, "messaging.system") == "kafka");
  CHECK(value_of(process, "messaging.operation.name") == "process");
  CHECK(value_of(process, "messaging.operation.type") == "process");
  CHECK(value_of(process, "messaging.destination.name") == "raw-events");
  CHECK(value_of(process, "messaging.destination.partition.id") == "3");
  CHECK(value_of(process, "messaging.kafka.offset") == "77");
  CHECK(value_of(process, "messaging.consumer.group.name") == "group");
  CHECK(value_of(process, "messaging.message.body.size") == "2");
  CHECK(value_of(process, "messaging.message.id") == event.id.to_string());
  CHECK(value_of(process, "tocsin.topic_wait_ms") == "20");
  CHECK(value_of(process, "tocsin.clock.adjusted_us") == "(none)");
  CHECK(value_of(classify, "event.id") == event.id.to_string());
  CHECK(value_of(classify, "host.name") == "WS01");
  CHECK(value_of(classify, "rule.id") == "(none)");
  CHECK(tracer.producers.empty());
}

TEST_CASE("detect spans: a poll is a trace of its own, linked to its events") {
  Recorder tracer("all");
  plain().record_to(tracer);
  const Span& poll = tracer.own.at("poll raw-events").at(0);
  const Span& process = tracer.own.at("process raw-events").at(0);
  CHECK(poll.trace != process.trace);
  CHECK(poll.kind == trace::SpanKind::kClient);
  CHECK(value_of(poll, "messaging.batch.message_count") == "1");
  REQUIRE(poll.links.size() == 1);
  CHECK(poll.links[0].trace == process.trace);
  CHECK(poll.links[0].span == process.parent);
}

TEST_CASE("detect spans: alerts are span events, the most severe rule is the span's") {
  Recorder tracer("all");
  Event event = plain();
  event.verdict.rules = {"rule-a", "rule-b"};
  event.verdict.event_class = "Credential Access";
  event.verdict.techniques = {"T1003.001"};
  event.alerts.resize(2);
  event.alerts[0].rule_id = "rule-a";
  event.alerts[1].rule_id = "rule-b";
  event.record_to(tracer);
  const Span& classify = tracer.own.at("classify_event").at(0);
  CHECK(value_of(classify, "rule.id") == "rule-a");
  CHECK(value_of(classify, "threat.tactic.name") == "Credential Access");
  CHECK(value_of(classify, "threat.technique.id") == "T1003.001");
  REQUIRE(classify.events.size() == 2);
  CHECK(classify.events[1].name == "alert");
  CHECK(std::get<std::string>(classify.events[1].attributes.at(0).value) == "rule-b");
  CHECK(classify.status == trace::SpanStatus::kUnset);
}

TEST_CASE("detect spans: a dead letter is an error, and is written by no sink") {
  Recorder tracer("tail:1000000");
  Event event;
  event.flags = 0;
  event.outcome.error_code = "event.invalid";
  event.outcome.error_message = "not JSON";
  event.record_to(tracer);
  CHECK(tracer.own.count("write_csv") == 0);
  for (const char* name : {"process raw-events", "classify_event"}) {
    const Span& span = tracer.own.at(name).at(0);
    CHECK(span.status == trace::SpanStatus::kError);
    CHECK(span.status_message == "not JSON");
    CHECK(value_of(span, "error.type") == "event.invalid");
  }
  CHECK(tracer.own.at("process raw-events").at(0).events.at(0).name == "dead_letter");
  CHECK(tracer.own.at("classify_event").at(0).events.at(0).name == "exception");
}

TEST_CASE("detect spans: what tail sampling keeps") {
  struct Case {
    const char* name;
    std::uint8_t flags;
    bool alert, repaired, slow, kept;
  };
  const Case cases[] = {
      {"the producer chose it", 1, false, false, false, true},
      {"nothing of note", 0, false, false, false, false},
      {"an alert", 0, true, false, false, true},
      {"mended bytes", 0, false, true, false, true},
      {"slow", 0, false, false, true, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Recorder tracer("tail:1000000");
    Event event = plain();
    event.flags = c.flags;
    event.with_times = c.flags == 0;
    event.outcome.repaired = c.repaired;
    if (c.alert) event.alerts.resize(1);
    if (c.slow) event.received = kSent + 3'000 * kMs;
    event.record_to(tracer);
    CHECK(tracer.own.empty() != c.kept);
    CHECK(tracer.producers.size() == (c.kept && c.flags == 0 ? 2 : 0));
  }
}

TEST_CASE("detect spans: ratio heeds the flag that came, and decides where none came") {
  Event event = plain();
  event.flags = 0;
  Recorder all_of_none("ratio:1");
  event.record_to(all_of_none);
  CHECK(all_of_none.own.empty());
  event.with_context = false;
  Recorder roots("ratio:1");
  event.record_to(roots);
  CHECK(roots.own.at("process raw-events").at(0).parent == trace::kNoSpan);
  Recorder no_roots("ratio:0");
  event.record_to(no_roots);
  CHECK(no_roots.own.empty());
}

TEST_CASE("detect spans: the producer's spans, where it left them to us, have its ids and times") {
  Recorder tracer("tail:1000000");
  Event event = plain();
  event.flags = 0;
  event.with_times = true;
  event.alerts.resize(1);
  event.record_to(tracer);
  const Span& produce = tracer.producers.at("produce_event").at(0);
  const Span& send = tracer.producers.at("send raw-events").at(0);
  const Span& process = tracer.own.at("process raw-events").at(0);
  CHECK(produce.id == trace::span_id_of(process.trace, "produce_event"));
  CHECK(produce.parent == trace::kNoSpan);
  CHECK(send.parent == produce.id);
  CHECK(process.parent == send.id);
  CHECK(send.kind == trace::SpanKind::kProducer);
  CHECK(produce.start == kSent - 5 * kMs);
  CHECK(send.start == kSent + 1'000);
  CHECK(send.end >= send.start);
  CHECK(send.end <= process.start);
  CHECK(value_of(send, "tocsin.reconstructed") == "true");
  CHECK(value_of(send, "messaging.kafka.offset") == "77");
}

TEST_CASE("detect spans: a clock that is behind the producer's is moved, and this is told") {
  for (const bool with_times : {false, true}) {
    CAPTURE(with_times);
    Recorder tracer("all");
    Event event = plain();
    event.with_times = with_times;
    event.received = kSent - 250 * kMs;
    event.record_to(tracer);
    const UnixNanos sent = with_times ? kSent + 1'000 : kSent;
    const Span& process = tracer.own.at("process raw-events").at(0);
    CHECK(process.start == sent);
    CHECK(process.end == sent + 10 * kMs);
    CHECK(tracer.own.at("classify_event").at(0).start == sent + 1 * kMs);
    CHECK(tracer.own.at("write_csv").at(0).end == sent + 4 * kMs);
    CHECK(value_of(process, "tocsin.clock.adjusted_us") == (with_times ? "250001" : "250000"));
    CHECK(value_of(process, "tocsin.topic_wait_ms") == "0");
  }
  // Without a producer's span there is no gap to mind, and the time stamp may be anybody's.
  Recorder tracer("all");
  Event event = plain();
  event.with_context = false;
  event.received = kSent - 250 * kMs;
  event.record_to(tracer);
  CHECK(tracer.own.at("process raw-events").at(0).start == kSent - 250 * kMs);
}

TEST_CASE("detect spans: in a backlog every event is slow; ten of a batch are told") {
  Recorder tracer("tail:1000000");
  std::vector<bus::Message> messages(50);
  std::vector<EventOutcome> outcomes(50);
  std::vector<Verdict> verdicts(50);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    messages[i] = {.topic = "raw-events",
                   .partition = 0,
                   .offset = static_cast<std::int64_t>(i),
                   .timestamp_ms = kSent / kMs,
                   .key = {},
                   .value = "{}",
                   .headers = {}};
    verdicts[i].event_id = Uuid::hashed(std::to_string(i));
    outcomes[i].parent = {trace::trace_id_of(verdicts[i].event_id), trace::kNoSpan, 1};
    outcomes[i].verdict = i;
  }
  const bus::Batch batch(messages, nullptr);
  for (std::size_t i = 0; i < messages.size(); ++i) outcomes[i].message = &batch.messages()[i];
  DetectSpans spans(tracer, {"raw-events", "dead-letter", "group", "kafka"});
  const UnixNanos late = kSent + 60'000 * kMs;
  spans.record({batch, outcomes, verdicts, {}, {}, late, late, late});
  CHECK(tracer.own.at("process raw-events").size() == 10);
}

TEST_CASE("detect spans: an alert's record says that its event is traced") {
  const trace::TraceId trace = trace::trace_id_of(Uuid::hashed("x"));
  const trace::Context unsampled{trace, trace::kNoSpan, 0};
  const auto flags = [&](const char* sampling) {
    Recorder tracer(sampling);
    return DetectSpans(tracer, {"t", "d", "g", "kafka"}).context_of_alert(unsampled).flags;
  };
  CHECK(flags("tail:5") == 1);
  CHECK(flags("ratio:0.5") == 0);
}

TEST_CASE(
    "headers of an event: each in its place, the last of a name counts, others are left out") {
  const std::vector<std::pair<std::string_view, std::string_view>> list = {
      {"event_id", "old"},
      {"traceparent", "00-x"},
      {"log.file.path", "a.jsonl"},
      {"log.offset", "12"},
      {"winlog.record_id", "345"},
      {"tocsin.truth.tactic", "impact"},
      {"tocsin.truth.scenario", "s"},
      {"tocsin.truth.technique", "T1"},
      {"event-id", "other"},
      {"event_id", "new"}};
  bus::Message message;
  message.topic = "raw";
  message.partition = 3;
  message.offset = 9;
  message.headers = list;
  const EventHeaders headers = read_headers(message);
  CHECK(headers.source.event_id == "new");
  CHECK(headers.source.traceparent == "00-x");
  CHECK(headers.source.file_path == "a.jsonl");
  CHECK(headers.source.line == 12);
  CHECK(headers.source.record_id == 345);
  CHECK(headers.truth == "impact");
  CHECK(headers.truth_scenario == "s");
  CHECK(headers.truth_technique == "T1");
  CHECK(headers.source.fallback_id() == event_id_from_position("raw", 3, 9));
  CHECK(read_headers(bus::Message{}).source.event_id.empty());
  CHECK(EventSource{}.fallback_id().is_nil());
}
