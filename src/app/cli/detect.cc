// SPDX-License-Identifier: Apache-2.0
//
// tocsin detect: the classifier stage as a process of its own.
#include "app/pipeline/detect.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "app/cli/command.h"
#include "app/cli/rule_options.h"
#include "app/cli/setup/metrics_options.h"
#include "app/cli/setup/trace_options.h"
#include "app/cli/tables.h"
#include "app/pipeline/instance.h"
#include "app/pipeline/metrics/detect_meter.h"
#include "app/pipeline/reload/change_report.h"
#include "app/pipeline/rule_service.h"
#include "app/pipeline/topics.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "stages/store/retention.h"
#include "stages/store/sink.h"

namespace tocsin::cli {
namespace {

struct DetectCommand {
  RuleOptions rules;
  pipeline::DetectOptions detect;
  MetricsOptions metrics;
  std::vector<std::string> sinks = {"csv", "sqlite"};
  std::string csv, sqlite;
  std::string verdicts = "all";
  bool no_fsync = false;
  bool no_reload = false;
  std::string workers = "auto";
  std::string guarantee = "exactly-once";
  double drain_seconds = 0;
  double session_seconds = 10;
  int retention_days = 0;  // 0: kept for ever
  bool json = false;
};

constexpr auto kFlushEvery = std::chrono::seconds(10);
constexpr auto kRetainEvery = std::chrono::minutes(10);
constexpr std::string_view kAuto = "auto";
constexpr unsigned kWorkersMax = 1'000;

std::string wrong_workers(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  if (text == kAuto || (is_number && number >= 1 && number <= kWorkersMax)) return {};
  return fmt::format("'{}': a number from 1 to {}, or auto, is wanted", text, kWorkersMax);
}

std::atomic<bool> g_reload{false};

void on_hangup(int /*signal*/) { g_reload = true; }

// SIGHUP asks for the rules to be read again; from a terminal that was closed it says good-bye.
bool terminal_gone(bool had_terminal) { return had_terminal && isatty(STDERR_FILENO) == 0; }

using OwnedSinks = std::vector<std::unique_ptr<store::Sink>>;

bool has_sink(const DetectCommand& options, std::string_view name) {
  return std::find(options.sinks.begin(), options.sinks.end(), name) != options.sinks.end();
}

std::string sqlite_path(const DetectCommand& options, const Shared& shared) {
  return options.sqlite.empty() ? shared.data_dir + "/tocsin.db" : options.sqlite;
}

Result<OwnedSinks> open_sinks(const DetectCommand& options, const Shared& shared) {
  std::error_code error;
  std::filesystem::create_directories(shared.data_dir, error);
  if (error)
    return fail(ErrorCode::kInvalid, fmt::format("{}: {}", shared.data_dir, error.message()));
  const bool only = options.verdicts == "detections";
  OwnedSinks sinks;
  for (const std::string& name : options.sinks) {
    if (name == "csv") {
      const std::string path =
          options.csv.empty() ? shared.data_dir + "/verdicts.csv" : options.csv;
      TOCSIN_TRY(auto sink, store::open_csv(path, {only, !options.no_fsync}));
      sinks.push_back(std::move(sink));
    } else if (name == "sqlite") {
      TOCSIN_TRY(auto sink,
                 store::open_sqlite(sqlite_path(options, shared), {only, !options.no_fsync}));
      sinks.push_back(std::move(sink));
    }
  }
  return sinks;
}

// One line on a terminal, renewed twice a second; every ten seconds a log line elsewhere.
void show_progress(const pipeline::DetectStats& stats, const std::atomic<bool>& done) {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto pause = terminal ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10'000);
  std::uint64_t before = 0;
  auto last = Clock::now();
  while (!done) {
    for (auto until = Clock::now() + pause; !done && Clock::now() < until;)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto now = Clock::now();
    const std::uint64_t events = stats.events;
    const double seconds = std::chrono::duration<double>(now - last).count();
    const std::string text = fmt::format(
        "{} events  {}/s  {} detections  {} alerts  {} dead letters",
        grouped(static_cast<std::int64_t>(events)),
        grouped(static_cast<std::int64_t>(static_cast<double>(events - before) / seconds)),
        grouped(static_cast<std::int64_t>(stats.detections.load())),
        grouped(static_cast<std::int64_t>(stats.alerts.load())), stats.dead_letters.load());
    if (terminal)
      std::fprintf(stderr, "\r\033[K%s", text.c_str());
    else if (events != before)
      log_info("{}", text);
    before = events;
    last = now;
  }
  if (terminal) std::fputs("\r\033[K", stderr);
}

void print_json(const pipeline::DetectStats& stats, const trace::TracerStats& spans,
                double seconds) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("events", stats.events.load());
    json.member("bytes", stats.bytes.load());
    json.member("detections", stats.detections.load());
    json.member("alerts", stats.alerts.load());
    json.member("suppressed", stats.suppressed.load());
    json.member("dead_letters", stats.dead_letters.load());
    json.member("repaired", stats.repaired.load());
    json.member("retries", stats.retries.load());
    json.member("lost_partitions", stats.lost_partitions.load());
    json.member("undone", stats.undone.load());
    json.member("lost_events", stats.lost_events.load());
    json.member("seconds", seconds);
    // Without loading rules, joining the group and waiting for more.
    json.member(
        "busy_seconds",
        static_cast<double>(stats.last_batch_done.load() - stats.first_batch_at.load()) / 1e9);
    append_span_counts(json, spans);
  });
  std::puts(out.c_str());
}

