// SPDX-License-Identifier: Apache-2.0
#include "core/trace/span.h"

#include <algorithm>

namespace tocsin::trace {
namespace {

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

// W3C Trace Context section 3.2.2 allows lower case only.
bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

constexpr std::size_t kTraceparentSize = 55;  // "00-" 32 "-" 16 "-" 2

}  // namespace

TraceId trace_id_of(const Uuid& event_id) {
  if (!event_id.is_nil()) return event_id.bytes;
  return sha256_128("tocsin: the trace of the nil event id");
}

SpanId span_id_of(const TraceId& trace, std::string_view stage, std::uint32_t attempt) {
  std::string name(reinterpret_cast<const char*>(trace.data()), trace.size());
  name += stage;
  for (int shift = 0; shift < 32; shift += 8)
    name.push_back(static_cast<char>(static_cast<std::uint8_t>(attempt >> shift)));
  const auto hash = sha256_128(name);
  SpanId id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  if (is_zero(id)) id.back() = 1;
  return id;
}

std::string format_traceparent(const Context& context) {
  std::string out;
  out.reserve(kTraceparentSize);
  out += "00-";
  append_hex(out, context.trace.data(), context.trace.size());
  out.push_back('-');
  append_hex(out, context.span.data(), context.span.size());
  out.push_back('-');
  append_hex(out, &context.flags, 1);
  return out;
}

std::optional<Context> parse_traceparent(std::string_view text) {
  if (text.size() < kTraceparentSize) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  if (!is_lower_hex(version) || version == "ff") return std::nullopt;
  if (text.size() > kTraceparentSize && (version == "00" || text[kTraceparentSize] != '-'))
    return std::nullopt;
  const std::string_view trace = text.substr(3, 32);
  const std::string_view span = text.substr(36, 16);
  const std::string_view flags = text.substr(53, 2);
  if (!is_lower_hex(trace) || !is_lower_hex(span) || !is_lower_hex(flags)) return std::nullopt;
  Context context;
  if (!decode_hex(trace, context.trace.data(), context.trace.size()) ||
      !decode_hex(span, context.span.data(), context.span.size()) ||
      !decode_hex(flags, &context.flags, 1))
    return std::nullopt;
  if (is_zero(context.trace) || is_zero(context.span)) return std::nullopt;
  return context;
}

}  // namespace tocsin::trace
