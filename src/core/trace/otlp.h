// SPDX-License-Identifier: Apache-2.0
//
// OTLP: spans as opentelemetry-proto 1.x writes them, in protobuf and in JSON.
//
//   Span[] -> encode() -> SpanChunk, as SpanWriter makes them too
//   SpanChunk[] + Resource[] -> append_request() -> body of POST /v1/traces
//                            -> append_request_json() -> one line of a file
//   SpanChunk -> for_each_span() -> parse_span() -> Span
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/span.h"
#include "core/trace/span_writer.h"

namespace tocsin::trace {

// Who made the spans: the attributes of OTLP's Resource.
struct Resource {
  std::vector<Attribute> attributes;
  std::string version;  // of the instrumentation scope, "tocsin"

  // Its service.name.
  [[nodiscard]] std::string service() const;
};

// This process under the name `service`; `more` adds attributes, or wins over ours.
[[nodiscard]] Resource make_resource(std::string_view service,
                                     const std::vector<Attribute>& more = {});
// Spans that are told in the name of another stage, whose host and process are not known.
[[nodiscard]] Resource make_other_resource(std::string_view service);

using ChunkRefs = std::span<const std::shared_ptr<const SpanChunk>>;  // one batch of an exporter
using Resources = std::span<const Resource>;                          // by SpanChunk::resource

// ExportTraceServiceRequest in protobuf.
void append_request(std::string& out, Resources resources, ChunkRefs chunks);

// The same as one line of OTLP/JSON (ids in hex, 64-bit numbers as strings), with its newline.
void append_request_json(std::string& out, Resources resources, ChunkRefs chunks);

// Text that is not UTF-8 is repaired.
void encode(SpanChunk& out, const Span& span);
// The fields of a Span that are the same for every span of a step.
void append_span_constants(std::string& out, std::string_view name, SpanKind kind,
                           const std::vector<Attribute>& attributes);

// Calls `visit` with each message opentelemetry.proto.trace.v1.Span of the chunk.
void for_each_span(const SpanChunk& chunk, const std::function<void(std::string_view)>& visit);
// Empty when the bytes are not one. Unknown fields and attribute types (arrays, maps) are skipped.
[[nodiscard]] std::optional<Span> parse_span(std::string_view bytes);

// rejected_spans of an ExportTraceServiceResponse, and the collector's reason.
struct PartialSuccess {
  std::int64_t rejected_spans = 0;
  std::string message;
};
[[nodiscard]] PartialSuccess parse_response(std::string_view bytes);

}  // namespace tocsin::trace
