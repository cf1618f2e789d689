// SPDX-License-Identifier: Apache-2.0
//
// tocsin scan: which rules fire in files and folders, without a bus. Its options; scan/ does the
// work.
#include "app/cli/command.h"
#include "app/cli/scan/options.h"
#include "app/cli/scan/scan_run.h"

namespace tocsin::cli {
namespace {

constexpr const char* kFilterGroup = "Which alerts";
constexpr const char* kOutputGroup = "What is written";

void add_output_options(CLI::App& command, scan::Options& options) {
  command
      .add_option(
          "--format", options.format,
          "Of the output: table (summary), jsonl (alerts), csv (verdicts), timeline (CSV by "
          "time), timeline-jsonl")
      ->check(CLI::IsMember({"table", "jsonl", "csv", "timeline", "timeline-jsonl"}))
      ->envname("TOCSIN_SCAN_FORMAT")
      ->capture_default_str()
      ->group(kOutputGroup);
  command
      .add_option("-o,--output", options.output, "Write the output to this file instead of stdout")
      ->group(kOutputGroup);
  command
      .add_option("--html", options.html,
                  "Also write a report: one HTML file that needs no network")
      ->group(kOutputGroup);
  command
      .add_option("--html-rows", options.html_rows, "At most so many alerts in the report's table")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->group(kOutputGroup);
  command
      .add_option("--timeline", options.timelines,
                  "Also write one row for each alert to this file: .csv or .jsonl; repeatable")
      ->allow_extra_args(false)
      ->group(kOutputGroup);
  command.add_option("--sort", options.sort, "Of timelines: time, or input (as the files come)")
      ->check(CLI::IsMember({"time", "input"}))
      ->capture_default_str()
      ->group(kOutputGroup);
  command
      .add_option("--summary", options.summary,
                  "text, json or none; stdout when the output leaves it free (auto: text with "
                  "--format table)")
      ->check(CLI::IsMember({"auto", "text", "json", "none"}))
      ->capture_default_str()
      ->group(kOutputGroup);
  command
      .add_flag("--all", options.all_verdicts,
                "csv: also the verdicts of events without a detection")
      ->group(kOutputGroup);
}

void add_filter_options(CLI::App& command, scan::Options& options) {
  command.add_option("--min-level", options.min_level, "This level and those above it")
      ->check(CLI::IsMember({"informational", "low", "medium", "high", "critical"}))
      ->envname("TOCSIN_SCAN_MIN_LEVEL")
      ->group(kFilterGroup);
  command
      .add_option("--from", options.from,
                  "Events from then on: 2026-01-31, 2026-01-31T08:00:00Z, or an age: 24h, 7d (UTC)")
      ->group(kFilterGroup);
  command.add_option("--to", options.to, "Events until then; a date counts to its end")
      ->group(kFilterGroup);
  command
      .add_option("--host", options.hosts,
                  "Only this host; * stands for anything, case does not matter; repeatable")
      ->allow_extra_args(false)
      ->group(kFilterGroup);
  command
      .add_option("--rule", options.only_rules,
                  "Only the rule with this id or title (* stands for anything); repeatable")
      ->allow_extra_args(false)
      ->group(kFilterGroup);
}

// Wrong combinations, which no option alone can see; empty when all is well.
std::string wrong_use(const scan::Options& options) {
  const bool to_stdout = options.output.empty() || options.output == "-";
  if (options.format != "table" && to_stdout &&
      (options.summary == "json" || options.summary == "text"))
    return "--summary " + options.summary + ": stdout holds --format " + options.format +
           " already; give that a file with -o";
  if (options.all_verdicts && options.format != "csv")
    return "--all: only --format csv has rows for events without a detection";
  for (const std::string& path : options.timelines)
    if (!path.ends_with(".csv") && !path.ends_with(".jsonl") && !path.ends_with(".ndjson"))
      return "--timeline '" + path + "': the name must end in .csv or .jsonl";
  return {};
}

}  // namespace

void add_scan(Context& context) {
  auto options = std::make_shared<scan::Options>();
  CLI::App* command = context.root.add_subcommand(
      "scan", "Match Sigma rules against files and folders, offline: EVTX, JSON, .gz, .zst, .zip");
  add_rule_options(*command, options->rules);
  add_output_options(*command, *options);
  add_filter_options(*command, *options);
  command
      ->add_option("--threads", options->threads,
                   "How many threads; the outputs are the same for any number (default: all cores)")
      ->check(CLI::Range(0, 1024))
      ->envname("TOCSIN_SCAN_THREADS");
  command->add_option("PATH", options->paths, "Files and folders; - is standard input")->required();
  command->footer(
      "Examples:\n"
      "  tocsin scan C/Windows/System32/winevt/Logs            the starter rules over a folder of "
      "EVTX\n"
      "  tocsin scan --rules sigma/rules --html report.html --timeline timeline.csv evidence/\n"
      "  tocsin scan --rules sigma/rules logs/ --format jsonl -o alerts.jsonl\n"
      "  tocsin scan --min-level high --from 7d --host 'DC*' logs/\n"
      "  zcat events.jsonl.gz | tocsin scan -\n"
      "\n"
      "Damaged files are read as far as they can be and listed at the end.\n"
      "Exit status: 0 also when rules fired; 1 when a file could not be read at all, a named file "
      "is "
      "no\n"
      "log, an output could not be written, or the scan was interrupted; 2 wrong usage.");
  command->callback([&context, options] {
    if (const std::string wrong = wrong_use(*options); !wrong.empty()) {
      report(Error{ErrorCode::kInvalid, wrong});
      context.exit_code = kUsage;
      return;
    }
    context.exit_code = scan::run(*options, context.shared.quiet);
  });
}

}  // namespace tocsin::cli