Result<pipeline::RuleLibrary> open_library(const RuleOptions& options) {
  TOCSIN_TRY(sigma::Taxonomy taxonomy, load_taxonomy(options));
  pipeline::RuleSources sources;
  sources.rules = [&options] { return load_untuned_rules(options); };
  sources.tuning = [&options] { return load_tuning(options); };
  sources.taxonomy = std::make_shared<const sigma::Taxonomy>(std::move(taxonomy));
  return pipeline::RuleLibrary(std::move(sources));
}

Result<std::shared_ptr<const pipeline::RuleSnapshot>> first_rules(pipeline::RuleLibrary& library,
                                                                  pipeline::DetectMeter& meter) {
  pipeline::RuleChanges changes;
  TOCSIN_TRY(auto snapshot, library.load(changes));
  meter.rules_loaded(changes, false);
  tell_problems(changes.new_problems);
  if (changes.rejected > 0)
    log_warning("{} of {} rules were rejected; `tocsin rules check` says why", changes.rejected,
                changes.rejected + changes.in_force + changes.disabled);
  log_info("rules: {}, from {} files", summary_of(changes), changes.files);
  return snapshot;
}

// What goes on beside the matching: new rules, and the counters of rules on their way to the disk.
class Upkeep {
 public:
  Upkeep(pipeline::RuleService& service, pipeline::RuleAccount& account,
         store::RuleStatsStore* store, store::Retention* retention)
      : service_(service), account_(account), store_(store), retention_(retention) {}

  void run(const std::atomic<bool>& done) {
    pipeline::yield_to_matching();
    auto next_flush = std::chrono::steady_clock::now() + kFlushEvery;
    while (!done) {
      service_.turn(std::chrono::milliseconds(100));
      retain();
      if (std::chrono::steady_clock::now() < next_flush) continue;
      flush();
      next_flush = std::chrono::steady_clock::now() + kFlushEvery;
    }
  }

  void flush() {
    if (store_ == nullptr) return;
    if (const Status status = account_.flush(*store_); !status)
      log_warning("rule_stats: {}; tried again later", status.error().message);
  }

 private:
  // A small step each turn until nothing old is left, then a pause.
  void retain() {
    if (retention_ == nullptr || std::chrono::steady_clock::now() < next_retain_) return;
    const auto more = retention_->step(now_ns());
    if (more && *more) return;
    next_retain_ = std::chrono::steady_clock::now() + kRetainEvery;
    if (!more) log_warning("retention: {}; tried again later", more.error().message);
  }

