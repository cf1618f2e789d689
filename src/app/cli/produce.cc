// SPDX-License-Identifier: Apache-2.0
//
// `tocsin produce`: files, standard input or the simulator to the topic raw-events.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/setup/metrics_options.h"
#include "app/cli/setup/trace_options.h"
#include "app/cli/tables.h"
#include "app/cli/views/progress.h"
#include "app/pipeline/metrics/produce_meter.h"
#include "app/pipeline/topics.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "core/trace/tracer.h"
#include "stages/produce/files/files.h"
#include "stages/produce/publish.h"
#include "stages/produce/synthetic/synthetic.h"

namespace tocsin::cli {
namespace {

using pipeline::topic_options;
using pipeline::TopicRole;

constexpr std::uint64_t kProblemsShown = 20;

constexpr std::uint64_t kSpoolBytesMax = 1ULL << 30;

struct ProduceCommand {
  std::vector<std::string> paths;
  std::string spool_dir;
  std::uint64_t spool_max = kSpoolBytesMax;
  bool no_spool = false;
  produce::FilesOptions files{.stop = stop_requested};
  produce::PublishOptions publish;
  MetricsOptions metrics;
  bool json = false;
  bool synthetic = false;
  produce::SyntheticOptions simulator;
  std::string start;
  bool list_scenarios = false;
};

std::string summary_json(const produce::PublishStats& stats, const trace::TracerStats& spans) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("read", stats.read);
    json.member("sent", stats.sent);
    json.member("acknowledged", stats.acknowledged);
    json.member("failed", stats.failed);
    json.member("spooled", stats.spooled);
    json.member("recovered", stats.recovered);
    json.member("problems", stats.problems);
    json.member("unreadable", stats.unreadable);
    json.member("skipped", stats.skipped);
    json.member("bytes", stats.bytes);
    json.member("seconds", stats.seconds);
    json.member("events_per_second", stats.rate());
    json.member("stopped", stats.stopped);
    append_span_counts(json, spans);
  });
  return out;
}

void print_summary(const produce::PublishStats& stats, const std::string& bus,
                   const std::string& dead_letter_topic) {
  std::fprintf(stderr, "%s\n",
               fmt::format("{} events ({:.1f} MB) acknowledged by {} in {:.1f} s, {:.0f} events/s",
                           stats.acknowledged, static_cast<double>(stats.bytes) / 1e6, bus,
                           stats.seconds, stats.rate())
                   .c_str());
  if (stats.recovered != 0)
    std::fprintf(stderr, "%llu records of earlier runs were delivered from the spool\n",
                 static_cast<unsigned long long>(stats.recovered));
  if (stats.spooled != 0)
    std::fprintf(stderr,
                 "warning: %llu events are not on the bus yet; they wait in the spool: the next "
                 "`tocsin produce` or `tocsin spool drain` delivers them\n",
                 static_cast<unsigned long long>(stats.spooled));
  if (stats.skipped != 0)
    std::fprintf(stderr, "%llu files were no logs and were passed over (--verbose names them)\n",
                 static_cast<unsigned long long>(stats.skipped));
  if (stats.problems != 0)
    std::fprintf(stderr, "warning: %llu problems in the input went to the topic %s\n",
                 static_cast<unsigned long long>(stats.problems), dead_letter_topic.c_str());
  if (stats.failed != 0)
    std::fprintf(stderr,
                 "error: %llu records were not stored; run the same command again: the events keep "
                 "their ids\n",
                 static_cast<unsigned long long>(stats.failed));
}

produce::OpenSource opener(const ProduceCommand& command) {
  if (command.synthetic)
    return [options = command.simulator] { return produce::open_synthetic(options); };
  return [paths = command.paths, options = command.files] {
    return produce::open_files(paths, options);
  };
}

// Says what is wrong in the input; a flood of one kind is cut short.
std::function<void(const produce::Problem&)> teller(Progress& progress) {
  return [&progress, told = std::uint64_t{0}](const produce::Problem& problem) mutable {
    progress.clear();
    if (problem.skipped_only) return log_debug("{}", problem.message);
    ++told;
    if (told <= kProblemsShown) log_warning("{}", problem.message);
    if (told == kProblemsShown) log_warning("further problems are counted, not shown");
  };
}

