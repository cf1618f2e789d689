// SPDX-License-Identifier: Apache-2.0
//
// Span: one timed step of one event's trace, and the ids that make a replay export the same spans.
//
//   event id -> trace id;  (trace id, stage name, attempt) -> span id
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"

namespace tocsin::trace {

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

inline constexpr SpanId kNoSpan{};

// The event id's own 16 bytes; a nil id is hashed, because an all-zero trace id is invalid (W3C
// Trace Context section 3.2.2.3).
[[nodiscard]] TraceId trace_id_of(const Uuid& event_id);

// What gives the spans of one step of every trace their ids: the hash of its name and attempt, made
// once.
class Stage {
 public:
  explicit Stage(std::string_view name, std::uint32_t attempt = 0);
  // Deterministic, never all zero.
  [[nodiscard]] SpanId id_in(const TraceId& trace) const;

 private:
  std::uint64_t seed_;
};

[[nodiscard]] inline SpanId span_id_of(const TraceId& trace, std::string_view stage,
                                       std::uint32_t attempt = 0) {
  return Stage(stage, attempt).id_in(trace);
}

// W3C `traceparent` (level 1, version 00; later versions are read as 00).
struct Context {
  TraceId trace{};
  SpanId span{};
  std::uint8_t flags = 1;

  [[nodiscard]] bool sampled() const { return (flags & 1) != 0; }
};
[[nodiscard]] std::string format_traceparent(const Context& context);
[[nodiscard]] std::optional<Context> parse_traceparent(std::string_view text);

// Numbers as in OTLP (opentelemetry/proto/trace/v1/trace.proto).
enum class SpanKind : std::uint8_t {
  kInternal = 1,
  kServer = 2,
  kClient = 3,
  kProducer = 4,
  kConsumer = 5
};
enum class SpanStatus : std::uint8_t { kUnset = 0, kOk = 1, kError = 2 };

struct Attribute {
  std::string key;
  std::variant<std::string, std::int64_t, double, bool> value;
};

struct SpanEvent {
  UnixNanos time = 0;
  std::string name;
  std::vector<Attribute> attributes;
};

struct Link {
  TraceId trace{};
  SpanId span{};
};

struct Span {
  TraceId trace{};
  SpanId id{};
  SpanId parent = kNoSpan;
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  UnixNanos start = 0;
  UnixNanos end = 0;  // never before start
  std::vector<Attribute> attributes;
  std::vector<SpanEvent> events;
  std::vector<Link> links;
  SpanStatus status = SpanStatus::kUnset;
  std::string status_message;
};

}  // namespace tocsin::trace
