// SPDX-License-Identifier: Apache-2.0
#include "app/cli/setup/trace_options.h"

#include <cstdlib>
#include <optional>

#include "core/trace/settings.h"

namespace tocsin::cli {
namespace {

// But for the destinations, which Shared has.
trace::TraceSettings& settings() {
  static trace::TraceSettings of_this_process;
  return of_this_process;
}

// The value stays untold: it may be a password.
std::string wrong_header(const std::string& header) {
  const std::size_t equals = header.find('=');
  if (equals != std::string::npos && equals > 0) return {};
  return "'" + header.substr(0, equals) + "': expected NAME=VALUE";
}

std::string wrong_sampling(const std::string& text) {
  const auto sampling = trace::parse_sampling(text);
  return sampling ? std::string() : sampling.error().message;
}

}  // namespace

void add_tracing_options(CLI::App& root) {
  trace::TraceSettings& traces = settings();
  root.add_option("--trace-sampling", traces.sampling,
                  "Which events are traced: all; ratio:X (a share, 0 to 1); tail:N (one of N, and "
                  "every alert, error and slow event); off (default: all)")
      ->envname("TOCSIN_TRACE_SAMPLING")
      ->check(wrong_sampling)
      ->group(kTraceGroup);
  root.add_option("--trace-slow", traces.slow_seconds,
                  "tail: SECONDS from source to verdict that make an event slow (default: 1)")
      ->envname("TOCSIN_TRACE_SLOW")
      ->check(CLI::Range(0.0, 1e6))
      ->group(kTraceGroup);
  root.add_option("--trace-header", traces.headers,
                  "Header NAME=VALUE for the collector, such as authorization; repeatable; "
                  "better in the variable, where `ps` does not show it")
      ->envname("TOCSIN_TRACE_HEADER")
      ->allow_extra_args(false)
      ->check(wrong_header)
      ->group(kTraceGroup);
  root.add_option("--trace-compression", traces.compression, "none or gzip (default: none)")
      ->envname("TOCSIN_TRACE_COMPRESSION")
      ->check(CLI::IsMember({"none", "gzip"}))
      ->group(kTraceGroup);
  root.add_option("--trace-ca", traces.ca_file, "PEM file of authorities for an https:// collector")
      ->envname("TOCSIN_TRACE_CA")
      ->group(kTraceGroup);
  root.add_option("--trace-certificate", traces.certificate, "PEM file of our own certificate")
      ->envname("TOCSIN_TRACE_CERTIFICATE")
      ->group(kTraceGroup);
  root.add_option("--trace-key", traces.key, "PEM file of its key")
      ->envname("TOCSIN_TRACE_KEY")
      ->group(kTraceGroup);
  root.add_option("--trace-timeout", traces.timeout_seconds,
                  "SECONDS that one request may take (default: 5)")
      ->envname("TOCSIN_TRACE_TIMEOUT")
      ->check(CLI::Range(0.001, 3600.0))
      ->group(kTraceGroup);
  root.add_option("--trace-queue", traces.queue_spans_max,
                  "Spans that may wait for a destination; what does not fit is dropped and counted "
                  "(default: 65536)")
      ->envname("TOCSIN_TRACE_QUEUE")
      ->check(CLI::Range(1, 100'000'000))
      ->group(kTraceGroup);
}

Result<trace::TracerOptions> trace_options(const Shared& shared, const std::string& service) {
  trace::TraceSettings whole = settings();
  whole.destinations = shared.traces;
  return trace::resolve(whole, service, [](const char* name) { return std::getenv(name); });
}

std::vector<std::string> trace_arguments() {
  const trace::TraceSettings& traces = settings();
  std::vector<std::string> arguments;
  const auto add = [&](const char* flag, const std::string& value) {
    arguments.emplace_back(flag);
    arguments.push_back(value);
  };
  const auto add_optional = [&](const char* flag, const std::optional<std::string>& value) {
    if (value) add(flag, *value);
  };
  add_optional("--trace-sampling", traces.sampling);
  for (const std::string& header : traces.headers) add("--trace-header", header);
  add_optional("--trace-compression", traces.compression);
  add_optional("--trace-ca", traces.ca_file);
  add_optional("--trace-certificate", traces.certificate);
  add_optional("--trace-key", traces.key);
  return arguments;
}

void append_span_counts(JsonWriter& json, const trace::TracerStats& spans) {
  json.key("spans");
  json.object([&] {
    json.member("exported", spans.exported);
    json.member("dropped", spans.dropped);
    json.member("queue_full", spans.queue_full);
    json.member("rejected", spans.rejected);
    json.member("no_taker", spans.no_taker);
  });
}

}  // namespace tocsin::cli