  pipeline::RuleService& service_;
  pipeline::RuleAccount& account_;
  store::RuleStatsStore* store_;
  store::Retention* retention_;
  std::chrono::steady_clock::time_point next_retain_{};
};

Result<std::unique_ptr<store::RuleStatsStore>> open_stats(const DetectCommand& options,
                                                          const Shared& shared) {
  if (!has_sink(options, "sqlite")) return nullptr;
  return store::RuleStatsStore::open(sqlite_path(options, shared));
}

Result<std::unique_ptr<store::Retention>> open_retention(const DetectCommand& options,
                                                         const Shared& shared) {
  if (options.retention_days == 0 ||
      std::find(options.sinks.begin(), options.sinks.end(), "sqlite") == options.sinks.end())
    return nullptr;
  return store::Retention::open(sqlite_path(options, shared), {.days = options.retention_days});
}

pipeline::DetectOptions detect_options(const DetectCommand& options, const Shared& shared) {
  pipeline::DetectOptions detect = options.detect;
  detect.raw_topic = shared.raw_topic;
  detect.alerts_topic = shared.alerts_topic;
  if (has_sink(options, "topic")) detect.verdicts_topic = shared.verdicts_topic;
  detect.detections_only = options.verdicts == "detections";
  detect.dead_letter_topic = shared.dead_letter_topic;
  detect.idle_exit_ms = static_cast<std::int64_t>(options.drain_seconds * 1000);
  detect.session_timeout_ms = static_cast<std::int64_t>(options.session_seconds * 1000);
  detect.guarantee = options.guarantee == "exactly-once" ? pipeline::Guarantee::kExactlyOnce
                                                         : pipeline::Guarantee::kAtLeastOnce;
  detect.workers = options.workers == kAuto ? std::max(1u, std::thread::hardware_concurrency())
                                            : std::stoul(options.workers);
  return detect;
}

// A worker without a partition would do nothing. A topic that is not there yet will be made.
void fit_workers(pipeline::DetectOptions& detect, bus::Bus& bus) {
  std::size_t partitions =
      static_cast<std::size_t>(pipeline::topic_options(pipeline::TopicRole::kRawEvents).partitions);
  if (const auto topics = bus.topics())
    for (const bus::TopicInfo& topic : *topics)
      if (topic.name == detect.raw_topic) partitions = topic.partitions.size();
  detect.workers = std::clamp<std::size_t>(detect.workers, 1, std::max<std::size_t>(1, partitions));
}

// Kafka tells writers apart by name; the embedded bus writes nothing before the commit.
Result<std::unique_ptr<pipeline::Instance>> take_instance(pipeline::DetectOptions& detect,
                                                          const Shared& shared) {
  if (detect.guarantee != pipeline::Guarantee::kExactlyOnce ||
      !shared.bus_url().starts_with("kafka://"))
    return nullptr;
  std::unique_ptr<pipeline::Instance> instance;
  std::string name = detect.instance_id;
  if (name.empty()) {
    TOCSIN_TRY(instance, pipeline::Instance::take(shared.data_dir + "/instances"));
    name = instance->name();
  }
  detect.transactional_id = fmt::format("tocsin.{}.{}", detect.group, name);
  return instance;
}

void tell_end(const pipeline::DetectStats& stats, const trace::Tracer& tracer, bool flushed) {
  const std::uint64_t suppressed = stats.suppressed;
  log_info(
      "detect: {} events, {} detections, {} alerts{}, {} dead letters; spans: {} exported, {} "
      "dropped{}",
      stats.events.load(), stats.detections.load(), stats.alerts.load(),
      suppressed == 0 ? "" : fmt::format(" ({} more suppressed)", suppressed),
      stats.dead_letters.load(), tracer.stats().exported, tracer.stats().dropped,
      flushed ? "" : ", others still wait for their collector");
  if (const std::uint64_t lost = stats.lost_events; lost > 0)
    log_error("detect: {} events were deleted from the topic before they were read", lost);
}

