// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#ifdef TOCSIN_MIMALLOC
#include <mimalloc.h>
#endif

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/setup/bus_properties.h"
#include "app/cli/setup/config_file.h"
#include "app/cli/setup/trace_options.h"
#include "app/cli/setup/usage.h"
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

#ifdef TOCSIN_MIMALLOC
// What the client of the bus frees it soon wants again: given back to the kernel at once (after 25
// ms by default), it costs two page faults an event.
void keep_freed_memory_for_two_seconds() {
  constexpr long kMilliseconds = 2'000;
#if MI_MALLOC_VERSION >= 210
  if (std::getenv("MIMALLOC_PURGE_DELAY") == nullptr)
    mi_option_set(mi_option_purge_delay, kMilliseconds);
#else
  if (std::getenv("MIMALLOC_DECOMMIT_DELAY") == nullptr)
    mi_option_set(mi_option_decommit_delay, kMilliseconds);
#endif
}
#endif

// The arguments in CLI11's order, last first; `tocsin help X` is `tocsin X --help`, and the
// configuration that only TOCSIN_CONFIG names is read as if it stood on the command line.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  const bool config = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "--config" || word.starts_with("--config=");
  });
  if (const char* file = std::getenv("TOCSIN_CONFIG"); file != nullptr && *file != '\0' && !config)
    words.insert(words.begin(), std::string("--config=") + file);
  std::reverse(words.begin(), words.end());
  return words;
}

void set_up(CLI::App& app, tocsin::cli::Shared& shared) {
  using namespace tocsin::cli;
  app.set_version_flag("--version", "tocsin " TOCSIN_VERSION);
  app.formatter(std::make_shared<HelpFormatter>(shared));
  app.get_formatter()->column_width(34);
  app.set_config("--config", "", "YAML file with options; flags and TOCSIN_* variables win over it")
      ->envname("TOCSIN_CONFIG")
      ->group(kCommonGroup);
  app.config_formatter(std::make_shared<YamlConfig>(app));
  app.require_subcommand(1);
  app.fallthrough();
  add_shared_options(app, shared);
  app.parse_complete_callback([&shared] {
    if (shared.verbose) tocsin::set_log_level(tocsin::LogLevel::kDebug);
    if (shared.quiet) tocsin::set_log_level(tocsin::LogLevel::kWarning);
  });
}

// False when something printed was lost. A reader that left its pipe has seen enough.
bool flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  struct stat status{};
  return fstat(STDOUT_FILENO, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

int run(int argc, char** argv) {
  using namespace tocsin::cli;
  CLI::App app(kAbout, "tocsin");
  Shared shared;
  set_up(app, shared);
  Context context{app, shared};
#define X(command) add_##command(context);
#include "commands.inc"
#undef X
  refuse_negative_numbers(app);
  app.footer(kExamples);  // after the commands, which would inherit it
  install_signal_handlers();
  try {
    std::vector<std::string> arguments = arguments_of(argc, argv);
    hide_secret_arguments(argc, argv);
    app.parse(std::move(arguments));
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fputs(usage_message(app, error).c_str(), stderr);
    return kUsage;
  }
  if (!flush_output()) {
    std::fputs("tocsin: cannot write to the standard output (disk full?)\n", stderr);
    return kFailed;
  }
  return context.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef TOCSIN_MIMALLOC
  keep_freed_memory_for_two_seconds();
#endif
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tocsin: %s\n", error.what());
    return tocsin::cli::kFailed;
  }
}
