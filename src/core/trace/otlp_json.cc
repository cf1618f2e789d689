// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json_writer.h"
#include "core/trace/otlp.h"

namespace tocsin::trace {
namespace {

template <std::size_t N>
void write_id(JsonWriter& json, std::string_view name, const std::array<std::uint8_t, N>& id) {
  std::string hex;
  append_hex(hex, id.data(), id.size());
  json.member(name, hex);
}

// JSON numbers are doubles to most readers, so protobuf's JSON form quotes 64-bit integers.
void write_int64(JsonWriter& json, std::string_view name, std::int64_t number) {
  const fmt::format_int text(number);
  json.member(name, std::string_view(text.data(), text.size()));
}

struct ValueWriter {
  JsonWriter& json;
  void operator()(const std::string& text) const { json.member("stringValue", text); }
  void operator()(std::int64_t number) const { write_int64(json, "intValue", number); }
  void operator()(bool yes) const { json.member("boolValue", yes); }
  void operator()(double number) const {
    if (std::isfinite(number))
      json.member("doubleValue", number);
    else
      json.member("doubleValue",
                  std::isnan(number) ? "NaN" : (number > 0 ? "Infinity" : "-Infinity"));
  }
};

void write_attributes(JsonWriter& json, const std::vector<Attribute>& attributes) {
  if (attributes.empty()) return;
  json.key("attributes");
  json.array([&] {
    for (const Attribute& attribute : attributes) {
      json.object([&] {
        json.member("key", attribute.key);
        json.key("value");
        json.object([&] { std::visit(ValueWriter{json}, attribute.value); });
      });
    }
  });
}

void write_events(JsonWriter& json, const std::vector<SpanEvent>& events) {
  if (events.empty()) return;
  json.key("events");
  json.array([&] {
    for (const SpanEvent& event : events) {
      json.object([&] {
        write_int64(json, "timeUnixNano", event.time);
        json.member("name", event.name);
        write_attributes(json, event.attributes);
      });
    }
  });
}

void write_links(JsonWriter& json, const std::vector<Link>& links) {
  if (links.empty()) return;
  json.key("links");
  json.array([&] {
    for (const Link& link : links) {
      json.object([&] {
        write_id(json, "traceId", link.trace);
        write_id(json, "spanId", link.span);
      });
    }
  });
}

void write_span(JsonWriter& json, const Span& span) {
  json.object([&] {
    write_id(json, "traceId", span.trace);
    write_id(json, "spanId", span.id);
    if (span.parent != kNoSpan) write_id(json, "parentSpanId", span.parent);
    json.member("name", span.name);
    json.member("kind", static_cast<int>(span.kind));
    write_int64(json, "startTimeUnixNano", span.start);
    write_int64(json, "endTimeUnixNano", span.end);
    write_attributes(json, span.attributes);
    write_events(json, span.events);
    write_links(json, span.links);
    json.key("status");
    json.object([&] {
      if (!span.status_message.empty()) json.member("message", span.status_message);
      if (span.status != SpanStatus::kUnset) json.member("code", static_cast<int>(span.status));
    });
  });
}

}  // namespace

void append_request_json(std::string& out, Resources resources, ChunkRefs chunks) {
  JsonWriter json(out);
  const auto write_spans = [&](std::size_t resource) {
    json.key("spans");
    json.array([&] {
      for (const auto& chunk : chunks) {
        if (chunk->resource != resource) continue;
        for_each_span(*chunk, [&](std::string_view bytes) {
          if (const auto span = parse_span(bytes)) write_span(json, *span);
        });
      }
    });
  };
  json.object([&] {
    json.key("resourceSpans");
    json.array([&] {
      for (std::size_t i = 0; i < resources.size(); ++i) {
        if (std::none_of(chunks.begin(), chunks.end(),
                         [i](const auto& chunk) { return chunk->resource == i; }))
          continue;
        json.object([&] {
          json.key("resource");
          json.object([&] { write_attributes(json, resources[i].attributes); });
          json.key("scopeSpans");
          json.array([&] {
            json.object([&] {
              json.key("scope");
              json.object([&] {
                json.member("name", "tocsin");
                json.member("version", resources[i].version);
              });
              write_spans(i);
            });
          });
        });
      }
    });
  });
  out.push_back('\n');
}

}  // namespace tocsin::trace