produce::PublishOptions publish_options(const ProduceCommand& command, const Shared& shared,
                                        Progress& progress, pipeline::ProduceMeter& meter) {
  produce::PublishOptions options = command.publish;
  options.topic = shared.raw_topic;
  options.dead_letter_topic = shared.dead_letter_topic;
  options.stop = stop_requested;
  options.on_problem = [&meter, tell = teller(progress)](const produce::Problem& problem) {
    meter.problem(problem);
    tell(problem);
  };
  options.cells = &meter.cells();
  options.on_progress = [&progress, &meter, count = options.count,
                         loop = options.loop](const produce::PublishStats& stats) {
    if (stats.spool.bytes_max != 0) meter.spool(stats.spool);
    ProgressState state;
    state.label = "producing";
    if (count != 0) {
      state.done = stats.read;
      state.total = count;
    } else if (!loop) {
      state.done = stats.source.bytes_done;
      state.total = stats.source.bytes_total;
    }
    state.events = stats.acknowledged;
    state.events_per_second = stats.rate();
    state.problems = stats.problems;
    if (stats.spool.waiting != 0)
      state.note = fmt::format("{}{} events ({:.0f} MB) in the spool",
                               stats.spool.full ? "SPOOL FULL, waiting: " : "",
                               grouped(static_cast<std::int64_t>(stats.spool.waiting)),
                               static_cast<double>(stats.spool.waiting_bytes) / 1e6);
    progress.update(state);
  };
  return options;
}

Status create_topics(bus::Bus& bus, const Shared& shared) {
  TOCSIN_TRY_STATUS(bus.create_topic(shared.raw_topic, topic_options(TopicRole::kRawEvents)));
  return bus.create_topic(shared.dead_letter_topic, topic_options(TopicRole::kDeadLetter));
}

Result<int> run(const ProduceCommand& command, const Shared& shared) {
  metrics::Registry registry(metrics::Labels{{"stage", "produce"}});
  metrics::Health health = make_health(command.metrics);
  pipeline::ProduceMeter meter(registry, health);
  TOCSIN_TRY(const auto endpoint, open_endpoint(command.metrics, registry, health));
  TOCSIN_TRY(const auto bus, shared.open_bus());
  // The embedded bus is on this machine's disk itself.
  const bool remote = shared.bus_url().starts_with("kafka:");
  const auto reach = [&]() -> Status {
    TOCSIN_TRY_STATUS(create_topics(*bus, shared));
    meter.bus_reached();
    return {};
  };
  if (!remote) TOCSIN_TRY_STATUS(reach());
  TOCSIN_TRY(auto tracer_options, trace_options(shared, "tocsin-produce"));
  TOCSIN_TRY(const auto tracer, trace::Tracer::open(std::move(tracer_options)));

  const auto watching = meter.watch(*tracer);
  Progress progress(shared.quiet);
  produce::PublishOptions options = publish_options(command, shared, progress, meter);
  if (remote) {
    options.prepare = reach;
    options.spool.emplace();
    if (!command.no_spool) {
      options.spool->folder = command.spool_dir.empty() ? shared.spool_dir() : command.spool_dir;
      options.spool->bytes_max = command.spool_max;
    }
  }
  TOCSIN_TRY(const produce::PublishStats stats,
             produce::publish(opener(command), *bus, *tracer, std::move(options)));
  progress.clear();
  // What still waits after this is counted, and told, when the tracer closes.
  tracer->flush(std::chrono::seconds(5));
  if (tracer->stats().dropped != 0)
    log_warning("{} spans were not exported", tracer->stats().dropped);
  if (!shared.quiet) print_summary(stats, bus->describe(), shared.dead_letter_topic);
  if (command.json) std::printf("%s\n", summary_json(stats, tracer->stats()).c_str());
  return stats.unreadable != 0 || stats.failed != 0 || stats.spooled != 0 ? kFailed : kDone;
}

void list_scenarios() {
  for (const produce::ScenarioInfo& scenario : produce::scenarios()) {
    std::string tactics;
    for (const auto& tactic : scenario.tactics) {
      if (!tactics.empty()) tactics += ", ";
      tactics += tactic;
    }
    std::printf("%s\n",
                fmt::format("{:<24} {} ({})", scenario.id, scenario.title, tactics).c_str());
  }
}

int execute(const ProduceCommand& command, const Shared& shared) {
  if (command.list_scenarios) {
    list_scenarios();
    return kDone;
  }
  if (!command.synthetic && command.paths.empty()) {
    std::fprintf(stderr,
                 "tocsin: produce what? Name files or folders, `-` for standard input, or "
                 "`synthetic`; see tocsin produce --help\n");
    return kUsage;
  }
  const Result<int> code = run(command, shared);
  return code ? *code : report(code.error());
}

std::string above_zero(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() && number > 0 ? std::string()
                                                         : "'" + text + "' is no number above 0";
}

void add_pace_options(CLI::App& app, ProduceCommand& command) {
  produce::PublishOptions& publish = command.publish;
  app.add_option("--rate", publish.pace.rate, "At most so many events a second, evenly spaced")
      ->check(above_zero)
      ->envname("TOCSIN_RATE");
  app.add_option("--count", publish.count, "Stop after so many events")
      ->check(above_zero)
      ->envname("TOCSIN_COUNT");
  app.add_flag("--loop", publish.loop,
               "Start over at the end; the same events keep the same ids, so detect counts them "
               "once");
  app.add_option("--speed", publish.pace.speed,
                 "Replay by the events' own times: 1 real time, 60 an hour in a minute")
      ->check(above_zero)
      ->envname("TOCSIN_SPEED");
  app.add_flag("--json", command.json, "Print the final figures as one JSON object on stdout");
}