// Everything that the workers need, and the threads beside them.
int detect_until_stopped(const DetectCommand& options, const Shared& shared,
                         pipeline::DetectParts& parts, const pipeline::DetectOptions& detect,
                         Upkeep& upkeep) {
  pipeline::DetectStats stats;
  const auto watching = parts.meter.watch(stats, parts.tracer);
  std::atomic<bool> stop{false}, done{false};
  std::jthread progress([&] {
    if (!shared.quiet) show_progress(stats, done);
  });
  std::jthread stopper([&] {
    const bool had_terminal = isatty(STDERR_FILENO) == 1;
    while (!done) {
      if (stop_requested() || (g_reload && terminal_gone(had_terminal))) stop = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  std::jthread beside([&] { upkeep.run(done); });
  const auto start = std::chrono::steady_clock::now();
  const Status status = run_detect(parts, detect, stop, stats);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  done = true;
  progress.join();
  stopper.join();
  beside.join();
  upkeep.flush();
  const bool flushed = parts.tracer.flush(std::chrono::milliseconds(5'000));
  if (options.json) print_json(stats, parts.tracer.stats(), seconds);
  tell_end(stats, parts.tracer, flushed);
  return status ? kDone : report(status.error());
}

Result<std::unique_ptr<trace::Tracer>> open_tracer(const Shared& shared) {
  TOCSIN_TRY(auto options, trace_options(shared, "tocsin-detect"));
  options.other_services = {"tocsin-produce"};  // pipeline::kProducerResource
  return trace::Tracer::open(std::move(options));
}

int run(const DetectCommand& options, const Shared& shared) {
  std::signal(SIGHUP, on_hangup);
  pipeline::DetectOptions detect = detect_options(options, shared);
  metrics::Registry registry(metrics::Labels{{"stage", "detect"}});
  metrics::Health health = make_health(options.metrics);
  pipeline::DetectMeter meter(registry, health, detect.workers);
  // From here on somebody can see what it waits for.
  const auto endpoint = open_endpoint(options.metrics, registry, health);
  if (!endpoint) {
    report(endpoint.error());
    return kUsage;
  }
  auto library = open_library(options.rules);
  const auto first = library ? first_rules(*library, meter) : tl::unexpected(library.error());
  if (!first) {
    report(first.error());
    return kUsage;
  }
  auto bus = shared.open_bus();
  if (!bus) return report(bus.error());
  auto sinks = open_sinks(options, shared);
  if (!sinks) return report(sinks.error());
  auto stats_store = open_stats(options, shared);
  if (!stats_store) return report(stats_store.error());
  auto retention = open_retention(options, shared);
  if (!retention) return report(retention.error());
  auto tracer = open_tracer(shared);
  if (!tracer) return report(tracer.error());

  const auto instance = take_instance(detect, shared);
  if (!instance) return report(instance.error());
  if (options.workers == kAuto) {
    fit_workers(detect, **bus);
    meter.fit(detect.workers);
  }
  pipeline::RuleSwitch rules(*first, detect.workers);
  pipeline::RuleServiceOptions service_options;
  if (!options.no_reload) service_options.watched = watched_paths(options.rules);
  service_options.asked = [] { return g_reload.exchange(false); };
  service_options.on_reload = [&meter](const pipeline::RuleChanges* changes) {
    changes != nullptr ? meter.rules_loaded(*changes, true) : meter.reload_failed();
  };
  pipeline::RuleService service(*library, rules, std::move(service_options));
  pipeline::RuleAccount account;
  Upkeep upkeep(service, account, stats_store->get(), retention->get());
  pipeline::DetectParts parts{**bus, rules, {}, **tracer, meter, *stats_store ? &account : nullptr};
  for (const auto& sink : *sinks) parts.sinks.push_back(sink.get());
  log_info("detect: {} workers read {} from {} as group {}", detect.workers, detect.raw_topic,
           (*bus)->describe(), detect.group);
  return detect_until_stopped(options, shared, parts, detect, upkeep);
}

}  // namespace

void add_detect(Context& context) {
  auto options = std::make_shared<DetectCommand>();
  CLI::App* command = context.root.add_subcommand(
      "detect", "Read events from the topic, match Sigma rules, write verdicts and alerts");
  add_rule_options(*command, options->rules);
  add_bus_options(*command, context.shared);
  add_trace_options(*command, context.shared);
  add_metrics_options(*command, options->metrics, true);
  command
      ->add_option("--group", options->detect.group,
                   "Consumer group; detectors of one group share the work")
      ->envname("TOCSIN_GROUP")
      ->capture_default_str();
  command
      ->add_option("--workers", options->workers,
                   "Threads, each with partitions of its own; auto: one for each core, as far as "
                   "there are partitions")
      ->envname("TOCSIN_WORKERS")
      ->check(wrong_workers)
      ->capture_default_str();
  command
      ->add_option("--guarantee", options->guarantee,
                   "exactly-once: alerts, dead letters and offsets in one transaction; "
                   "at-least-once: alerts may be there twice after a crash")
      ->envname("TOCSIN_GUARANTEE")
      ->check(CLI::IsMember({"exactly-once", "at-least-once"}))
      ->capture_default_str();
  command
      ->add_option("--instance-id", options->detect.instance_id,
                   "A name of this detector's own, the same after a restart: its workers then keep "
                   "their partitions over a restart within the session timeout (Kafka)")
      ->envname("TOCSIN_INSTANCE_ID");
  command
      ->add_option("--batch", options->detect.batch_messages_max, "Most events between two commits")
      ->envname("TOCSIN_BATCH")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command
      ->add_option(
          "--session-timeout", options->session_seconds,
          "A detector silent for so many SECONDS loses its partitions to the others (Kafka: "
          "6 at least)")
      ->envname("TOCSIN_SESSION_TIMEOUT")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command
      ->add_option(
          "--sinks", options->sinks,
          "Where verdicts go: csv,sqlite, and topic: to --verdicts-topic, for `tocsin store`")
      ->envname("TOCSIN_SINKS")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"csv", "sqlite", "topic"}))
      ->capture_default_str();
  command
      ->add_option("--csv", options->csv, "CSV file (default: verdicts.csv in the data directory)")
      ->envname("TOCSIN_CSV");
  command
      ->add_option("--sqlite", options->sqlite,
                   "SQLite file (default: tocsin.db in the data directory)")
      ->envname("TOCSIN_SQLITE");
  command
      ->add_option("--verdicts", options->verdicts, "all, or detections: only events with a match")
      ->envname("TOCSIN_VERDICTS")
      ->check(CLI::IsMember({"all", "detections"}))
      ->capture_default_str();
  command
      ->add_option("--retention-days", options->retention_days,
                   "Take events and alerts older than so many days out of the SQLite file; 0: keep "
                   "all")
      ->envname("TOCSIN_RETENTION_DAYS")
      ->check(CLI::Range(0, 36'500))
      ->capture_default_str();
  command
      ->add_flag(
          "--no-fsync", options->no_fsync,
          "Do not wait for the disk: faster, survives a crash of the program, not of the machine")
      ->envname("TOCSIN_NO_FSYNC");
  command
      ->add_flag("--no-reload", options->no_reload,
                 "Do not watch the files of the rules; SIGHUP still reads them again")
      ->envname("TOCSIN_NO_RELOAD");
  command
      ->add_option("--drain", options->drain_seconds,
                   "Leave when the topic has been read to its end and stayed quiet for SECONDS")
      ->envname("TOCSIN_DRAIN");
  command->add_flag("--json", options->json, "Print the final counters as JSON on stdout");
  command->footer(
      "Examples:\n"
      "  tocsin detect                                     the embedded bus in ./tocsin-data\n"
      "  tocsin detect --bus kafka://broker:9092 --rules sigma/rules --traces http://jaeger:4318\n"
      "  tocsin detect --drain 2                           process what is there, then leave\n"
      "  tocsin detect --metrics 127.0.0.1:9464            for Prometheus; see docs/metrics.md\n"
      "\n"
      "SIGTERM drains: the batch under way is written and committed before the process ends.\n"
      "Changed rules and overrides are taken over while it runs; SIGHUP reads them at once.");
  command->callback([&context, options] { context.exit_code = run(*options, context.shared); });
}

}  // namespace tocsin::cli
