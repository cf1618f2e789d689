// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/scan_run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "app/cli/command.h"
#include "app/cli/page/page.h"
#include "app/cli/scan/damage.h"
#include "app/cli/scan/html/report.h"
#include "app/cli/scan/outputs.h"
#include "app/cli/scan/worker.h"
#include "app/cli/views/progress.h"
#include "app/cli/views/scan_summary.h"
#include "base/log.h"
#include "base/threads/parallel.h"

namespace tocsin::cli::scan {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWaitingBytesMax = 256u << 20;

// No more threads than there are parts to read.
std::size_t thread_count(const Options& options, const produce::PartPlan& plan) {
  const std::size_t wanted = options.threads != 0 ? options.threads : usable_cores();
  std::uint64_t parts = 0;
  for (const produce::FoundFile& file : plan.files())
    parts += 1 + file.bytes / produce::PartPlan::kLinesBytes;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(parts, 1, wanted));
}

class Scan {
 public:
  Scan(const Options& options, LoadedRules rules, Filter filter, UnixNanos now, bool quiet)
      : options_(options),
        rules_(std::move(rules)),
        filter_(std::move(filter)),
        plan_(options.paths, {.stop = stop_requested}),
        in_order_([this](Chunk& chunk) { take(chunk); }, kWaitingBytesMax),
        outputs_(options),
        report_(options.html_rows),
        progress_(quiet),
        now_(now),
        shared_{.plan = plan_,
                .in_order = in_order_,
                .filter = filter_,
                .engine = rules_.engine,
                .taxonomy = *rules_.taxonomy},
        damage_(options.paths) {}

  int run();

 private:
  void read_all();
  void take(Chunk& chunk);
  void tell(const Chunk::Trouble& trouble);
  void show_progress();
  [[nodiscard]] Status finish();
  void print_summary();
  [[nodiscard]] std::string summary_line() const;

  const Options& options_;
  const LoadedRules rules_;
  const Filter filter_;
  produce::PartPlan plan_;
  InOrder in_order_;
  Outputs outputs_;
  html::Report report_;
  Progress progress_;
  const UnixNanos now_;
  WorkerContext shared_;
  Findings findings_;
  Damage damage_;
  std::optional<Error> failed_;
};

// Called in the order of the input, by one thread at a time.
void Scan::take(Chunk& chunk) {
  for (const Chunk::Trouble& trouble : chunk.troubles) tell(trouble);
  for (const auto& [file, count] : chunk.events_of_files) damage_.add_events(file, count);
  if (chunk.ends_file) damage_.finish_file();
  findings_.merge(std::move(chunk.findings));
  for (Alert& alert : chunk.report_rows) report_.add(std::move(alert));
  if (failed_) return;
  if (outputs_.writes_to_terminal() && !chunk.text.empty()) progress_.clear();
  if (auto status = outputs_.add(chunk.text, chunk.timelines); !status) {
    failed_ = std::move(status).error();
    shared_.stop = true;
  }
}

void Scan::tell(const Chunk::Trouble& trouble) {
  const produce::Problem& problem = trouble.problem;
  if (!damage_.add(problem, trouble.count)) {
    if (problem.skipped_only) log_debug("{}", message_of(problem));
    return;
  }
  progress_.clear();
  if (problem.code == "event.invalid")
    log_warning("{}", problem.message);
  else if (problem.byte_offset == 0)
    log_warning("{} [{}]", message_of(problem), problem.code);
  else
    log_warning("{} [{}, byte {}]", message_of(problem), problem.code, problem.byte_offset);
}

void Scan::show_progress() {
  ProgressState state;
  state.label = "scanning";
  state.done = shared_.bytes;
  state.total = plan_.bytes_total();
  state.events = shared_.events;
  state.problems = shared_.problems;
  state.note = fmt::format("{} alerts", grouped(static_cast<std::int64_t>(shared_.alerts)));
  in_order_.locked([&] { progress_.update(state); });
}

