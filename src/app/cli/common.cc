// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <csignal>
#include <cstdio>

#include "app/cli/command.h"

namespace tocsin::cli {
namespace {

std::atomic<bool> g_stop{false};

void on_signal(int signal) {
  // A second signal does what it would have done without us.
  if (g_stop.exchange(true)) std::signal(signal, SIG_DFL);
}

}  // namespace

bool stop_requested() { return g_stop.load(std::memory_order_relaxed); }

void install_signal_handlers() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
}

int report(const Error& error) {
  std::fprintf(stderr, "tocsin: %s\n", error.message.c_str());
  return kFailed;
}

std::string Shared::bus_url() const { return bus.empty() ? "embedded:" + data_dir + "/bus" : bus; }

Result<std::unique_ptr<bus::Bus>> Shared::open_bus() const {
  std::map<std::string, std::string> properties;
  for (const std::string& property : bus_properties) {
    const std::size_t equals = property.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::kInvalid, "--bus-property '" + property + "': expected name=value");
    properties[property.substr(0, equals)] = property.substr(equals + 1);
  }
  return bus::open(bus_url(), properties);
}

void add_bus_options(CLI::App& command, Shared& shared) {
  command
      .add_option("--bus", shared.bus,
                  "embedded:DIR or kafka://HOST:PORT,... (default: embedded in the data directory)")
      ->envname("TOCSIN_BUS");
  command
      .add_option("--bus-property", shared.bus_properties,
                  "librdkafka property name=value (TLS, SASL, tuning); repeatable")
      ->envname("TOCSIN_BUS_PROPERTY")
      ->allow_extra_args(false);
  command.add_option("--raw-topic", shared.raw_topic, "Topic of the events")
      ->envname("TOCSIN_RAW_TOPIC")
      ->capture_default_str();
  command.add_option("--alerts-topic", shared.alerts_topic, "Topic of the alerts")
      ->envname("TOCSIN_ALERTS_TOPIC")
      ->capture_default_str();
  command.add_option("--dead-letter-topic", shared.dead_letter_topic, "Topic of unreadable events")
      ->envname("TOCSIN_DEAD_LETTER_TOPIC")
      ->capture_default_str();
}

void add_trace_options(CLI::App& command, Shared& shared) {
  command
      .add_option(
          "--traces", shared.traces,
          "Where spans go: http://HOST:4318 (OTLP), FILE.db (for `tocsin trace`), or a FILE of "
          "OTLP JSON lines; repeatable")
      ->envname("TOCSIN_TRACES")
      ->allow_extra_args(false);
}

}  // namespace tocsin::cli
