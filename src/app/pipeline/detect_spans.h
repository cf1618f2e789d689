// SPDX-License-Identifier: Apache-2.0
//
// The spans that detect adds to an event's trace, and the trace of each batch.
//
//   send raw-events (producer's) -> process raw-events -> classify_event -> write_csv, write_sqlite
//
// Attributes follow the OpenTelemetry semantic conventions for messaging (status: development).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/pipeline/classifier.h"
#include "core/bus/bus.h"
#include "core/trace/span.h"

namespace tocsin::pipeline {

struct SinkTime {
  std::string_view sink;  // "csv"
  UnixNanos start = 0;
  UnixNanos end = 0;
};

struct EventTimes {
  UnixNanos received = 0;  // the batch arrived
  UnixNanos classify_start = 0;
  UnixNanos classify_end = 0;
  UnixNanos done = 0;  // every output of the batch is durable
};

// `messaging_system` is "kafka" or "tocsin_embedded".
void append_event_spans(std::vector<trace::Span>& spans, const bus::Message& message,
                        const trace::Context& parent, const EventTimes& times,
                        const std::vector<SinkTime>& sinks, const std::vector<Alert>& alerts,
                        std::string_view group, std::string_view messaging_system);

// The span `poll raw-events`: a trace of its own, linked to the events of the batch (at most 128 of
// them).
[[nodiscard]] trace::Span poll_span(const bus::Batch& batch, std::string_view topic,
                                    UnixNanos start, UnixNanos end,
                                    std::string_view messaging_system);

}  // namespace tocsin::pipeline
