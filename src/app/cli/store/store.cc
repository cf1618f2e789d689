// SPDX-License-Identifier: Apache-2.0
//
// tocsin store: the stage that brings verdicts and alerts from their topics into stores.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <thread>

#include "app/cli/command.h"
#include "app/cli/setup/metrics_options.h"
#include "app/cli/setup/trace_options.h"
#include "app/cli/store/sink_options.h"
#include "app/cli/tables.h"
#include "app/pipeline/metrics/store_meter.h"
#include "app/pipeline/store/store_stage.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "stages/store/sinks/opensearch/assets.h"

namespace tocsin::cli {
namespace {

struct StoreCommand {
  SinkOptions sinks;
  pipeline::StoreOptions store;
  MetricsOptions metrics;
  double drain_seconds = 0;
  double session_seconds = 10;
  std::string print_setup;
  bool json = false;
};

using Stats = std::deque<pipeline::StoreStats>;

std::string progress_line(const Stats& stats) {
  std::string text;
  for (const pipeline::StoreStats& sink : stats)
    text += fmt::format("{}{}: {} verdicts, {} alerts", text.empty() ? "" : "  |  ", sink.sink,
                        grouped(static_cast<std::int64_t>(sink.verdicts.load())),
                        grouped(static_cast<std::int64_t>(sink.alerts.load())));
  return text;
}

// One line on a terminal, renewed twice a second; every ten seconds a log line elsewhere.
void show_progress(const Stats& stats, const std::atomic<bool>& done) {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto pause = std::chrono::milliseconds(terminal ? 500 : 10'000);
  std::string before = progress_line(stats);
  while (!done) {
    for (auto until = Clock::now() + pause; !done && Clock::now() < until;)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::string text = progress_line(stats);
    if (terminal)
      std::fprintf(stderr, "\r\033[K%s", text.c_str());
    else if (text != before)
      log_info("{}", text);
    before = std::move(text);
  }
  if (terminal) std::fputs("\r\033[K", stderr);
}

void print_json(const Stats& stats, const trace::TracerStats& spans, double seconds) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.key("sinks");
    json.object([&] {
      for (const pipeline::StoreStats& sink : stats) {
        json.key(sink.sink);
        json.object([&] {
          json.member("verdicts", sink.verdicts.load());
          json.member("alerts", sink.alerts.load());
          json.member("dead_letters", sink.dead_letters.load());
          json.member("retries", sink.retries.load());
          json.member("undone", sink.undone.load());
          json.member("lost", sink.lost.load());
        });
      }
    });
    json.member("seconds", seconds);
    append_span_counts(json, spans);
  });
  std::puts(out.c_str());
}

void tell_end(const Stats& stats) {
  for (const pipeline::StoreStats& sink : stats) {
    log_info("store: {}: {} verdicts, {} alerts, {} dead letters", sink.sink, sink.verdicts.load(),
             sink.alerts.load(), sink.dead_letters.load());
    if (const std::uint64_t lost = sink.lost; lost > 0)
      log_error("store: {}: {} records were deleted from their topics before they were read",
                sink.sink, lost);
  }
}

// For whoever sets the server up by hand: each request and its body.
int print_setup(const StoreCommand& options) {
  const auto flavour = options.print_setup == "elasticsearch"
                           ? store::opensearch::Flavour::kElasticsearch
                           : store::opensearch::Flavour::kOpenSearch;
  const store::opensearch::Options& wanted = options.sinks.opensearch;
  for (const auto& asset : assets(flavour, wanted.prefix, wanted.retention_days))
    std::printf("PUT %s\n%s\n\n", asset.path.c_str(), asset.body.c_str());
  return kDone;
}

pipeline::StoreOptions store_options(const StoreCommand& options, const Shared& shared) {
  pipeline::StoreOptions store = options.store;
  store.alerts_topic = shared.alerts_topic;
  store.verdicts_topic = shared.verdicts_topic;
  store.dead_letter_topic = shared.dead_letter_topic;
  store.idle_exit_ms = static_cast<std::int64_t>(options.drain_seconds * 1000);
  store.session_timeout_ms = static_cast<std::int64_t>(options.session_seconds * 1000);
  return store;
}

