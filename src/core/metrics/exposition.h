// SPDX-License-Identifier: Apache-2.0
//
// Exposition: a scrape as text.
//
//   FamilySamples... -> Prometheus' text format 0.0.4 | OpenMetrics 1.0.0
//
// They differ little: OpenMetrics names a counter's family without "_total", carries exemplars and
// ends with "# EOF".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/metrics/registry.h"

namespace tocsin::metrics {

enum class Format : std::uint8_t { kPrometheus, kOpenMetrics };

// What the `Accept` header of a scrape asks for: OpenMetrics when it is named (with a quality above
// 0), else Prometheus' own format.
[[nodiscard]] Format format_wanted(std::string_view accept);
[[nodiscard]] std::string_view content_type(Format format);

[[nodiscard]] std::string to_text(std::span<const FamilySamples> families, Format format);

}  // namespace tocsin::metrics
