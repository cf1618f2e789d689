// SPDX-License-Identifier: Apache-2.0
//
// Settings of tracing: what the user said, completed by the environment variables that every
// OpenTelemetry SDK knows.
//
//   flag, else TOCSIN_* variable, else configuration file -> TraceSettings
//   TraceSettings, else OTEL_* variable, else default -> resolve() -> TracerOptions
//
// OTEL_SDK_DISABLED=true alone wins over everything: it is there to silence a process.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tocsin::trace {

struct TracerOptions;  // core/trace/tracer.h
struct TracerStats;

// What the user said; an absent value is one nobody gave.
struct TraceSettings {
  std::vector<std::string> destinations = {};
  std::optional<std::string> sampling = {};  // see parse_sampling()
  std::optional<double> slow_seconds = {};
  std::vector<std::string> headers = {};        // "name=value"
  std::optional<std::string> compression = {};  // "none", "gzip"
  std::optional<std::string> ca_file = {};
  std::optional<std::string> certificate = {};
  std::optional<std::string> key = {};
  std::optional<double> timeout_seconds = {};  // of one request
  std::optional<std::size_t> queue_spans_max = {};
};

// The value of an environment variable; null when it is not set.
using Environment = std::function<const char*(const char* name)>;

// `service` is the stage's own name. kInvalid for a setting of the user's that is wrong; a wrong
// OTEL_* variable is told by a warning, which does not show its value, and ignored, as
// OpenTelemetry asks.
[[nodiscard]] Result<TracerOptions> resolve(const TraceSettings& settings,
                                            const std::string& service,
                                            const Environment& environment);

// "k1=v1,k2=v%202": the form of OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS (W3C
// Baggage without properties). Empty when it cannot be read.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_pairs(
    std::string_view text);

}  // namespace tocsin::trace
