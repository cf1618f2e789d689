// SPDX-License-Identifier: Apache-2.0
//
// A subcommand of `tocsin`: one file each, which adds its options and says what runs.
//
//   main.cc -> add_produce(app) ... -> Command::run() -> exit code
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::cli {

// Exit codes of the contract.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  // at run time
inline constexpr int kUsage = 2;   // wrong usage or configuration

// Options that many commands share. Every one is also a key of the YAML file given by --config and
// an environment variable TOCSIN_<NAME>; flags win over variables, variables over the file.
struct Shared {
  std::string data_dir = "tocsin-data";
  std::string bus = "";                     // empty: embedded:<data_dir>/bus
  std::vector<std::string> bus_properties;  // librdkafka "name=value"
  std::string bus_properties_file;          // more of them, a line each
  std::string raw_topic = "raw-events";
  std::string alerts_topic = "alerts";
  std::string verdicts_topic = "verdicts";
  std::string dead_letter_topic = "dead-letter";
  std::vector<std::string> traces;
  bool quiet = false;
  bool verbose = false;

  // Commands that heed the options of the bus and of tracing: for their help.
  std::vector<const CLI::App*> bus_commands, trace_commands;

  [[nodiscard]] std::string bus_url() const;
  [[nodiscard]] std::string spool_dir() const { return data_dir + "/spool"; }
  [[nodiscard]] Result<std::unique_ptr<bus::Bus>> open_bus() const;
};

// What main.cc gives to each add_*(): the root, the shared options, and where to put the exit code.
struct Context {
  CLI::App& root;
  Shared& shared;
  int exit_code = kDone;
};

// The headings of the shared options in the help.
inline constexpr const char* kBusGroup = "Bus";
inline constexpr const char* kTraceGroup = "Traces";
inline constexpr const char* kCommonGroup = "Common options";

// --data, --bus, --traces ...: options of the whole program, given before or after the command.
void add_shared_options(CLI::App& root, Shared& shared);
// Say in the help of the command that it heeds them.
void add_bus_options(CLI::App& command, Shared& shared);
void add_trace_options(CLI::App& command, Shared& shared);

// Prints "tocsin: <message>" on stderr and returns kFailed.
int report(const Error& error);

// Set by SIGINT and SIGTERM; long-running commands drain and leave when it turns true.
[[nodiscard]] bool stop_requested();
void install_signal_handlers();

// One per subcommand, in the order of `tocsin --help`.
void add_demo(Context& context);
void add_produce(Context& context);
void add_detect(Context& context);
void add_store(Context& context);
void add_search(Context& context);
void add_scan(Context& context);
void add_topics(Context& context);
void add_trace(Context& context);
void add_report(Context& context);
void add_rules(Context& context);
void add_dlq(Context& context);
void add_spool(Context& context);
void add_serve(Context& context);
void add_config(Context& context);
void add_doctor(Context& context);

}  // namespace tocsin::cli
