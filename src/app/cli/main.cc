// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "app/cli/command.h"
#include "app/cli/config_file.h"
#include "base/log.h"

namespace {

constexpr const char* kAbout =
    "Tocsin: event-driven detection. Producers publish logs to the topic raw-events, detect "
    "matches\n"
    "them against Sigma rules, maps them to MITRE ATT&CK and writes verdicts, alerts and traces.";

constexpr const char* kExamples =
    "Examples:\n"
    "  tocsin demo                                    the whole pipeline on sample attacks, "
    "embedded\n"
    "  tocsin scan --rules sigma/rules logs/          offline: which rules fire in these files\n"
    "  tocsin produce logs/ & tocsin detect           the pipeline by hand\n"
    "  tocsin --bus kafka://localhost:9092 detect     the same on Kafka\n"
    "\n"
    "Every option may stand in a YAML file (--config FILE) or in the environment "
    "(TOCSIN_BUS=...).\n"
    "Exit status: 0 done, 1 failed at run time, 2 wrong usage or configuration.";

int run(int argc, char** argv) {
  using namespace tocsin::cli;
  CLI::App app(kAbout, "tocsin");
  app.footer(kExamples);
  app.set_version_flag("--version", "tocsin " TOCSIN_VERSION);
  app.set_config("--config", "", "YAML file with options; flags and TOCSIN_* variables win over it")
      ->envname("TOCSIN_CONFIG");
  app.config_formatter(std::make_shared<YamlConfig>());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);

  Shared shared;
  app.add_option("--data", shared.data_dir, "Directory of the bus, the stores and the traces")
      ->envname("TOCSIN_DATA_DIR")
      ->capture_default_str();
  app.add_flag("-q,--quiet", shared.quiet, "Only warnings and errors on stderr");
  app.add_flag("-v,--verbose", shared.verbose, "Debugging details on stderr");
  app.parse_complete_callback([&shared] {
    if (shared.verbose) tocsin::set_log_level(tocsin::LogLevel::kDebug);
    if (shared.quiet) tocsin::set_log_level(tocsin::LogLevel::kWarning);
  });

  Context context{app, shared};
#define X(command) add_##command(context);
#include "commands.inc"
#undef X
  install_signal_handlers();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kUsage;
  }
  return context.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tocsin: %s\n", error.what());
    return tocsin::cli::kFailed;
  }
}
