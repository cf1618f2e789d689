// SPDX-License-Identifier: Apache-2.0
//
// OTLP: spans as opentelemetry-proto 1.x writes them, in protobuf and in JSON.
//
//   Span[] + Resource -> append_request() -> body of POST /v1/traces
//                     -> append_request_json() -> one line of a file
//   Span <-> append_span(), parse_span() <-> row of the span store
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/trace/span.h"

namespace tocsin::trace {

// Who made the spans: the attributes of OTLP's Resource.
struct Resource {
  std::vector<Attribute> attributes;
  std::string version;  // of the instrumentation scope, "tocsin"
};

// This process under the name `service`.
[[nodiscard]] Resource make_resource(std::string_view service);

using SpanRefs = std::span<const Span* const>;

// ExportTraceServiceRequest in protobuf. Text that is not UTF-8 is repaired: a collector refuses
// the whole request for one bad string.
void append_request(std::string& out, const Resource& resource, SpanRefs spans);

// The same as one line of OTLP/JSON (ids in hex, 64-bit numbers as strings), with its newline.
void append_request_json(std::string& out, const Resource& resource, SpanRefs spans);

// One message opentelemetry.proto.trace.v1.Span.
void append_span(std::string& out, const Span& span);
// Empty when the bytes are not one. Unknown fields and attribute types (arrays, maps) are skipped.
[[nodiscard]] std::optional<Span> parse_span(std::string_view bytes);

// rejected_spans of an ExportTraceServiceResponse, and the collector's reason.
struct PartialSuccess {
  std::int64_t rejected_spans = 0;
  std::string message;
};
[[nodiscard]] PartialSuccess parse_response(std::string_view bytes);

}  // namespace tocsin::trace
