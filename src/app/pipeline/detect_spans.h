// SPDX-License-Identifier: Apache-2.0
//
// The spans that detect adds to an event's trace, and the trace of each batch.
//
//   send raw-events (producer's) -> process raw-events -> classify_event -> write_csv, write_sqlite
//
// Attributes follow the OpenTelemetry semantic conventions for messaging (status: development).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/pipeline/classifier.h"
#include "core/bus/bus.h"
#include "core/trace/tracer.h"
#include "stages/produce/producer_spans.h"

namespace tocsin::pipeline {

struct SinkTime {
  std::string_view sink;  // "csv"
  UnixNanos start = 0;
  UnixNanos end = 0;
};

// What became of one message of a batch.
struct EventOutcome {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  const bus::Message* message = nullptr;
  trace::Context parent;  // span kNoSpan: the message came without a context
  UnixNanos classify_start = 0;
  UnixNanos classify_end = 0;
  std::size_t verdict = kNone;  // in the batch's verdicts; kNone: it went to dead-letter
  std::size_t first_alert = 0;  // in the batch's alerts
  std::size_t alerts = 0;
  bool repaired = false;
  std::string error_code;  // of a dead letter
  std::string error_message;
};

// The times of a batch, and what was made of it.
struct BatchRecord {
  const bus::Batch& batch;
  std::span<const EventOutcome> outcomes;
  std::span<const Verdict> verdicts;
  std::span<const Alert> alerts;
  std::span<const SinkTime> sinks;
  UnixNanos poll_start = 0;
  UnixNanos received = 0;
  UnixNanos done = 0;  // every output of the batch is durable
};

// The trace of a message that could not be read: from its headers, else from where it stands.
[[nodiscard]] trace::Context context_of_unread(const EventSource& source);

// Whose spans a chunk may hold: TracerOptions::other_services of detect.
inline constexpr std::size_t kProducerResource = 1;

struct SpanNames {
  std::string topic, dead_letter_topic, group;
  std::string system;  // "kafka" or "tocsin_embedded"
};

// Writes the spans of the events that the tracer's sampling keeps. Under tail sampling these are
// also: alerts that went out, dead letters, events with mended bytes, and slow ones, of these the
// first ten of a batch, for in a backlog every event is slow. The producer's spans of an event that
// it did not record are written here, in its name.
//
// Clocks of two hosts differ. A consumer cannot have got a record before it was sent; when the
// clocks say so, all of detect's spans of that event are moved by the difference, which the
// attribute tocsin.clock.adjusted_us of the `process` span tells.
//
// Threads: one thread.
class DetectSpans {
 public:
  DetectSpans(trace::Tracer& tracer, SpanNames names);
  void record(const BatchRecord& record);
  // What an alert's record tells of its event's trace: whether it is kept is known by now.
  [[nodiscard]] trace::Context context_of_alert(trace::Context parent) const;

 private:
  struct Moment;
  [[nodiscard]] bool keeps(const BatchRecord& record, const EventOutcome& outcome);
  [[nodiscard]] bool slow(const BatchRecord& record, const EventOutcome& outcome);
  void write_event(const BatchRecord& record, const EventOutcome& outcome);
  void write_producer(const EventOutcome& outcome, const Moment& moment);
  void write_process(const EventOutcome& outcome, const Moment& moment);
  void write_classify(const BatchRecord& record, const EventOutcome& outcome, const Moment& moment);
  void write_alert(const Alert& alert, UnixNanos time);
  void write_sinks(const BatchRecord& record, const EventOutcome& outcome, const Moment& moment);
  [[nodiscard]] trace::Span poll_span(const BatchRecord& record) const;

  struct SinkStep {
    trace::Stage stage;
    trace::SpanTemplate common;
  };
  [[nodiscard]] const SinkStep& step_of(std::string_view sink);

  trace::Tracer& tracer_;
  const SpanNames names_;
  const produce::ProducerSpans producer_spans_;
  const trace::Stage process_stage_, classify_stage_;
  const trace::SpanTemplate process_, classify_;
  std::map<std::string, SinkStep, std::less<>> sinks_;
  trace::SpanWriter own_, producers_{kProducerResource};
  std::vector<trace::Link> links_;  // of the batch's poll span
  std::size_t slow_ = 0;            // of the batch
};

}  // namespace tocsin::pipeline