void Scan::read_all() {
  std::atomic<std::size_t> running = thread_count(options_, plan_);
  std::vector<std::jthread> threads;
  for (std::size_t i = running; i > 0; --i)
    threads.emplace_back([&] {
      Worker(shared_).run();
      --running;
      running.notify_all();
    });
  std::jthread drawing([&](const std::stop_token& done) {
    std::mutex mutex;
    std::condition_variable_any ended;  // wakes at once, so that a short scan does not wait
    std::unique_lock lock(mutex);
    while (!done.stop_requested()) {
      ended.wait_for(lock, done, 20ms, [] { return false; });
      show_progress();
      if (!stop_requested() && !shared_.stop) continue;
      shared_.stop = true;
      in_order_.stop_waiting();
    }
  });
  for (std::jthread& thread : threads) thread.join();
}

Status Scan::finish() {
  progress_.clear();
  if (failed_) return tl::unexpected(*failed_);
  const Style style = style_of(outputs_.descriptor());
  if (options_.format == "table" && options_.summary != "none")
    TOCSIN_TRY_STATUS(outputs_.add(options_.summary == "json" ? findings_json(findings_, damage_)
                                                              : render_findings(findings_, style),
                                   {}));
  TOCSIN_TRY_STATUS(outputs_.finish());
  if (options_.html.empty()) return {};
  return report_.write(
      options_.html, findings_, damage_,
      {.now = now_, .paths = options_.paths, .rules = rules_.engine->stats().rules});
}

std::string Scan::summary_line() const {
  const Counts& c = findings_.counts;
  return fmt::format(
      "{} events, {} with a detection, {} alerts of {} rules{}{}{}{}", c.events, c.detections,
      c.alerts, findings_.rules.size(),
      c.unknown > 0 ? fmt::format(", {} of no known kind (--logsource)", c.unknown) : "",
      c.repaired > 0 ? fmt::format(", {} repaired", c.repaired) : "",
      damage_.problems() > 0 ? fmt::format(", {} unreadable parts", damage_.problems()) : "",
      damage_.passed_over() > 0 ? fmt::format(", {} files that are no logs", damage_.passed_over())
                                : "");
}

// With rows on stdout, what people want to know goes to stderr, and JSON to stdout when that is
// free.
void Scan::print_summary() {
  if (options_.format != "table" && outputs_.stdout_is_free()) {
    const std::string text = options_.summary == "json" ? findings_json(findings_, damage_)
                             : options_.summary == "text"
                                 ? render_findings(findings_, style_of(STDOUT_FILENO))
                                 : std::string();
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  const std::string damage = render_damage(damage_, style_of(STDERR_FILENO));
  if (!damage.empty()) std::fprintf(stderr, "%s\n", damage.c_str());
  log_info("{}", summary_line());
}

int Scan::run() {
  if (const auto status = outputs_.open(); !status) return report(status.error());
  if (!options_.html.empty())
    if (const auto status = page::check(options_.html); !status) return report(status.error());
  outputs_.describe(shared_);
  shared_.kind_given = !options_.rules.logsource.empty();
  shared_.all_verdicts = options_.all_verdicts && options_.format == "csv";
  shared_.report = !options_.html.empty();
  shared_.now = now_;
  read_all();
  const Status finished = finish();
  print_summary();
  if (!finished) report(finished.error());
  if (!finished || damage_.lost_files() > 0 || stop_requested()) return kFailed;
  return kDone;
}

}  // namespace

int run(const Options& options, bool quiet) {
  const UnixNanos now = page::stamp();
  auto rules = compile_rules(options.rules);
  if (!rules) {
    report(rules.error());
    return kUsage;
  }
  auto filter = Filter::make(options, rules->engine->rules(), now);
  if (!filter) {
    report(filter.error());
    return kUsage;
  }
  return Scan(options, *std::move(rules), *std::move(filter), now, quiet).run();
}

}  // namespace tocsin::cli::scan
