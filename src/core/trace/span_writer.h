// SPDX-License-Identifier: Apache-2.0
//
// SpanWriter: spans straight to OTLP's bytes, for stages that make some of every event.
//
//   step's SpanTemplate + ids, times, attributes of the event -> SpanWriter -> SpanChunk -> Tracer
//
// A span costs a copy of its template and of the few bytes that differ; nothing is allocated but
// the chunk, once for some two hundred spans.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/span.h"

namespace tocsin::trace {

// Encoded spans: entries of ScopeSpans.spans (opentelemetry-proto), one after another.
struct SpanChunk {
  std::string bytes;
  std::size_t spans = 0;
  std::size_t resource = 0;  // whose spans: 0 the tracer's own, else TracerOptions::other_services
};

// What all spans of one step have in common: name, kind, constant attributes. Encoded once.
class SpanTemplate {
 public:
  SpanTemplate(std::string_view name, SpanKind kind, const std::vector<Attribute>& attributes = {});
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Where a span stands in its trace.
struct SpanPlace {
  const TraceId& trace;
  const SpanId& id;
  const SpanId& parent;  // kNoSpan: a root
};

// Ownership: owns its buffer.
// Threads:   one thread.
// Order:     begin(), then attributes, events and fail() in any order, then end().
class SpanWriter {
 public:
  // A chunk of this size is worth handing over.
  static constexpr std::size_t kChunkBytes = 64u << 10;

  explicit SpanWriter(std::size_t resource = 0) : resource_(resource) {}

  // An end before the start is taken for the start.
  void begin(const SpanTemplate& common, const SpanPlace& place, UnixNanos start, UnixNanos end);
  // Text that is not UTF-8 is repaired: a collector refuses the whole request for one bad string.
  void text(std::string_view key, std::string_view value);
  void integer(std::string_view key, std::int64_t value);
  void boolean(std::string_view key, bool value);
  // Attributes between these two are the event's.
  void begin_event(std::string_view name, UnixNanos time);
  void end_event();
  // Status: error. `type` is error.type: low in cardinality.
  void fail(std::string_view type, std::string_view message);
  void end();

  [[nodiscard]] std::size_t spans() const { return spans_; }
  [[nodiscard]] bool full() const { return used_ >= kChunkBytes; }
  // What was written since the last take().
  [[nodiscard]] SpanChunk take();

 private:
  [[nodiscard]] char* room(std::size_t bytes);
  void commit(const char* end) { used_ = static_cast<std::size_t>(end - buffer_.data()); }
  void open_message(char tag);
  void close_message(std::size_t start);

  const std::size_t resource_;
  std::string buffer_;  // its size is what there is room for
  std::size_t used_ = 0;
  std::size_t spans_ = 0;
  std::size_t span_start_ = 0;   // where the open span's fields begin
  std::size_t event_start_ = 0;  // 0: no event is open
};

}  // namespace tocsin::trace
