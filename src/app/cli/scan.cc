// SPDX-License-Identifier: Apache-2.0
//
// tocsin scan: which rules fire in files and folders, without a bus.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "app/cli/command.h"
#include "app/cli/progress.h"
#include "app/cli/rule_options.h"
#include "app/cli/tables.h"
#include "app/pipeline/classifier.h"
#include "base/log.h"
#include "core/event/event_id.h"
#include "stages/produce/files/files.h"

namespace tocsin::cli {
namespace {

struct ScanOptions {
  RuleOptions rules;
  std::vector<std::string> paths;
  std::string format = "table";
  std::string output;
  bool all_verdicts = false;
};

struct RuleHits {
  std::size_t hits = 0;
  std::string first_path;
  std::uint64_t first_record = 0;
};

struct Totals {
  std::uint64_t events = 0, detections = 0, alerts = 0, repaired = 0, poison = 0, problems = 0;
  std::uint64_t skipped_files = 0, unreadable = 0;
};

class Scan {
 public:
  Scan(const ScanOptions& options, LoadedRules rules, bool quiet)
      : options_(options),
        rules_(std::move(rules)),
        classifier_(rules_.engine, *rules_.taxonomy),
        out_(stdout),
        progress_(quiet) {}
  ~Scan() {
    if (out_ != stdout) std::fclose(out_);
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  int run();

 private:
  bool open_output();
  void take(const RawEvent& event);
  void take(const produce::Problem& problem);
  void write(const pipeline::Classification& result);
  void flush(bool force);
  void show_progress(const produce::Source& source);
  void print_table();
  void print_summary() const;

  const ScanOptions& options_;
  LoadedRules rules_;
  pipeline::Classifier classifier_;
  pipeline::Classification result_;
  std::FILE* out_;
  std::string buffer_;
  bool write_failed_ = false;
  Progress progress_;
  Totals totals_;
  std::map<std::string, RuleHits> hits_;  // by rule id
};

bool Scan::open_output() {
  if (!options_.output.empty() && options_.output != "-") {
    out_ = std::fopen(options_.output.c_str(), "wb");
    if (out_ == nullptr) {
      out_ = stdout;
      std::fprintf(stderr, "tocsin: %s: cannot be written\n", options_.output.c_str());
      return false;
    }
  }
  if (options_.format == "csv") buffer_.append(kVerdictColumns).append("\r\n");
  return true;
}

void Scan::flush(bool force) {
  if (buffer_.empty() || (!force && buffer_.size() < (1u << 16))) return;
  progress_.clear();
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), out_) != buffer_.size()) write_failed_ = true;
  buffer_.clear();
  if (force && std::fflush(out_) != 0) write_failed_ = true;
}

void Scan::write(const pipeline::Classification& result) {
  if (options_.format == "jsonl") {
    for (const Alert& alert : result.alerts) {
      append_json(buffer_, alert);
      buffer_.push_back('\n');
    }
  } else if (options_.format == "csv") {
    if (options_.all_verdicts || result.verdict.detected()) append_csv(buffer_, result.verdict);
  }
  flush(false);
}

void Scan::take(const RawEvent& event) {
  ++totals_.events;
  const Uuid fallback = event_id_from_position(
      event.origin.path, 0,
      static_cast<std::int64_t>(event.origin.line != 0 ? event.origin.line
                                                       : event.origin.record_id));
  const pipeline::EventSource source{
      {}, {}, event.origin.path, event.origin.line, event.origin.record_id, fallback};
  if (const auto status = classifier_.classify(event.json, source, result_); !status) {
    ++totals_.poison;
    progress_.clear();
    log_warning("{}:{}: {}", event.origin.path,
                event.origin.line != 0 ? event.origin.line : event.origin.record_id,
                status.error().message);
    return;
  }
  totals_.repaired += result_.repaired;
  totals_.detections += result_.verdict.detected();
  totals_.alerts += result_.alerts.size();
  for (const Alert& alert : result_.alerts) {
    RuleHits& hits = hits_[alert.rule_id];
    if (hits.hits++ == 0) {
      hits.first_path = alert.file_path;
      hits.first_record = alert.line != 0 ? alert.line : alert.record_id;
    }
  }
  write(result_);
}

void Scan::show_progress(const produce::Source& source) {
  const produce::SourceProgress read = source.progress();
  ProgressState state;
  state.label = "scanning";
  state.done = read.bytes_done;
  state.total = read.bytes_total;
  state.events = totals_.events;
  state.problems = totals_.poison + totals_.problems;
  state.note = fmt::format("{} alerts", grouped(static_cast<std::int64_t>(totals_.alerts)));
  progress_.update(state);
}

void Scan::take(const produce::Problem& problem) {
  progress_.clear();
  if (problem.skipped_only) {
    ++totals_.skipped_files;
    log_debug("{}: {}", problem.origin.path, problem.message);
    return;
  }
  ++totals_.problems;
  totals_.unreadable += problem.code == "file.unreadable";
  log_warning("{}: {} [{}, byte {}]", problem.origin.path, problem.message, problem.code,
              problem.byte_offset);
}

