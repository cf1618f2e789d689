// SPDX-License-Identifier: Apache-2.0
#include "app/cli/setup/metrics_options.h"

#include <chrono>

#include "base/log.h"

namespace tocsin::cli {
namespace {

std::string wrong_address(const std::string& text) {
  const auto address = metrics::parse_address(text);
  return address ? std::string() : address.error().message;
}

}  // namespace

void add_metrics_options(CLI::App& command, MetricsOptions& options, bool loops) {
  command
      .add_option("--metrics", options.address,
                  "Serve /metrics, /healthz and /readyz on HOST:PORT; port 0: a free one, which is "
                  "told (default: nothing is served)")
      ->envname("TOCSIN_METRICS")
      ->check(wrong_address);
  if (!loops) return;
  command
      .add_option("--health-timeout", options.stall_seconds,
                  "/healthz fails when a worker has not come round for so many SECONDS")
      ->envname("TOCSIN_HEALTH_TIMEOUT")
      ->check(CLI::Range(1.0, 86'400.0))
      ->capture_default_str();
}

metrics::Health make_health(const MetricsOptions& options) {
  return metrics::Health(
      std::chrono::milliseconds(static_cast<std::int64_t>(options.stall_seconds * 1'000)));
}

Result<std::unique_ptr<metrics::Endpoint>> open_endpoint(const MetricsOptions& options,
                                                         const metrics::Registry& registry,
                                                         const metrics::Health& health) {
  if (options.address.empty()) return nullptr;
  TOCSIN_TRY(const metrics::Address address, metrics::parse_address(options.address));
  TOCSIN_TRY(auto endpoint, metrics::Endpoint::open(address, registry, health));
  log_info("metrics: {}/metrics, /healthz, /readyz", endpoint->url());
  return endpoint;
}

}  // namespace tocsin::cli
