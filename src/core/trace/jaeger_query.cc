// SPDX-License-Identifier: Apache-2.0
#include "core/trace/jaeger_query.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <map>
#include <utility>

#include "base/http/curl.h"
#include "base/http/url.h"

namespace tocsin::trace {
namespace {

namespace dom = simdjson::dom;

constexpr long kConnectMs = 5'000;
constexpr long kTotalMs = 60'000;
constexpr std::size_t kAnswerBytesMax = 512u << 20;

struct Answer {
  long status = 0;
  std::string body;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* to) {
  std::string& body = *static_cast<std::string*>(to);
  if (body.size() + size > kAnswerBytesMax) return 0;
  body.append(data, size);
  return size;
}

Result<Answer> get(const std::string& url, const std::string& path) {
  const http::Easy easy(curl_easy_init());
  if (!easy) return fail(ErrorCode::kExhausted, "libcurl cannot be initialised");
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  Answer answer;
  const std::string whole = base + path;
  curl_easy_setopt(easy.get(), CURLOPT_URL, whole.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, kTotalMs);
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer.body);
  if (const CURLcode code = curl_easy_perform(easy.get()); code != CURLE_OK)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: {}", http::without_credentials(url), curl_easy_strerror(code)));
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

std::string_view text_of(dom::element object, const char* key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::int64_t number_of(dom::element object, const char* key) {
  std::int64_t number = 0;
  if (object[key].get(number) != simdjson::SUCCESS) return 0;
  return number;
}

template <class Visit>
void each(dom::element object, const char* key, const Visit& visit) {
  dom::array items;
  if (object[key].get(items) != simdjson::SUCCESS) return;
  for (const dom::element item : items) visit(item);
}

Attribute attribute_of(dom::element tag) {
  Attribute attribute{std::string(text_of(tag, "key")), {}};
  std::int64_t integer = 0;
  double number = 0;
  bool yes = false;
  if (tag["value"].get(yes) == simdjson::SUCCESS)
    attribute.value = yes;
  else if (tag["value"].get(integer) == simdjson::SUCCESS)
    attribute.value = integer;
  else if (tag["value"].get(number) == simdjson::SUCCESS)
    attribute.value = number;
  else
    attribute.value = std::string(text_of(tag, "value"));
  return attribute;
}

SpanKind kind_of(std::string_view text) {
  if (text == "producer") return SpanKind::kProducer;
  if (text == "consumer") return SpanKind::kConsumer;
  if (text == "client") return SpanKind::kClient;
  if (text == "server") return SpanKind::kServer;
  return SpanKind::kInternal;
}

// What OTLP has fields for comes back as tags.
void take_tag(StoredSpan& span, Attribute attribute) {
  const auto* text = std::get_if<std::string>(&attribute.value);
  if (attribute.key == "span.kind" && text != nullptr) {
    span.kind = kind_of(*text);
  } else if (attribute.key == "otel.status_code" && text != nullptr) {
    span.status = *text == "ERROR" ? SpanStatus::kError : SpanStatus::kOk;
  } else if (attribute.key == "otel.status_description" && text != nullptr) {
    span.status_message = *text;
  } else if (attribute.key != "error" && !attribute.key.starts_with("otel.scope.")) {
    span.attributes.push_back(std::move(attribute));
  }
}

SpanEvent event_of(dom::element log) {
  SpanEvent event;
  event.time = number_of(log, "timestamp") * 1'000;
  each(log, "fields", [&](dom::element field) {
    Attribute attribute = attribute_of(field);
    const auto* text = std::get_if<std::string>(&attribute.value);
    if (attribute.key == "event" && text != nullptr && event.name.empty())
      event.name = *text;
    else
      event.attributes.push_back(std::move(attribute));
  });
  return event;
}

// Jaeger writes an id without its leading zeros.
template <std::size_t N>
bool read_id(std::string_view text, std::array<std::uint8_t, N>& id) {
  if (text.size() > 2 * N) return false;
  return decode_hex(std::string(2 * N - text.size(), '0').append(text), id.data(), N);
}

bool read_span(dom::element json, const std::map<std::string, std::string>& services,
               StoredSpan& span) {
  if (!read_id(text_of(json, "traceID"), span.trace) || !read_id(text_of(json, "spanID"), span.id))
    return false;
  span.name = text_of(json, "operationName");
  span.start = number_of(json, "startTime") * 1'000;
  span.end = span.start + number_of(json, "duration") * 1'000;
  if (const auto found = services.find(std::string(text_of(json, "processID")));
      found != services.end())
    span.service = found->second;
  each(json, "references", [&](dom::element reference) {
    TraceId trace{};
    SpanId id{};
    if (!read_id(text_of(reference, "traceID"), trace) ||
        !read_id(text_of(reference, "spanID"), id))
      return;
    if (text_of(reference, "refType") == "CHILD_OF" && trace == span.trace)
      span.parent = id;
    else
      span.links.push_back({trace, id});
  });
  each(json, "tags", [&](dom::element tag) { take_tag(span, attribute_of(tag)); });
  each(json, "logs", [&](dom::element log) { span.events.push_back(event_of(log)); });
  return true;
}

void read_trace_json(dom::element trace, std::vector<StoredSpan>& out) {
  std::map<std::string, std::string> services;
  dom::object processes;
  if (trace["processes"].get(processes) == simdjson::SUCCESS)
    for (const auto [id, process] : processes)
      services.emplace(id, text_of(process, "serviceName"));
  each(trace, "spans", [&](dom::element json) {
    StoredSpan span;
    if (read_span(json, services, span)) out.push_back(std::move(span));
  });
}

Result<std::vector<StoredSpan>> query(const std::string& url, const std::string& path) {
  TOCSIN_TRY(const Answer answer, get(url, path));
  if (answer.status == 404) return std::vector<StoredSpan>{};
  const auto no_jaeger = [&](const std::string& why) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: {}; the address of Jaeger's query API is wanted, such as "
                            "http://HOST:16686",
                            http::without_credentials(url), why));
  };
  if (answer.status != 200) return no_jaeger(fmt::format("HTTP status {}", answer.status));
  dom::parser parser;
  dom::element root;
  dom::array traces;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS ||
      root["data"].get(traces) != simdjson::SUCCESS)
    return no_jaeger("the answer is not Jaeger's");
  std::vector<StoredSpan> spans;
  for (const dom::element trace : traces) read_trace_json(trace, spans);
  order_by_start(spans);
  return spans;
}

}  // namespace

Result<std::vector<StoredSpan>> query_trace(const std::string& url, const TraceId& trace) {
  std::string path = "/api/traces/";
  append_hex(path, trace.data(), trace.size());
  return query(url, path);
}

Result<std::vector<StoredSpan>> query_recent(const std::string& url, const std::string& service,
                                             UnixNanos since, std::size_t traces_max) {
  // Service names are a user's (OTEL_SERVICE_NAME): what a URL cannot hold is escaped.
  std::string escaped;
  for (const char c : service) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    escaped += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return query(url, fmt::format("/api/traces?service={}&start={}&end={}&limit={}", escaped,
                                since / 1'000, now_ns() / 1'000, traces_max));
}

}  // namespace tocsin::trace
