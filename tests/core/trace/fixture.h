// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/trace/span.h"
#include "core/trace/temp_dir.h"

namespace tocsin::test {

inline Uuid event(unsigned number) { return Uuid::hashed("event " + std::to_string(number)); }

// A span with one of everything.
inline trace::Span full_span(unsigned number) {
  trace::Span span;
  span.trace = trace::trace_id_of(event(number));
  span.id = trace::span_id_of(span.trace, "process raw-events");
  span.parent = trace::span_id_of(span.trace, "send raw-events");
  span.name = "process raw-events";
  span.kind = trace::SpanKind::kConsumer;
  span.start = 1'700'000'000'123'456'789 + number;
  span.end = span.start + 1'500'000;
  span.attributes = {{"messaging.system", "kafka"},
                     {"messaging.kafka.offset", std::int64_t{9'007'199'254'740'993}},
                     {"ratio", 0.5},
                     {"replayed", true}};
  span.events = {{span.start + 10, "alert", {{"rule.id", "4f2a"}}}};
  span.links = {{span.trace, span.parent}};
  span.status = trace::SpanStatus::kError;
  span.status_message = "no \"luck\"";
  return span;
}

}  // namespace tocsin::test
