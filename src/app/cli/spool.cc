// SPDX-License-Identifier: Apache-2.0
//
// tocsin spool: events that could not be delivered yet.
//
//   DATA/spool -> list;   drain -> their topics
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "app/cli/command.h"
#include "app/cli/setup/trace_options.h"
#include "app/cli/tables.h"
#include "app/cli/views/progress.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "core/bus/spool/spool_folder.h"
#include "core/trace/tracer.h"
#include "stages/produce/publish.h"

namespace tocsin::cli {
namespace {

struct SpoolCommand {
  std::string folder;
  bool json = false;
};

std::string folder_of(const SpoolCommand& command, const Shared& shared) {
  return command.folder.empty() ? shared.spool_dir() : command.folder;
}

std::string as_json(const std::vector<bus::spool::SpoolReport>& reports) {
  std::string out;
  JsonWriter json(out);
  json.array([&] {
    for (const bus::spool::SpoolReport& report : reports)
      json.object([&] {
        json.member("folder", report.folder);
        json.member("records", report.state.records);
        json.member("bytes", report.state.bytes);
        json.member("oldest", report.state.oldest == 0 ? std::string()
                                                       : format_rfc3339(report.state.oldest, 3));
        json.member("damaged_bytes", report.state.damaged_bytes);
        json.member("owner_pid", static_cast<std::int64_t>(report.owner));
      });
  });
  return out;
}

Result<int> list(const SpoolCommand& command, const Shared& shared) {
  const std::string folder = folder_of(command, shared);
  TOCSIN_TRY(const auto reports, bus::spool::inspect_all(folder));
  if (command.json) {
    std::printf("%s\n", as_json(reports).c_str());
    return kDone;
  }
  if (reports.empty()) {
    std::fprintf(stderr, "nothing waits in %s\n", folder.c_str());
    return kDone;
  }
  Table table{.columns = {{"SPOOL", Align::kLeft, true},
                          {"EVENTS", Align::kRight},
                          {"BYTES", Align::kRight},
                          {"OLDEST"},
                          {"STATE"}},
              .rows = {}};
  for (const bus::spool::SpoolReport& report : reports) {
    const std::string state =
        report.owner != 0 ? fmt::format("open in process {}", report.owner)
        : report.state.damaged_bytes != 0
            ? fmt::format("waits; {} bytes are damaged", report.state.damaged_bytes)
            : std::string("waits for `tocsin spool drain` or the next produce");
    table.rows.push_back(
        {Cell(report.folder), Cell(grouped(static_cast<std::int64_t>(report.state.records))),
         Cell(grouped(static_cast<std::int64_t>(report.state.bytes))),
         Cell(report.state.oldest == 0 ? std::string("-") : format_rfc3339(report.state.oldest, 0)),
         Cell(state)});
  }
  std::fputs(render_table(table, style_of(STDOUT_FILENO)).c_str(), stdout);
  return kDone;
}

// A source without events, which ends when nothing waits any more.
class Nothing final : public produce::Source {
 public:
  explicit Nothing(std::shared_ptr<const bool> empty) : empty_(std::move(empty)) {}
  produce::Next next(RawEvent& /*event*/, produce::Problem& /*problem*/) override {
    return *empty_ ? produce::Next::kEnd : produce::Next::kIdle;
  }
  [[nodiscard]] produce::SourceProgress progress() const override { return {}; }

 private:
  std::shared_ptr<const bool> empty_;
};

// As produce delivers its own: with spans, and dead letters for what the bus refuses for good.
Result<int> drain(const SpoolCommand& command, const Shared& shared) {
  TOCSIN_TRY(const auto bus, shared.open_bus());
  TOCSIN_TRY(auto tracer_options, trace_options(shared, "tocsin-produce"));
  TOCSIN_TRY(const auto tracer, trace::Tracer::open(std::move(tracer_options)));
  const auto empty = std::make_shared<bool>(false);
  Progress progress(shared.quiet);
  produce::PublishOptions options;
  options.topic = shared.raw_topic;
  options.dead_letter_topic = shared.dead_letter_topic;
  options.stop = stop_requested;
  options.spool.emplace();
  options.spool->folder = folder_of(command, shared);
  options.on_progress = [&](const produce::PublishStats& stats) {
    *empty = stats.spool.waiting == 0;
    ProgressState state;
    state.label = stats.spool.away ? "waiting for the bus" : "draining";
    state.done = stats.spool.drained;
    state.total = stats.spool.drained + stats.spool.waiting;
    state.events = stats.spool.drained;
    progress.update(state);
  };
  const auto source = [empty]() -> Result<std::unique_ptr<produce::Source>> {
    return std::make_unique<Nothing>(empty);
  };
  TOCSIN_TRY(const produce::PublishStats stats,
             produce::publish(source, *bus, *tracer, std::move(options)));
  progress.clear();
  tracer->flush(std::chrono::seconds(5));
  if (!shared.quiet)
    std::fprintf(stderr, "%llu records delivered, %llu wait\n",
                 static_cast<unsigned long long>(stats.spool.drained),
                 static_cast<unsigned long long>(stats.spool.waiting));
  return stats.spool.waiting == 0 && stats.failed == 0 ? kDone : kFailed;
}

using Action = Result<int> (*)(const SpoolCommand&, const Shared&);

}  // namespace

void add_spool(Context& context) {
  const auto command = std::make_shared<SpoolCommand>();
  CLI::App& spool = *context.root.add_subcommand(
      "spool", "Events that wait on this machine because Kafka was away: list, deliver them");
  add_bus_options(spool, context.shared);
  add_trace_options(spool, context.shared);
  spool.require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Action action) {
    CLI::App& added = *spool.add_subcommand(name, help);
    added.add_option("--spool", command->folder, "The folder (default: spool below --data)")
        ->envname("TOCSIN_SPOOL");
    added.callback([&context, command, action] {
      const Result<int> code = action(*command, context.shared);
      context.exit_code = code ? *code : report(code.error());
    });
    return &added;
  };
  add("list", "What waits, since when, and which process has it", list)
      ->add_flag("--json", command->json, "As JSON");
  add("drain", "Deliver it, waiting for the bus if need be, until Ctrl-C", drain);
  spool.footer(
      "A running `tocsin produce` delivers its own spool, and takes over those that ended ones "
      "left "
      "behind.\n"
      "Exit status of drain: 1 when something is left.");
}

}  // namespace tocsin::cli
