// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <csignal>
#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/setup/bus_properties.h"
#include "app/cli/setup/trace_options.h"

namespace tocsin::cli {
namespace {

std::atomic<bool> g_stop{false};

void on_signal(int signal) {
  // A second signal does what it would have done without us.
  if (!g_stop.exchange(true)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string wrong_bus(const std::string& url) {
  for (const std::string_view scheme : {"embedded:", "kafka://"})
    if (url.starts_with(scheme) && url.size() > scheme.size()) return {};
  return "'" + url + "' is no bus: embedded:DIR or kafka://HOST:PORT,HOST:PORT is wanted";
}

// The value stays untold: it may be a password.
std::string wrong_property(const std::string& property) {
  const std::size_t equals = property.find('=');
  if (equals != std::string::npos && equals > 0) return {};
  return "'" + property.substr(0, equals) + "': expected name=value";
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
  TOCSIN_TRY(const auto properties, bus_properties_of(*this));
  return bus::open(bus_url(), properties);
}

void add_shared_options(CLI::App& root, Shared& shared) {
  root.add_option("--data", shared.data_dir, "Directory of the bus, the stores and the traces")
      ->envname("TOCSIN_DATA_DIR")
      ->capture_default_str()
      ->group(kCommonGroup);
  root.add_flag("-q,--quiet", shared.quiet, "Only warnings and errors on stderr")
      ->envname("TOCSIN_QUIET")
      ->group(kCommonGroup);
  root.add_flag("-v,--verbose", shared.verbose, "Debugging details on stderr")
      ->envname("TOCSIN_VERBOSE")
      ->group(kCommonGroup);
  root.add_option("--bus", shared.bus,
                  "embedded:DIR or kafka://HOST:PORT,... (default: embedded in the data directory)")
      ->envname("TOCSIN_BUS")
      ->check(wrong_bus)
      ->group(kBusGroup);
  root.add_option("--bus-property", shared.bus_properties,
                  "librdkafka property name=value (TLS, SASL, tuning); repeatable; a value may be "
                  "env:NAME or file:PATH")
      ->envname("TOCSIN_BUS_PROPERTY")
      ->allow_extra_args(false)
      ->check(wrong_property)
      ->group(kBusGroup);
  root.add_option("--bus-properties-file", shared.bus_properties_file,
                  "FILE of such properties, a line each (as of kcat -F)")
      ->envname("TOCSIN_BUS_PROPERTIES_FILE")
      ->group(kBusGroup);
  const auto topic = [&root](const char* name, std::string& value, const char* variable,
                             const char* help) {
    root.add_option(name, value, help)->envname(variable)->capture_default_str()->group(kBusGroup);
  };
  topic("--raw-topic", shared.raw_topic, "TOCSIN_RAW_TOPIC", "Topic of the events");
  topic("--alerts-topic", shared.alerts_topic, "TOCSIN_ALERTS_TOPIC", "Topic of the alerts");
  topic("--verdicts-topic", shared.verdicts_topic, "TOCSIN_VERDICTS_TOPIC",
        "Topic of the verdicts (detect --sinks topic)");
  topic("--dead-letter-topic", shared.dead_letter_topic, "TOCSIN_DEAD_LETTER_TOPIC",
        "Topic of what could not be read");
  root.add_option("--traces", shared.traces,
                  "Where spans go: http://HOST:4318 (OTLP), FILE.db (for `tocsin trace`), or a "
                  "FILE of OTLP JSON lines; repeatable")
      ->envname("TOCSIN_TRACES")
      ->allow_extra_args(false)
      ->group(kTraceGroup);
  add_tracing_options(root);
}

void add_bus_options(CLI::App& command, Shared& shared) { shared.bus_commands.push_back(&command); }

void add_trace_options(CLI::App& command, Shared& shared) {
  shared.trace_commands.push_back(&command);
}

}  // namespace tocsin::cli