int store_until_stopped(const StoreCommand& options, const Shared& shared,
                        const pipeline::StoreParts& parts) {
  const pipeline::StoreOptions store = store_options(options, shared);
  Stats stats;
  for (const pipeline::StoreSink& sink : parts.sinks) {
    stats.emplace_back().sink = sink.name;
    log_info("store: {} reads{}{} from {} as group {}", sink.name,
             sink.alerts ? " " + store.alerts_topic : "",
             sink.verdicts ? " " + store.verdicts_topic : "", parts.bus.describe(),
             group_of(store, sink));
  }
  std::atomic<bool> stop{false}, done{false};
  std::jthread progress([&] {
    if (!shared.quiet) show_progress(stats, done);
  });
  std::jthread stopper([&] {
    while (!done) {
      if (stop_requested()) stop = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  const auto start = std::chrono::steady_clock::now();
  const Status status = run_store(parts, store, stop, stats);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  done = true;
  progress.join();
  stopper.join();
  parts.tracer.flush(std::chrono::milliseconds(5'000));
  if (options.json) print_json(stats, parts.tracer.stats(), seconds);
  tell_end(stats);
  return status ? kDone : report(status.error());
}

int run(const StoreCommand& options, const Shared& shared) {
  if (!options.print_setup.empty()) return print_setup(options);
  if (options.sinks.sinks.empty()) {
    report({ErrorCode::kInvalid,
            "store where? Name a sink, such as --sink opensearch=URL or "
            "--sink jsonl=FILE (`tocsin store --help`)"});
    return kUsage;
  }
  metrics::Registry registry(metrics::Labels{{"stage", "store"}});
  metrics::Health health = make_health(options.metrics);
  pipeline::StoreMeter meter(registry, health);
  const auto endpoint = open_endpoint(options.metrics, registry, health);
  if (!endpoint) {
    report(endpoint.error());
    return kUsage;
  }
  auto bus = shared.open_bus();
  if (!bus) return report(bus.error());
  auto sinks = open_sinks(
      options.sinks, **bus,
      {shared.raw_topic, shared.alerts_topic, shared.verdicts_topic, shared.dead_letter_topic});
  if (!sinks) {
    report(sinks.error());
    return sinks.error().code == ErrorCode::kInvalid ? kUsage : kFailed;
  }
  auto tracing = trace_options(shared, "tocsin-store");
  if (!tracing) return report(tracing.error());
  auto tracer = trace::Tracer::open(*std::move(tracing));
  if (!tracer) return report(tracer.error());
  return store_until_stopped(options, shared, {**bus, *sinks, **tracer, meter});
}

void add_stage_options(CLI::App& command, StoreCommand& options) {
  command
      .add_option("--group", options.store.group_prefix,
                  "A sink's consumer group is GROUP-NAME; processes of one group share the work")
      ->envname("TOCSIN_STORE_GROUP")
      ->capture_default_str();
  command
      .add_option("--instance-id", options.store.instance_id,
                  "A name of this process's own, the same after a restart: it then keeps its "
                  "partitions over a restart within the session timeout (Kafka)")
      ->envname("TOCSIN_INSTANCE_ID");
  command
      .add_option("--batch", options.store.batch_messages_max, "Most records between two commits")
      ->envname("TOCSIN_STORE_BATCH")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command
      .add_option("--session-timeout", options.session_seconds,
                  "A process silent for so many SECONDS loses its partitions to the others (Kafka: "
                  "6 at least)")
      ->envname("TOCSIN_SESSION_TIMEOUT")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command
      .add_option("--drain", options.drain_seconds,
                  "Leave when the topics have been read to their ends and stayed quiet for SECONDS")
      ->envname("TOCSIN_DRAIN");
  command.add_flag("--json", options.json, "Print the final counters as JSON on stdout");
  command
      .add_option("--print-setup", options.print_setup,
                  "opensearch or elasticsearch: print the templates and the policy that this stage "
                  "would make there, and leave")
      ->check(CLI::IsMember({"opensearch", "elasticsearch"}))
      ->configurable(false);
}

}  // namespace

void add_store(Context& context) {
  auto options = std::make_shared<StoreCommand>();
  CLI::App* command = context.root.add_subcommand(
      "store", "Bring verdicts and alerts from their topics into OpenSearch, files, databases");
  add_bus_options(*command, context.shared);
  add_trace_options(*command, context.shared);
  add_metrics_options(*command, options->metrics, true);
  add_sink_options(*command, options->sinks);
  add_stage_options(*command, *options);
  command->footer(
      "Examples:\n"
      "  tocsin detect --sinks topic &                      verdicts go to their topic\n"
      "  tocsin store --sink opensearch=https://search:9200 --opensearch-user tocsin\n"
      "               --opensearch-password file:/run/secrets/opensearch\n"
      "  tocsin store --sink jsonl-alerts=alerts.jsonl --sink ocsf=findings.jsonl --rotate day\n"
      "  tocsin store --print-setup opensearch\n"
      "\n"
      "Each sink is a consumer group of its own: one that fails holds up no other, and its lag\n"
      "(`tocsin topics`) grows until it is back. SIGTERM drains. See docs/stores.md.");
  command->callback([&context, options] { context.exit_code = run(*options, context.shared); });
}

}  // namespace tocsin::cli
