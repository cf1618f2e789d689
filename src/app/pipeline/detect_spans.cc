// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect_spans.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::pipeline {
namespace {

constexpr std::size_t kLinksMax = 128;  // what collectors keep by default

using trace::Span;
using trace::SpanKind;

Span child(const trace::Context& trace, const trace::SpanId& parent, std::string name,
           SpanKind kind, UnixNanos start, UnixNanos end) {
  Span span;
  span.trace = trace.trace;
  span.id = trace::span_id_of(trace.trace, name);
  span.parent = parent;
  span.name = std::move(name);
  span.kind = kind;
  span.start = start;
  span.end = std::max(start, end);
  return span;
}

}  // namespace

void append_event_spans(std::vector<Span>& spans, const bus::Message& message,
                        const trace::Context& parent, const EventTimes& times,
                        const std::vector<SinkTime>& sinks, const std::vector<Alert>& alerts,
                        std::string_view group, std::string_view messaging_system) {
  // No link to the parent beside it: Jaeger would show FOLLOWS_FROM in place of CHILD_OF. The
  // batch's own span links to each message.
  Span process = child(parent, parent.span, fmt::format("process {}", message.topic),
                       SpanKind::kConsumer, times.received, times.done);
  process.attributes = {
      {"messaging.system", std::string(messaging_system)},
      {"messaging.operation.name", std::string("process")},
      {"messaging.operation.type", std::string("process")},
      {"messaging.destination.name", std::string(message.topic)},
      {"messaging.destination.partition.id", std::to_string(message.partition)},
      {"messaging.kafka.offset", message.offset},
      {"messaging.consumer.group.name", std::string(group)},
      {"tocsin.topic_wait_ms",
       std::max<std::int64_t>(0, times.received / 1'000'000 - message.timestamp_ms)},
  };
  if (!message.key.empty())
    process.attributes.push_back({"messaging.kafka.message.key", std::string(message.key)});
  Span classify = child(parent, process.id, "classify_event", SpanKind::kInternal,
                        times.classify_start, times.classify_end);
  for (const Alert& alert : alerts)
    classify.events.push_back({times.classify_end,
                               "alert",
                               {{"rule.id", alert.rule_id},
                                {"rule.name", alert.rule_name},
                                {"rule.level", std::string(to_string(alert.level))}}});
  const trace::SpanId classify_id = classify.id;
  spans.push_back(std::move(process));
  spans.push_back(std::move(classify));
  for (const SinkTime& sink : sinks)
    spans.push_back(child(parent, classify_id, fmt::format("write_{}", sink.sink),
                          SpanKind::kInternal, sink.start, sink.end));
}

Span poll_span(const bus::Batch& batch, std::string_view topic, UnixNanos start, UnixNanos end,
               std::string_view messaging_system) {
  const bus::Message& first = batch.messages().front();
  trace::Context own;
  own.trace = sha256_128(fmt::format("tocsin:poll\n{}\n{}\n{}\n{}", first.topic, first.partition,
                                     first.offset, start));
  Span span =
      child(own, trace::kNoSpan, fmt::format("poll {}", topic), SpanKind::kClient, start, end);
  span.attributes = {
      {"messaging.system", std::string(messaging_system)},
      {"messaging.operation.name", std::string("poll")},
      {"messaging.operation.type", std::string("receive")},
      {"messaging.destination.name", std::string(topic)},
      {"messaging.batch.message_count", static_cast<std::int64_t>(batch.messages().size())},
  };
  for (const bus::Message& message :
       batch.messages().first(std::min(kLinksMax, batch.messages().size())))
    if (const auto context = trace::parse_traceparent(message.header("traceparent")))
      span.links.push_back({context->trace, context->span});
  return span;
}

}  // namespace tocsin::pipeline