void Scan::print_table() {
  struct Row {
    const sigma::Rule* rule;
    const RuleHits* hits;
  };
  std::vector<Row> rows;
  for (const sigma::Rule& rule : rules_.engine->rules())
    if (const auto found = hits_.find(rule.id); found != hits_.end())
      rows.push_back({&rule, &found->second});
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (a.rule->level != b.rule->level) return a.rule->level > b.rule->level;
    if (a.hits->hits != b.hits->hits) return a.hits->hits > b.hits->hits;
    return a.rule->id < b.rule->id;
  });
  const auto tint = [](Level level) {
    if (level >= Level::kHigh) return Tint::kRed;
    return level == Level::kMedium ? Tint::kYellow : Tint::kDim;
  };
  Table table;
  table.columns = {{"LEVEL"},
                   {"HITS", Align::kRight},
                   {"TACTIC"},
                   {"RULE", Align::kLeft, true},
                   {"FIRST SEEN IN", Align::kLeft, true}};
  for (const Row& row : rows)
    table.rows.push_back({{std::string(to_string(row.rule->level)), tint(row.rule->level)},
                          grouped(static_cast<std::int64_t>(row.hits->hits)),
                          row.rule->tactics.empty() ? std::string("-") : row.rule->tactics.front(),
                          row.rule->title,
                          fmt::format("{}:{}", row.hits->first_path, row.hits->first_record)});
  const Style style = style_of(out_ == stdout ? STDOUT_FILENO : fileno(out_));
  buffer_ += rows.empty() ? std::string("No rule matched.\n") : render_table(table, style);
}

void Scan::print_summary() const {
  log_info("{} events, {} with a detection, {} alerts of {} rules{}{}{}", totals_.events,
           totals_.detections, totals_.alerts, hits_.size(),
           totals_.repaired > 0 ? fmt::format(", {} repaired", totals_.repaired) : "",
           totals_.poison + totals_.problems > 0
               ? fmt::format(", {} unreadable parts", totals_.poison + totals_.problems)
               : "",
           totals_.skipped_files > 0
               ? fmt::format(", {} files that are no logs", totals_.skipped_files)
               : "");
}

int Scan::run() {
  auto source = produce::open_files(options_.paths, {});
  if (!source) return report(source.error());
  if (!open_output()) return kFailed;
  RawEvent event;
  produce::Problem problem;
  std::uint64_t steps = 0;
  for (bool more = true; more && !stop_requested() && !write_failed_;) {
    if (++steps % 256 == 0) show_progress(**source);
    switch ((*source)->next(event, problem)) {
      case produce::Next::kEvent:
        take(event);
        break;
      case produce::Next::kProblem:
        take(problem);
        break;
      case produce::Next::kIdle:
        break;
      case produce::Next::kEnd:
        more = false;
        break;
    }
  }
  progress_.clear();
  if (options_.format == "table") print_table();
  flush(true);
  print_summary();
  if (write_failed_) std::fprintf(stderr, "tocsin: the output could not be written (disk full?)\n");
  return write_failed_ || totals_.unreadable > 0 || stop_requested() ? kFailed : kDone;
}

}  // namespace

void add_scan(Context& context) {
  auto options = std::make_shared<ScanOptions>();
  CLI::App* command = context.root.add_subcommand(
      "scan", "Match Sigma rules against files and folders, offline: EVTX, JSON, .gz, .zst, .zip");
  add_rule_options(*command, options->rules);
  command
      ->add_option("--format", options->format,
                   "table (rules that fired), jsonl (alerts), csv (verdicts)")
      ->check(CLI::IsMember({"table", "jsonl", "csv"}))
      ->envname("TOCSIN_SCAN_FORMAT")
      ->capture_default_str();
  command->add_option("-o,--output", options->output,
                      "Write the result to this file instead of stdout");
  command->add_flag("--all", options->all_verdicts,
                    "csv: also the verdicts of events without a detection");
  command->add_option("PATH", options->paths, "Files and folders; - is standard input")->required();
  command->footer(
      "Examples:\n"
      "  tocsin scan C/Windows/System32/winevt/Logs            the starter rules over a folder of "
      "EVTX\n"
      "  tocsin scan --rules sigma/rules logs/ --format jsonl -o alerts.jsonl\n"
      "  zcat events.jsonl.gz | tocsin scan -\n"
      "\n"
      "Exit status: 0 also when rules fired; 1 when a file could not be read.");
  command->callback([&context, options] {
    auto rules = compile_rules(options->rules);
    if (!rules) {
      report(rules.error());
      context.exit_code = kUsage;
      return;
    }
    context.exit_code = Scan(*options, *std::move(rules), context.shared.quiet).run();
  });
}

}  // namespace tocsin::cli
