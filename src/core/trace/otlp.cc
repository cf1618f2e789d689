// SPDX-License-Identifier: Apache-2.0
#include "core/trace/otlp.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/utf8.h"
#include "core/trace/otlp_fields.h"

namespace tocsin::trace {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

template <std::size_t N>
void add_id(pbf_writer& message, field::Tag tag, const std::array<std::uint8_t, N>& id) {
  message.add_bytes(tag, reinterpret_cast<const char*>(id.data()), id.size());
}

void add_text(pbf_writer& message, field::Tag tag, std::string_view text) {
  if (is_utf8(text))
    message.add_string(tag, text.data(), text.size());
  else
    message.add_string(tag, repair_utf8(text));
}

struct ValueWriter {
  pbf_writer& value;
  void operator()(const std::string& text) const { add_text(value, field::kValueString, text); }
  void operator()(std::int64_t number) const { value.add_int64(field::kValueInt, number); }
  void operator()(double number) const { value.add_double(field::kValueDouble, number); }
  void operator()(bool yes) const { value.add_bool(field::kValueBool, yes); }
};

void add_attributes(pbf_writer& message, field::Tag tag, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    pbf_writer pair(message, tag);
    add_text(pair, field::kKeyValueKey, attribute.key);
    pbf_writer value(pair, field::kKeyValueValue);
    std::visit(ValueWriter{value}, attribute.value);
  }
}

void write_constants(pbf_writer& message, std::string_view name, SpanKind kind,
                     const std::vector<Attribute>& attributes) {
  add_text(message, field::kSpanName, name);
  message.add_enum(field::kSpanKind, static_cast<std::int32_t>(kind));
  add_attributes(message, field::kSpanAttributes, attributes);
}

void write_span(pbf_writer& message, const Span& span) {
  add_id(message, field::kSpanTraceId, span.trace);
  add_id(message, field::kSpanId, span.id);
  if (span.parent != kNoSpan) add_id(message, field::kSpanParentId, span.parent);
  message.add_fixed64(field::kSpanStart, static_cast<std::uint64_t>(span.start));
  message.add_fixed64(field::kSpanEnd, static_cast<std::uint64_t>(std::max(span.start, span.end)));
  write_constants(message, span.name, span.kind, span.attributes);
  for (const SpanEvent& event : span.events) {
    pbf_writer part(message, field::kSpanEvents);
    part.add_fixed64(field::kEventTime, static_cast<std::uint64_t>(event.time));
    add_text(part, field::kEventName, event.name);
    add_attributes(part, field::kEventAttributes, event.attributes);
  }
  for (const Link& link : span.links) {
    pbf_writer part(message, field::kSpanLinks);
    add_id(part, field::kLinkTraceId, link.trace);
    add_id(part, field::kLinkSpanId, link.span);
  }
  if (span.status == SpanStatus::kUnset && span.status_message.empty()) return;
  pbf_writer status(message, field::kSpanStatus);
  if (!span.status_message.empty()) add_text(status, field::kStatusMessage, span.status_message);
  status.add_enum(field::kStatusCode, static_cast<std::int32_t>(span.status));
}

template <std::size_t N>
void read_id(pbf_reader& message, std::array<std::uint8_t, N>& id) {
  const auto view = message.get_view();
  if (view.size() == N) std::copy_n(view.data(), N, reinterpret_cast<char*>(id.data()));
}

void read_attribute(pbf_reader pair, std::vector<Attribute>& out) {
  Attribute attribute;
  bool known = false;
  while (pair.next()) {
    if (pair.tag() == field::kKeyValueKey) {
      attribute.key = pair.get_string();
    } else if (pair.tag() == field::kKeyValueValue) {
      pbf_reader value = pair.get_message();
      while (value.next()) {
        known = true;
        switch (value.tag()) {
          case field::kValueString:
            attribute.value = value.get_string();
            break;
          case field::kValueBool:
            attribute.value = value.get_bool();
            break;
          case field::kValueInt:
            attribute.value = value.get_int64();
            break;
          case field::kValueDouble:
            attribute.value = value.get_double();
            break;
          default:
            value.skip();
            known = false;
        }
      }
    } else {
      pair.skip();
    }
  }
  if (known) out.push_back(std::move(attribute));
}

SpanEvent read_event(pbf_reader message) {
  SpanEvent event;
  while (message.next()) {
    switch (message.tag()) {
      case field::kEventTime:
        event.time = static_cast<UnixNanos>(message.get_fixed64());
        break;
      case field::kEventName:
        event.name = message.get_string();
        break;
      case field::kEventAttributes:
        read_attribute(message.get_message(), event.attributes);
        break;
      default:
        message.skip();
    }
  }
  return event;
}

Link read_link(pbf_reader message) {
  Link link;
  while (message.next()) {
    switch (message.tag()) {
      case field::kLinkTraceId:
        read_id(message, link.trace);
        break;
      case field::kLinkSpanId:
        read_id(message, link.span);
        break;
      default:
        message.skip();
    }
  }
  return link;
}

void read_status(pbf_reader message, Span& span) {
  while (message.next()) {
    switch (message.tag()) {
      case field::kStatusMessage:
        span.status_message = message.get_string();
        break;
      case field::kStatusCode:
        span.status = static_cast<SpanStatus>(message.get_enum());
        break;
      default:
        message.skip();
    }
  }
}

