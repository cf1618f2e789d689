// SPDX-License-Identifier: Apache-2.0
#include "core/trace/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "core/trace/tracer.h"

namespace tocsin::trace {
namespace {

using std::chrono::milliseconds;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    std::uint8_t byte = 0;
    if (!decode_hex(text.substr(i + 1, 2), &byte, 1)) return std::nullopt;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return out;
}

// A header that could not be one would let its value reach into the next.
bool is_header(const std::pair<std::string, std::string>& header) {
  const auto is_token = [](char c) {
    return c > ' ' && c < 127 &&
           std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string::npos;
  };
  const auto is_text = [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= ' '; };
  return !header.first.empty() && std::all_of(header.first.begin(), header.first.end(), is_token) &&
         std::all_of(header.second.begin(), header.second.end(), is_text);
}

// The variables, with the specification's rules: an empty one counts as absent, a wrong one is told
// and ignored.
class Otel {
 public:
  explicit Otel(const Environment& environment) : environment_(environment) {}

  [[nodiscard]] std::optional<std::string> text(const char* name) const {
    const char* value = environment_(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  }
  // OTEL_EXPORTER_OTLP_TRACES_<name>, else OTEL_EXPORTER_OTLP_<name>.
  [[nodiscard]] std::optional<std::string> exporter(const char* name) const {
    auto own = text(fmt::format("OTEL_EXPORTER_OTLP_TRACES_{}", name).c_str());
    return own ? own : text(fmt::format("OTEL_EXPORTER_OTLP_{}", name).c_str());
  }
  [[nodiscard]] std::optional<std::int64_t> number(const std::string& name,
                                                   const std::optional<std::string>& value) const {
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const char* const end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, number);
    if (read.ec == std::errc() && read.ptr == end && number > 0) return number;
    ignored(name, "a number above 0 is wanted");
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::int64_t> number(const char* name) const {
    return number(name, text(name));
  }
  static void ignored(const std::string& name, std::string_view why) {
    log_warning("traces: the environment variable {} is ignored: {}", name, why);
  }

 private:
  const Environment& environment_;
};

// The endpoint of all signals is a base, that of traces is used as it is.
std::optional<std::string> otel_destination(const Otel& otel) {
  const auto exporter = otel.text("OTEL_TRACES_EXPORTER");
  if (exporter == "none") return std::nullopt;
  auto url = otel.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (!url) {
    url = otel.text("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (!url && exporter == "otlp") url = "http://localhost:4318";
    if (url) *url += url->ends_with('/') ? "v1/traces" : "/v1/traces";
  }
  if (!url) {
    if (exporter && exporter != "otlp")
      Otel::ignored("OTEL_TRACES_EXPORTER", "only otlp and none are known");
    return std::nullopt;
  }
  if (const auto protocol = otel.exporter("PROTOCOL"); protocol && *protocol != "http/protobuf") {
    Otel::ignored("OTEL_EXPORTER_OTLP_PROTOCOL",
                  "only http/protobuf is spoken (usually port 4318)");
  }
  return url;
}

void set_service(const Otel& otel, TracerOptions& options) {
  if (const auto text = otel.text("OTEL_RESOURCE_ATTRIBUTES")) {
    if (const auto pairs = parse_pairs(*text)) {
      for (const auto& [key, value] : *pairs) {
        if (key == "service.name") options.service = value;
        options.resource.push_back({key, value});
      }
    } else {
      Otel::ignored("OTEL_RESOURCE_ATTRIBUTES", "expected key=value,key=value");
    }
  }
  if (const auto name = otel.text("OTEL_SERVICE_NAME")) options.service = *name;
}

Status set_sampling(const TraceSettings& settings, const Otel& otel, TracerOptions& options) {
  if (settings.sampling) {
    TOCSIN_TRY(options.sampling, parse_sampling(*settings.sampling));
  } else if (const auto sampler = otel.text("OTEL_TRACES_SAMPLER")) {
    const auto sampling =
        sampling_of_otel(*sampler, otel.text("OTEL_TRACES_SAMPLER_ARG").value_or(""));
    if (sampling)
      options.sampling = *sampling;
    else
      Otel::ignored("OTEL_TRACES_SAMPLER", sampling.error().message);
  }
  if (settings.slow_seconds)
    options.sampling.slow_ns = static_cast<UnixNanos>(*settings.slow_seconds * 1e9);
  return {};
}

Status set_headers(const TraceSettings& settings, const Otel& otel, HttpOptions& http) {
  for (const std::string& text : settings.headers) {
    const std::size_t equals = text.find('=');
    std::pair<std::string, std::string> header(
        trimmed(text.substr(0, equals)),
        equals == std::string::npos ? std::string_view() : trimmed(text).substr(equals + 1));
    if (equals == std::string::npos || !is_header(header))
      return fail(ErrorCode::kInvalid, "a header of traces: expected NAME=VALUE");
    http.headers.push_back(std::move(header));
  }
  if (!settings.headers.empty()) return {};
  if (const auto text = otel.exporter("HEADERS")) {
    const auto pairs = parse_pairs(*text);
    if (pairs && std::all_of(pairs->begin(), pairs->end(), is_header))
      http.headers = *pairs;
    else
      Otel::ignored("OTEL_EXPORTER_OTLP_HEADERS", "expected name=value,name=value");
  }
  return {};
}

Status set_http(const TraceSettings& settings, const Otel& otel, TracerOptions& options) {
  TOCSIN_TRY_STATUS(set_headers(settings, otel, options.http));
  const std::string compression =
      settings.compression ? *settings.compression : otel.exporter("COMPRESSION").value_or("none");
  if (compression == "gzip")
    options.http.gzip = true;
  else if (compression != "none" && settings.compression)
    return fail(ErrorCode::kInvalid,
                fmt::format("compression of traces: '{}' is neither none nor gzip", compression));
  else if (compression != "none")
    Otel::ignored("OTEL_EXPORTER_OTLP_COMPRESSION", "only none and gzip are known");
  const auto path = [&](const std::optional<std::string>& set, const char* name) {
    return set ? *set : otel.exporter(name).value_or("");
  };
  options.http.ca_file = path(settings.ca_file, "CERTIFICATE");
  options.http.certificate = path(settings.certificate, "CLIENT_CERTIFICATE");
  options.http.key = path(settings.key, "CLIENT_KEY");
  if (settings.timeout_seconds)
    options.request_timeout =
        milliseconds(static_cast<milliseconds::rep>(*settings.timeout_seconds * 1e3));
  else if (const auto timeout = otel.number("OTEL_EXPORTER_OTLP_TIMEOUT", otel.exporter("TIMEOUT")))
    options.request_timeout = milliseconds(*timeout);
  return {};
}

void set_queue(const TraceSettings& settings, const Otel& otel, TracerOptions& options) {
  if (const auto spans = otel.number("OTEL_BSP_MAX_QUEUE_SIZE"))
    options.queue_spans_max = static_cast<std::size_t>(*spans);
  if (settings.queue_spans_max) options.queue_spans_max = *settings.queue_spans_max;
  // The bound in bytes follows: a span has some 300.
  options.queue_bytes_max =
      std::max(options.queue_bytes_max, options.queue_spans_max * std::size_t{1'024});
  if (const auto spans = otel.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"))
    options.batch_spans_max = static_cast<std::size_t>(*spans);
  options.batch_spans_max = std::min(options.batch_spans_max, options.queue_spans_max);
  if (const auto delay = otel.number("OTEL_BSP_SCHEDULE_DELAY"))
    options.linger = milliseconds(*delay);
  if (const auto timeout = otel.number("OTEL_BSP_EXPORT_TIMEOUT"))
    options.retry_for = milliseconds(*timeout);
}

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> parse_pairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    auto key = percent_decoded(trimmed(item.substr(0, equals)));
    auto value = percent_decoded(trimmed(item.substr(equals + 1)));
    if (!key || key->empty() || !value) return std::nullopt;
    pairs.emplace_back(*std::move(key), *std::move(value));
  }
  return pairs;
}

Result<TracerOptions> resolve(const TraceSettings& settings, const std::string& service,
                              const Environment& environment) {
  const Otel otel(environment);
  TracerOptions options;
  options.service = service;
  options.destinations = settings.destinations;
  if (options.destinations.empty())
    if (auto url = otel_destination(otel)) options.destinations.push_back(*std::move(url));
  set_service(otel, options);
  TOCSIN_TRY_STATUS(set_sampling(settings, otel, options));
  TOCSIN_TRY_STATUS(set_http(settings, otel, options));
  set_queue(settings, otel, options);
  const std::string disabled = otel.text("OTEL_SDK_DISABLED").value_or("");
  const auto same = [](char c, char want) { return (c | 0x20) == want; };
  constexpr std::string_view kTrue = "true";
  if (std::equal(disabled.begin(), disabled.end(), kTrue.begin(), kTrue.end(), same))
    options.destinations.clear();
  return options;
}

}  // namespace tocsin::trace
