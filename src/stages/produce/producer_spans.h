// SPDX-License-Identifier: Apache-2.0
//
// ProducerSpans: the first two spans of an event's trace.
//
//   ProducedEvent -> produce_event > send raw-events -> SpanWriter
//
// `produce` writes them for the traces that it keeps; `detect` writes the same two, with the same
// ids, for an event that turned out to matter (trace/sampling.h). Attributes follow OpenTelemetry's
// semantic conventions for messaging (status: development).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/trace/span_writer.h"

namespace tocsin::produce {

struct ProducedEvent {
  const trace::TraceId& trace;
  const trace::SpanId& parent;  // an agent's own span, or kNoSpan
  std::string_view event_id;    // as text
  std::string_view key;
  std::string_view origin;  // "file:line"; may be empty
  UnixNanos started = 0;    // before the event was read
  UnixNanos read = 0;       // when the bus had taken it
  UnixNanos sent = 0;       // before it was given to the bus
  UnixNanos acknowledged = 0;
  std::size_t bytes = 0;
  std::int32_t partition = -1;  // -1: the bus gave it none
  std::int64_t offset = -1;
  const Error* error = nullptr;  // why it was not stored
  bool reconstructed = false;    // from what travelled with the record
};

// The span that a record's `traceparent` names.
[[nodiscard]] trace::SpanId send_span_id(const trace::TraceId& trace);

// Threads: a value; const calls from anywhere.
class ProducerSpans {
 public:
  // `system` is "kafka" or "tocsin_embedded".
  ProducerSpans(std::string_view system, std::string_view topic);
  void write(trace::SpanWriter& out, const ProducedEvent& event) const;

 private:
  trace::SpanTemplate produce_, send_;
};

// What error.type says of a failed delivery.
[[nodiscard]] std::string_view error_type(ErrorCode code);

}  // namespace tocsin::produce
