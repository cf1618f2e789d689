// SPDX-License-Identifier: Apache-2.0
//
// --metrics and --health-timeout: the options of stages that are watched.
//
//   options -> Registry and Health of the stage -> Endpoint
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "core/metrics/endpoint.h"

namespace tocsin::cli {

struct MetricsOptions {
  std::string address;  // empty: nobody listens
  double stall_seconds = 60;
};

// `loops`: whether the stage has loops that must come round.
void add_metrics_options(CLI::App& command, MetricsOptions& options, bool loops);

[[nodiscard]] metrics::Health make_health(const MetricsOptions& options);

// Null when it was not asked for. Says where it listens.
[[nodiscard]] Result<std::unique_ptr<metrics::Endpoint>> open_endpoint(
    const MetricsOptions& options, const metrics::Registry& registry,
    const metrics::Health& health);

}  // namespace tocsin::cli