Span read_span(pbf_reader message) {
  Span span;
  while (message.next()) {
    switch (message.tag()) {
      case field::kSpanTraceId:
        read_id(message, span.trace);
        break;
      case field::kSpanId:
        read_id(message, span.id);
        break;
      case field::kSpanParentId:
        read_id(message, span.parent);
        break;
      case field::kSpanName:
        span.name = message.get_string();
        break;
      case field::kSpanKind:
        span.kind = static_cast<SpanKind>(message.get_enum());
        break;
      case field::kSpanStart:
        span.start = static_cast<UnixNanos>(message.get_fixed64());
        break;
      case field::kSpanEnd:
        span.end = static_cast<UnixNanos>(message.get_fixed64());
        break;
      case field::kSpanAttributes:
        read_attribute(message.get_message(), span.attributes);
        break;
      case field::kSpanEvents:
        span.events.push_back(read_event(message.get_message()));
        break;
      case field::kSpanLinks:
        span.links.push_back(read_link(message.get_message()));
        break;
      case field::kSpanStatus:
        read_status(message.get_message(), span);
        break;
      default:
        message.skip();
    }
  }
  return span;
}

}  // namespace

std::string Resource::service() const {
  for (const Attribute& attribute : attributes)
    if (attribute.key == "service.name") return std::get<std::string>(attribute.value);
  return {};
}

Resource make_other_resource(std::string_view service) {
  return {.attributes = {{"service.name", std::string(service)},
                         {"telemetry.sdk.name", "tocsin"},
                         {"telemetry.sdk.language", "cpp"},
                         {"telemetry.sdk.version", TOCSIN_VERSION}},
          .version = TOCSIN_VERSION};
}

Resource make_resource(std::string_view service, const std::vector<Attribute>& more) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  Resource resource = make_other_resource(service);
  const std::vector<Attribute> ours = {{"service.version", TOCSIN_VERSION},
                                       {"service.instance.id", Uuid::random().to_string()},
                                       {"host.name", std::string(host.data())},
                                       {"os.type", "linux"},
                                       {"process.pid", static_cast<std::int64_t>(getpid())},
                                       {"process.executable.name", "tocsin"}};
  resource.attributes.insert(resource.attributes.end(), ours.begin(), ours.end());
  for (const Attribute& attribute : more) {
    if (attribute.key == "service.name") continue;  // it is `service` already
    const auto same = [&](const Attribute& own) { return own.key == attribute.key; };
    std::erase_if(resource.attributes, same);
    resource.attributes.push_back(attribute);
  }
  return resource;
}

void append_request(std::string& out, Resources resources, ChunkRefs chunks) {
  for (std::size_t i = 0; i < resources.size(); ++i) {
    std::size_t size = 0;
    for (const auto& chunk : chunks)
      if (chunk->resource == i) size += chunk->bytes.size();
    if (size == 0) continue;
    std::string head;  // of ResourceSpans, then of ScopeSpans: small, so writers may shift it
    {
      pbf_writer resource_spans(head);
      pbf_writer part(resource_spans, field::kResourceSpansResource);
      add_attributes(part, field::kResourceAttributes, resources[i].attributes);
    }
    std::string scope_head;
    {
      pbf_writer scope_spans(scope_head);
      pbf_writer scope(scope_spans, field::kScopeSpansScope);
      scope.add_string(field::kScopeName, "tocsin");
      scope.add_string(field::kScopeVersion, resources[i].version);
    }
    // The spans are encoded already and follow byte for byte; their size is known, so nothing is
    // moved once it stands.
    size += scope_head.size();
    protozero::add_varint_to_buffer(&head, field::kResourceSpansScopeSpans << 3 | 2);
    protozero::add_varint_to_buffer(&head, size);
    head += scope_head;
    size = size - scope_head.size() + head.size();
    protozero::add_varint_to_buffer(&out, field::kRequestResourceSpans << 3 | 2);
    protozero::add_varint_to_buffer(&out, size);
    out.reserve(out.size() + size);
    out += head;
    for (const auto& chunk : chunks)
      if (chunk->resource == i) out += chunk->bytes;
  }
}

void append_span_constants(std::string& out, std::string_view name, SpanKind kind,
                           const std::vector<Attribute>& attributes) {
  pbf_writer message(out);
  write_constants(message, name, kind, attributes);
}

void encode(SpanChunk& out, const Span& span) {
  pbf_writer scope_spans(out.bytes);
  pbf_writer message(scope_spans, field::kScopeSpansSpans);
  write_span(message, span);
  ++out.spans;
}

void for_each_span(const SpanChunk& chunk, const std::function<void(std::string_view)>& visit) {
  pbf_reader spans(chunk.bytes.data(), chunk.bytes.size());
  while (spans.next(field::kScopeSpansSpans)) {
    const auto view = spans.get_view();
    visit({view.data(), view.size()});
  }
}

std::optional<Span> parse_span(std::string_view bytes) {
  try {
    return read_span(pbf_reader(bytes.data(), bytes.size()));
  } catch (const protozero::exception&) {
    return std::nullopt;
  }
}

PartialSuccess parse_response(std::string_view bytes) {
  PartialSuccess result;
  try {
    pbf_reader response(bytes.data(), bytes.size());
    while (response.next(field::kResponsePartialSuccess)) {
      pbf_reader partial = response.get_message();
      while (partial.next()) {
        switch (partial.tag()) {
          case field::kPartialRejectedSpans:
            result.rejected_spans = partial.get_int64();
            break;
          case field::kPartialMessage:
            result.message = partial.get_string();
            break;
          default:
            partial.skip();
        }
      }
    }
  } catch (const protozero::exception&) {
    return {};  // the status line said 2xx: an answer we cannot read does not make it a refusal
  }
  return result;
}

}  // namespace tocsin::trace
