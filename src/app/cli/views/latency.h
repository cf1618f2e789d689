// SPDX-License-Identifier: Apache-2.0
//
// Where the time of events goes, as people and as programs read it. Pure.
//
//   insight::Latency -> render_latency(), latency_json()
#pragma once

#include <string>

#include "app/cli/tables.h"
#include "app/insight/latency.h"

namespace tocsin::cli {

using insight::Latency;
using insight::LatencyCollector;
using insight::LatencyRow;

[[nodiscard]] std::string render_latency(const Latency& latency, const Style& style);
// One JSON object, with its newline.
[[nodiscard]] std::string latency_json(const Latency& latency);

}  // namespace tocsin::cli
