// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect_spans.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/event/event_id.h"

namespace tocsin::pipeline {
namespace {

constexpr std::size_t kLinksMax = 128;  // what collectors keep by default
constexpr std::size_t kSlowMax = 10;    // of a batch

using trace::SpanKind;

std::vector<trace::Attribute> messaging(const SpanNames& names, const char* name,
                                        const char* type) {
  return {{"messaging.system", names.system},
          {"messaging.operation.name", std::string(name)},
          {"messaging.operation.type", std::string(type)},
          {"messaging.destination.name", names.topic},
          {"messaging.consumer.group.name", names.group}};
}

UnixNanos sent_at(const bus::Message& message) { return message.timestamp_ms * 1'000'000; }

}  // namespace

trace::Context context_of_unread(const EventSource& source) {
  if (const auto context = trace::parse_traceparent(source.traceparent)) return *context;
  const Uuid id = event_id_from(source.event_id, {}).value_or(source.fallback_id());
  return {trace::trace_id_of(id), trace::kNoSpan, 1};
}

// What the spans of one event share.
struct DetectSpans::Moment {
  std::string_view event_id;
  std::optional<trace::ProducerTimes> producer;  // when it left its spans to us
  UnixNanos received = 0;
  UnixNanos done = 0;
  UnixNanos shift = 0;  // added to the clock of this host
  trace::SpanId process{}, classify{};
};

DetectSpans::DetectSpans(trace::Tracer& tracer, SpanNames names)
    : tracer_(tracer),
      names_(std::move(names)),
      producer_spans_(names_.system, names_.topic),
      process_stage_("process " + names_.topic),
      classify_stage_("classify_event"),
      process_("process " + names_.topic, SpanKind::kConsumer,
               messaging(names_, "process", "process")),
      classify_("classify_event", SpanKind::kInternal) {}

const DetectSpans::SinkStep& DetectSpans::step_of(std::string_view sink) {
  const auto found = sinks_.find(sink);
  if (found != sinks_.end()) return found->second;
  const std::string name = fmt::format("write_{}", sink);
  return sinks_
      .emplace(std::string(sink), SinkStep{trace::Stage(name), {name, SpanKind::kInternal}})
      .first->second;
}

bool DetectSpans::slow(const BatchRecord& record, const EventOutcome& outcome) {
  const UnixNanos limit = tracer_.sampler().sampling().slow_ns;
  const bool is_slow = outcome.classify_end - outcome.classify_start >= limit / 10 ||
                       record.done - sent_at(*outcome.message) >= limit;
  return is_slow && ++slow_ <= kSlowMax;
}

bool DetectSpans::keeps(const BatchRecord& record, const EventOutcome& outcome) {
  const trace::Sampler& sampler = tracer_.sampler();
  const bool came_with_context = outcome.parent.span != trace::kNoSpan;
  if (sampler.keeps(outcome.parent.trace, came_with_context ? &outcome.parent : nullptr))
    return true;
  if (!sampler.decides_late()) return false;
  return outcome.alerts > 0 || outcome.verdict == EventOutcome::kNone || outcome.repaired ||
         slow(record, outcome);
}

trace::Context DetectSpans::context_of_alert(trace::Context parent) const {
  if (tracer_.enabled() && tracer_.sampler().decides_late()) parent.flags |= 1;
  return parent;
}

void DetectSpans::record(const BatchRecord& record) {
  if (!tracer_.enabled()) return;
  links_.clear();
  slow_ = 0;
  std::size_t unmade = 0;
  for (const EventOutcome& outcome : record.outcomes) {
    if (!keeps(record, outcome)) continue;
    if (!tracer_.has_room()) {
      const bool producers = !outcome.message->header("tracestate").empty();
      unmade += (outcome.verdict == EventOutcome::kNone ? 2 : 2 + record.sinks.size()) +
                (producers ? 2 : 0);
      continue;
    }
    write_event(record, outcome);
    if (own_.full()) tracer_.record(own_.take());
    if (producers_.full()) tracer_.record(producers_.take());
  }
  const bool any = !links_.empty() || own_.spans() > 0;
  tracer_.record(own_.take());
  tracer_.record(producers_.take());
  if (unmade > 0) tracer_.count_dropped(unmade);
  if (any) tracer_.record({poll_span(record)});
}

void DetectSpans::write_event(const BatchRecord& record, const EventOutcome& outcome) {
  const bus::Message& message = *outcome.message;
  Moment moment;
  std::string formatted;
  moment.event_id = message.header("event_id");
  if (moment.event_id.empty()) {
    // A foreign producer's event: the id that its verdict has.
    formatted = outcome.verdict != EventOutcome::kNone
                    ? record.verdicts[outcome.verdict].event_id.to_string()
                    : Uuid{outcome.parent.trace}.to_string();
    moment.event_id = formatted;
  }
  const bool has_producer = outcome.parent.span != trace::kNoSpan;
  if (has_producer) moment.producer = trace::parse_tracestate(message.header("tracestate"));
  const UnixNanos sent = moment.producer ? moment.producer->sent : sent_at(message);
  if (has_producer && message.timestamp_ms > 0)
    moment.shift = std::max<UnixNanos>(0, sent - record.received);
  moment.received = record.received + moment.shift;
  moment.done = record.done + moment.shift;
  moment.process = process_stage_.id_in(outcome.parent.trace);
  moment.classify = classify_stage_.id_in(outcome.parent.trace);

  if (moment.producer) write_producer(outcome, moment);
  write_process(outcome, moment);
  write_classify(record, outcome, moment);
  if (outcome.verdict != EventOutcome::kNone) write_sinks(record, outcome, moment);
  if (has_producer && links_.size() < kLinksMax)
    links_.push_back({outcome.parent.trace, outcome.parent.span});
}

void DetectSpans::write_producer(const EventOutcome& outcome, const Moment& moment) {
  const bus::Message& message = *outcome.message;
  // When the bus acknowledged it is not known here; its end is when the record was stamped.
  const UnixNanos sent = moment.producer->sent;
  producer_spans_.write(producers_,
                        {.trace = outcome.parent.trace,
                         .parent = trace::kNoSpan,
                         .event_id = moment.event_id,
                         .key = message.key,
                         .origin = message.header("source"),
                         .started = moment.producer->started,
                         .read = sent,
                         .sent = sent,
                         .acknowledged = std::clamp(sent_at(message), sent, moment.received),
                         .bytes = message.value.size(),
                         .partition = message.partition,
                         .offset = message.offset,
                         .reconstructed = true});
}

void DetectSpans::write_process(const EventOutcome& outcome, const Moment& moment) {
  const bus::Message& message = *outcome.message;
  // No link to the parent beside it: Jaeger would show FOLLOWS_FROM in place of CHILD_OF. The
  // batch's own span links to each message.
  own_.begin(process_, {outcome.parent.trace, moment.process, outcome.parent.span}, moment.received,
             moment.done);
  const fmt::format_int partition(message.partition);
  own_.text("messaging.destination.partition.id", {partition.data(), partition.size()});
  own_.integer("messaging.kafka.offset", message.offset);
  own_.text("messaging.message.id", moment.event_id);
  own_.integer("messaging.message.body.size", static_cast<std::int64_t>(message.value.size()));
  if (!message.key.empty()) own_.text("messaging.kafka.message.key", message.key);
  own_.integer("tocsin.topic_wait_ms",
               std::max<std::int64_t>(0, moment.received / 1'000'000 - message.timestamp_ms));
  if (moment.shift > 0) own_.integer("tocsin.clock.adjusted_us", moment.shift / 1'000);
  if (outcome.verdict == EventOutcome::kNone) {
    own_.begin_event("dead_letter", moment.done);
    own_.text("messaging.destination.name", names_.dead_letter_topic);
    own_.end_event();
    own_.fail(outcome.error_code, outcome.error_message);
  }
  own_.end();
}

void DetectSpans::write_classify(const BatchRecord& record, const EventOutcome& outcome,
                                 const Moment& moment) {
  const UnixNanos end = outcome.classify_end + moment.shift;
  own_.begin(classify_, {outcome.parent.trace, moment.classify, moment.process},
             outcome.classify_start + moment.shift, end);
  own_.text("event.id", moment.event_id);
  if (outcome.verdict == EventOutcome::kNone) {
    own_.begin_event("exception", end);
    own_.text("exception.type", outcome.error_code);
    own_.text("exception.message", outcome.error_message);
    own_.end_event();
    own_.fail(outcome.error_code, outcome.error_message);
    return own_.end();
  }
  const Verdict& verdict = record.verdicts[outcome.verdict];
  if (!verdict.host.empty()) own_.text("host.name", verdict.host);
  if (!verdict.event_code.empty()) own_.text("event.code", verdict.event_code);
  if (outcome.repaired) own_.boolean("tocsin.event.repaired", true);
  if (verdict.detected()) {
    own_.text("rule.id", verdict.rules.front());
    own_.text("rule.level", to_string(verdict.level));
    own_.text("threat.tactic.name", verdict.event_class);
    if (!verdict.techniques.empty()) own_.text("threat.technique.id", verdict.techniques.front());
    own_.integer("tocsin.rules", static_cast<std::int64_t>(verdict.rules.size()));
  }
  for (const Alert& alert : record.alerts.subspan(outcome.first_alert, outcome.alerts))
    write_alert(alert, end);
  own_.end();
}

void DetectSpans::write_alert(const Alert& alert, UnixNanos time) {
  own_.begin_event("alert", time);
  own_.text("rule.id", alert.rule_id);
  own_.text("rule.name", alert.rule_name);
  own_.text("rule.level", to_string(alert.level));
  if (!alert.tactics.empty()) own_.text("threat.tactic.name", alert.tactics.front());
  if (!alert.techniques.empty()) own_.text("threat.technique.id", alert.techniques.front());
  own_.end_event();
}

void DetectSpans::write_sinks(const BatchRecord& record, const EventOutcome& outcome,
                              const Moment& moment) {
  for (const SinkTime& sink : record.sinks) {
    const SinkStep& step = step_of(sink.sink);
    own_.begin(step.common,
               {outcome.parent.trace, step.stage.id_in(outcome.parent.trace), moment.classify},
               sink.start + moment.shift, sink.end + moment.shift);
    own_.integer("tocsin.batch.events", static_cast<std::int64_t>(record.verdicts.size()));
    own_.end();
  }
}

// A trace of its own, linked to those events of the batch that have one (at most 128).
trace::Span DetectSpans::poll_span(const BatchRecord& record) const {
  const bus::Message& first = record.batch.messages().front();
  trace::Span span;
  span.trace = sha256_128(fmt::format("tocsin:poll\n{}\n{}\n{}\n{}", first.topic, first.partition,
                                      first.offset, record.poll_start));
  span.name = fmt::format("poll {}", names_.topic);
  span.id = trace::span_id_of(span.trace, span.name);
  span.kind = SpanKind::kClient;
  span.start = record.poll_start;
  span.end = record.received;
  span.attributes = messaging(names_, "poll", "receive");
  span.attributes.push_back(
      {"messaging.batch.message_count", static_cast<std::int64_t>(record.batch.messages().size())});
  span.links = links_;
  return span;
}

}  // namespace tocsin::pipeline