void add_delivery_options(CLI::App& app, ProduceCommand& command) {
  app.add_option("--compression", command.publish.compression, "Of Kafka's batches")
      ->check(CLI::IsMember({"lz4", "zstd", "gzip", "snappy", "none"}))
      ->capture_default_str()
      ->envname("TOCSIN_COMPRESSION");
  app.add_option("--spool", command.spool_dir,
                 "Where events wait while Kafka is away (default: spool below --data)")
      ->envname("TOCSIN_SPOOL");
  app.add_option(
         "--spool-max", command.spool_max,
         "How much of the disk they may take: 500MB, 10GB; then reading waits (default: 1GB)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 50))
      ->default_str(std::to_string(kSpoolBytesMax))
      ->envname("TOCSIN_SPOOL_MAX");
  app.add_flag("--no-spool", command.no_spool, "Wait in memory instead");
}

void add_sources(CLI::App& app, const std::shared_ptr<ProduceCommand>& command) {
  CLI::App* evtx = app.add_subcommand("evtx", "Only EVTX files, also inside archives");
  evtx->fallthrough();
  evtx->add_option("paths", command->paths, "Files and folders")->required();
  evtx->parse_complete_callback([command] { command->files.format = produce::Format::kEvtx; });

  CLI::App* jsonl = app.add_subcommand("jsonl", "Only JSON lines and JSON documents");
  jsonl->fallthrough();
  jsonl->add_option("paths", command->paths, "Files and folders, - for standard input")->required();
  jsonl->parse_complete_callback([command] { command->files.format = produce::Format::kJson; });

  CLI::App* synthetic = app.add_subcommand(
      "synthetic", "A simulated Windows estate with attacks woven in; the truth is in the headers");
  synthetic->fallthrough();
  produce::SyntheticOptions& simulator = command->simulator;
  synthetic->add_option("--seed", simulator.seed, "Same seed, same events")->capture_default_str();
  synthetic->add_option("--events", simulator.events_max, "How many events (default: endless)");
  synthetic->add_option("--workstations", simulator.workstations, "Workstations")
      ->capture_default_str();
  synthetic->add_option("--servers", simulator.servers, "Servers")->capture_default_str();
  synthetic->add_option("--users", simulator.users, "Users")->capture_default_str();
  synthetic->add_option("--start", command->start, "Time of the first event (RFC 3339)")
      ->check([command](const std::string& text) {
        const auto time = parse_time(text);
        if (time) command->simulator.start = *time;
        return time ? std::string() : "not a time: " + text;
      });
  synthetic
      ->add_option("--attack-share", simulator.attack_share, "Share of the events that are attack")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  synthetic->add_option("--scenarios", simulator.scenarios, "Only these attacks; see --list");
  synthetic->add_flag("--list", command->list_scenarios, "List the attack scenarios and leave");
  synthetic->parse_complete_callback([command] { command->synthetic = true; });
}

}  // namespace

void add_produce(Context& context) {
  CLI::App* app = context.root.add_subcommand(
      "produce", "Publish logs (EVTX, JSON, archives, stdin, simulator) to raw-events");
  app->fallthrough();
  auto command = std::make_shared<ProduceCommand>();
  app->add_option("paths", command->paths, "Files and folders, - for standard input");
  add_sources(*app, command);
  add_pace_options(*app, *command);
  add_delivery_options(*app, *command);
  app->add_flag(
      "-f,--follow", command->files.follow,
      "Keep reading like tail -F: files that grow, rotate, are truncated or appear later");
  add_bus_options(*app, context.shared);
  add_trace_options(*app, context.shared);
  add_metrics_options(*app, command->metrics, false);
  app->footer(
      "What a file holds is told by its content: EVTX, JSON lines, JSON documents and arrays,\n"
      "CloudTrail; in .gz, .zst, .bz2, .xz, .zip and .tar too. Folders are read with all below.\n"
      "An event sent again keeps its id, so repeating a command does no harm.\n"
      "\n"
      "Examples:\n"
      "  tocsin produce Security.evtx logs/             files and folders, whatever they hold\n"
      "  tocsin produce evtx C/Windows/System32/winevt  only EVTX in a disk image\n"
      "  tail -f app.json | tocsin produce jsonl -      from another program\n"
      "  tocsin produce --follow /var/log/agent/        like tail -F, until Ctrl-C\n"
      "  tocsin produce --speed 60 attack.zip           an hour of the past in a minute\n"
      "  tocsin produce synthetic --events 50000        a simulated estate under attack\n"
      "\n"
      "Exit status: 0 also when single lines were bad (they are in dead-letter), 1 when a file\n"
      "could not be read, a record could not be stored, or events still wait in the spool.");
  app->callback([&context, command] { context.exit_code = execute(*command, context.shared); });
}

}  // namespace tocsin::cli
