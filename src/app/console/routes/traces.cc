// SPDX-License-Identifier: Apache-2.0
//
// /traces and /latency: spans from the span store or from Jaeger.
#include "app/console/data/traces.h"

#include <fmt/format.h>

#include "app/console/routes/routes.h"

namespace tocsin::console {
namespace {

std::string hex_of(const trace::TraceId& id) {
  std::string out;
  append_hex(out, id.data(), id.size());
  return out;
}

std::string hex_of(const trace::SpanId& id) {
  std::string out;
  append_hex(out, id.data(), id.size());
  return out;
}

std::string_view kind_name(trace::SpanKind kind) {
  static constexpr std::string_view kNames[] = {"internal", "internal", "server",
                                                "client",   "producer", "consumer"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view status_name(trace::SpanStatus status) {
  static constexpr std::string_view kNames[] = {"unset", "ok", "error"};
  return kNames[static_cast<std::size_t>(status)];
}

void write_attributes(JsonWriter& json, const std::vector<trace::Attribute>& attributes) {
  json.key("attributes");
  json.object([&] {
    for (const trace::Attribute& attribute : attributes) {
      json.key(attribute.key);
      std::visit([&](const auto& value) { json.value(value); }, attribute.value);
    }
  });
}

void write_span(JsonWriter& json, const trace::StoredSpan& span, UnixNanos begin) {
  json.object([&] {
    json.member("span_id", hex_of(span.id));
    text_or_null(json, "parent_id", span.parent == trace::kNoSpan ? "" : hex_of(span.parent));
    json.member("service", span.service);
    json.member("name", span.name);
    json.member("kind", kind_name(span.kind));
    json.member("start", format_rfc3339(span.start, 9));
    json.member("offset_us", (span.start - begin) / 1'000);
    json.member("duration_us", (span.end - span.start) / 1'000);
    json.member("status", status_name(span.status));
    if (!span.status_message.empty()) json.member("status_message", span.status_message);
    write_attributes(json, span.attributes);
    json.key("events");
    json.array([&] {
      for (const trace::SpanEvent& event : span.events)
        json.object([&] {
          json.member("name", event.name);
          json.member("offset_us", (event.time - begin) / 1'000);
          write_attributes(json, event.attributes);
        });
    });
  });
}

Answer one(const Context& context, const Call& call) {
  TOCSIN_TRY(const auto found, context.traces.find(call.part("id")));
  if (found.spans.empty())
    return refuse(
        ApiCode::kNotFound,
        "there are no spans of that event; it may not have been sampled, and spans come a "
        "moment after the verdict",
        "id");
  const TraceSummary summary = summary_of(found.spans);
  return json_object([&](JsonWriter& json) {
    json.member("trace_id", hex_of(found.id));
    json.member("event_id", summary.event_id);
    json.member("start", format_rfc3339(summary.start, 9));
    json.member("duration_us", summary.duration_us);
    json.key("spans");
    json.array([&] {
      for (const trace::StoredSpan& span : found.spans) write_span(json, span, summary.start);
    });
    text_or_null(json, "jaeger_url",
                 context.options.jaeger.empty()
                     ? std::string()
                     : fmt::format("{}/trace/{}", context.options.jaeger, hex_of(found.id)));
    json.member("source", found.from_jaeger ? "jaeger" : "store");
  });
}

Answer list(const Context& context, const Call& call) {
  TOCSIN_TRY(const std::int64_t limit, call.limit());
  TOCSIN_TRY(const std::int64_t min_ms, call.integer("min_ms", 0, 0, 1'000'000'000));
  TOCSIN_TRY(const std::string q, call.text("q"));
  TOCSIN_TRY(const auto found,
             context.traces.recent(static_cast<std::size_t>(limit), min_ms * 1'000, q));
  return json_object([&](JsonWriter& json) {
    json.key("items");
    json.array([&] {
      for (const TraceSummary& trace : found)
        json.object([&] {
          json.member("trace_id", hex_of(trace.id));
          json.member("event_id", trace.event_id);
          json.member("start", format_rfc3339(trace.start, 6));
          json.member("duration_us", trace.duration_us);
          json.member("spans", static_cast<std::uint64_t>(trace.spans));
          json.member("host", trace.host);
          json.member("class", trace.event_class);
          json.member("error", trace.error);
        });
    });
  });
}

Answer latency(const Context& context) {
  TOCSIN_TRY(const insight::Latency found, context.traces.latency());
  return json_object([&](JsonWriter& json) {
    json.key("stages");
    json.array([&] {
      for (const insight::LatencyRow& row : found.rows)
        json.object([&] {
          json.member("name", row.step);
          text_or_null(json, "service", row.service);
          json.member("count", static_cast<std::uint64_t>(row.count));
          json.member("p50_us", row.p50 / 1'000);
          json.member("p95_us", row.p95 / 1'000);
          json.member("p99_us", row.p99 / 1'000);
          json.member("max_us", row.max / 1'000);
          json.key("share");
          if (row.share < 0)
            json.null();
          else
            json.value(row.share);
        });
    });
    text_or_null(json, "bottleneck", found.bottleneck);
    text_or_null(json, "advice", found.advice);
    json.member("traces", static_cast<std::uint64_t>(found.traces));
  });
}

}  // namespace

void add_trace_routes(Router& router, const Context& context) {
  router.add("GET", "/traces", Role::kViewer, {"limit", "min_ms", "q"},
             [&context](const Call& call) { return list(context, call); });
  router.add("GET", "/traces/{id}", Role::kViewer, {},
             [&context](const Call& call) { return one(context, call); });
  router.add("GET", "/latency", Role::kViewer, {},
             [&context](const Call&) { return latency(context); });
}

}  // namespace tocsin::console
