// SPDX-License-Identifier: Apache-2.0
//
// tocsin latency: where the time of events goes, step by step, from their spans.
#include "app/cli/views/latency.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "app/cli/setup/trace_options.h"
#include "core/trace/jaeger_query.h"
#include "core/trace/span_store.h"

namespace tocsin::cli {
namespace {

struct LatencyCommand {
  std::string store;  // FILE.db or Jaeger's URL
  std::string since;
  std::string format = "table";
  std::string service = "tocsin-detect";
  std::size_t traces_max = 1'500;
};

// "90s", "15m", "2h", "7d": so long ago; else a time (RFC 3339).
std::optional<UnixNanos> moment_of(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc() && read.ptr + 1 == end && number >= 0 && number < 1'000'000) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    switch (*read.ptr) {
      case 's':
        return now_ns() - number * kSecond;
      case 'm':
        return now_ns() - number * 60 * kSecond;
      case 'h':
        return now_ns() - number * 3'600 * kSecond;
      case 'd':
        return now_ns() - number * 86'400 * kSecond;
      default:
        return std::nullopt;
    }
  }
  return parse_time(text);
}

std::string wrong_moment(const std::string& text) {
  return moment_of(text) ? std::string()
                         : "'" + text + "' is no time: 90s, 15m, 2h, 7d or RFC 3339 is wanted";
}

bool is_url(const std::string& text) { return text.find("://") != std::string::npos; }

Status run(const LatencyCommand& command) {
  const UnixNanos since = command.since.empty() ? 0 : moment_of(command.since).value_or(0);
  LatencyCollector collector;
  if (is_url(command.store)) {
    TOCSIN_TRY(const auto spans,
               trace::query_recent(command.store, command.service, since, command.traces_max));
    for (const trace::StoredSpan& span : spans)
      collector.add({span.trace, span.service, span.name, span.start, span.end});
  } else {
    TOCSIN_TRY_STATUS(trace::visit_times(
        command.store, since, [&](const trace::SpanTimes& span) { collector.add(span); }));
  }
  const Latency latency = collector.result();
  if (latency.rows.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("no spans in {}{}; were `produce` and `detect` run with --traces?",
                            command.store, command.since.empty() ? "" : " since " + command.since));
  const std::string text = command.format == "json"
                               ? latency_json(latency)
                               : render_latency(latency, style_of(STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

int execute(LatencyCommand command, const Shared& shared) {
  if (command.store.empty()) command.store = shared.data_dir + "/traces.db";
  const Status done = run(command);
  return done ? kDone : report(done.error());
}

}  // namespace

void add_latency(Context& context) {
  CLI::App* app = context.root.add_subcommand(
      "latency", "Where the time of events goes: percentiles of each step, and the bottleneck");
  auto command = std::make_shared<LatencyCommand>();
  app->add_option("--store", command->store,
                  "FILE.db, or Jaeger's query API (http://HOST:16686) (default: traces.db in the "
                  "data directory)")
      ->envname("TOCSIN_TRACE_STORE");
  app->add_option("--since", command->since,
                  "Only spans that began since then: 90s, 15m, 2h, 7d ago, or a time (RFC 3339)")
      ->check(wrong_moment);
  app->add_option("--format", command->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app->add_option("--service", command->service, "Jaeger: traces in which this service took part")
      ->capture_default_str();
  app->add_option("--limit", command->traces_max, "Jaeger: at most so many of the latest traces")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->footer(
      "SHARE is the part of the time between reading an event and having its outputs durable. A\n"
      "batch is written as a whole, so every event of it has the times of the same writes.\n"
      "\n"
      "Examples:\n"
      "  tocsin latency --since 15m\n"
      "  tocsin latency --store http://jaeger:16686 --format json");
  app->callback([&context, command] { context.exit_code = execute(*command, context.shared); });
}

}  // namespace tocsin::cli
