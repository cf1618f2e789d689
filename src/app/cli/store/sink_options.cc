// SPDX-License-Identifier: Apache-2.0
#include "app/cli/store/sink_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "app/cli/store/opensearch_options.h"
#include "app/pipeline/topics.h"
#include "stages/store/sinks/opensearch/opensearch_sink.h"
#include "stages/store/sinks/sinks.h"

namespace tocsin::cli {
namespace {

struct Kind {
  std::string_view name;
  bool alerts, verdicts;
};
constexpr std::array kKinds = {
    Kind{"opensearch", true, true}, Kind{"jsonl", true, true}, Kind{"sqlite", true, true},
    Kind{"csv", false, true},       Kind{"ocsf", true, false}, Kind{"ocsf-topic", true, false},
};

// "jsonl-alerts" is a jsonl of alerts.
bool set_kind(SinkSpec& spec, std::string_view text) {
  for (const Kind& kind : kKinds) {
    if (!text.starts_with(kind.name)) continue;
    const std::string_view rest = text.substr(kind.name.size());
    if (!rest.empty() && rest != "-alerts" && rest != "-verdicts") continue;
    spec.kind = kind.name;
    spec.alerts = kind.alerts && rest != "-verdicts";
    spec.verdicts = kind.verdicts && rest != "-alerts";
    return spec.alerts || spec.verdicts;
  }
  return false;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 100 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-_.") == std::string_view::npos;
}

std::string wrong_sink(const std::string& text) {
  const auto spec = parse_sink(text);
  return spec ? std::string() : spec.error().message;
}

store::Rotation rotation_of(const SinkOptions& options) {
  using Every = store::Rotation::Every;
  return {.bytes = static_cast<std::int64_t>(options.rotate_bytes),
          .every = options.rotate == "hour"  ? Every::kHourly
                   : options.rotate == "day" ? Every::kDaily
                                             : Every::kNever};
}

Result<std::unique_ptr<store::Sink>> open_sink(const SinkSpec& spec, const SinkOptions& options,
                                               bus::Bus& bus) {
  const bool only = options.verdicts == "detections";
  const bool fsync = !options.no_fsync;
  if (spec.kind == "csv") return store::open_csv(spec.target, {only, fsync, rotation_of(options)});
  if (spec.kind == "sqlite") return store::open_sqlite(spec.target, {only, fsync});
  if (spec.kind == "jsonl")
    return store::open_json_lines(spec.target, store::Lines::kRecords,
                                  {only, fsync, rotation_of(options)});
  if (spec.kind == "ocsf")
    return store::open_json_lines(spec.target, store::Lines::kFindings,
                                  {only, fsync, rotation_of(options)});
  if (spec.kind == "ocsf-topic") {
    TOCSIN_TRY_STATUS(
        bus.create_topic(spec.target, pipeline::topic_options(pipeline::TopicRole::kAlerts)));
    return store::open_finding_topic(bus, spec.target);
  }
  store::opensearch::Options opensearch = connected_to(spec.target, options.opensearch);
  opensearch.detections_only = only;
  opensearch.set_up = !options.no_opensearch_setup;
  return store::open_opensearch(opensearch);
}

void add_opensearch_options(CLI::App& command, SinkOptions& sinks) {
  store::opensearch::Options& options = sinks.opensearch;
  add_connection_options(command, options);
  command
      .add_option("--opensearch-retention", options.retention_days,
                  "Daily indices are deleted after so many DAYS, by a policy that is made when "
                  "there is none (0: none is made)")
      ->envname("TOCSIN_OPENSEARCH_RETENTION")
      ->check(CLI::Range(0, 36'500))
      ->group(kOpenSearchGroup)
      ->capture_default_str();
  command
      .add_flag("--opensearch-no-setup", sinks.no_opensearch_setup,
                "Make no templates and no policy: somebody else has")
      ->envname("TOCSIN_OPENSEARCH_NO_SETUP")
      ->group(kOpenSearchGroup);
  command
      .add_flag("--opensearch-gzip", options.gzip, "Compress requests: for a server that is far")
      ->envname("TOCSIN_OPENSEARCH_GZIP")
      ->group(kOpenSearchGroup);
}

}  // namespace

Result<SinkSpec> parse_sink(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}': KIND=TARGET is wanted, such as opensearch=https://HOST:9200, "
                            "jsonl=FILE, ocsf=FILE, csv=FILE, sqlite=FILE, ocsf-topic=TOPIC",
                            text.substr(0, equals)));
  SinkSpec spec;
  spec.target = text.substr(equals + 1);
  const std::string kind = text.substr(0, equals);
  const std::size_t colon = kind.find(':');
  spec.name = kind.substr(colon == std::string::npos ? 0 : colon + 1);
  if (!set_kind(spec, kind.substr(0, colon)))
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is no kind of sink: opensearch, jsonl, sqlite (each also with "
                            "-alerts or -verdicts), csv, ocsf, ocsf-topic",
                            kind.substr(0, colon)));
  if (!is_name(spec.name))
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is no name of a sink: letters, digits, -, _ and .", spec.name));
  return spec;
}

void add_sink_list(CLI::App& command, SinkOptions& options) {
  command
      .add_option("--sink", options.sinks,
                  "KIND=TARGET, repeatable: opensearch=URL[,URL], jsonl=FILE, sqlite=FILE (each of "
                  "these also KIND-alerts or KIND-verdicts: only those), csv=FILE (verdicts), "
                  "ocsf=FILE and ocsf-topic=TOPIC (alerts). KIND:NAME=TARGET names it, for its "
                  "group and for two of a kind")
      ->envname("TOCSIN_SINK")
      ->delimiter(';')
      ->allow_extra_args(false)
      ->check(wrong_sink);
}

void add_sink_options(CLI::App& command, SinkOptions& options) {
  add_sink_list(command, options);
  command.add_option("--verdicts", options.verdicts, "all, or detections: only those with a match")
      ->envname("TOCSIN_VERDICTS")
      ->check(CLI::IsMember({"all", "detections"}))
      ->capture_default_str();
  command
      .add_option("--rotate-size", options.rotate_bytes,
                  "Files of lines are put aside at this size: 500MB, 10GB (default: never)")
      ->transform(CLI::AsSizeValue(false))
      ->envname("TOCSIN_ROTATE_SIZE");
  command
      .add_option("--rotate", options.rotate,
                  "hour or day: a file holds lines of one hour or day (UTC) only")
      ->envname("TOCSIN_ROTATE")
      ->check(CLI::IsMember({"never", "hour", "day"}))
      ->capture_default_str();
  command
      .add_flag(
          "--no-fsync", options.no_fsync,
          "Do not wait for the disk: faster, survives a crash of the program, not of the machine")
      ->envname("TOCSIN_NO_FSYNC");
  add_opensearch_options(command, options);
}

Result<std::vector<pipeline::StoreSink>> open_sinks(const SinkOptions& options, bus::Bus& bus,
                                                    const std::set<std::string>& topics) {
  std::vector<pipeline::StoreSink> sinks;
  std::set<std::string> names, targets;
  for (const std::string& text : options.sinks) {
    TOCSIN_TRY(const SinkSpec spec, parse_sink(text));
    if (spec.kind == "ocsf-topic" && topics.contains(spec.target))
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: topic {} is the pipeline's own; findings need another", text,
                              spec.target));
    const std::string place = spec.kind == "opensearch" || spec.kind == "ocsf-topic"
                                  ? spec.kind + "=" + spec.target
                                  : std::filesystem::weakly_canonical(spec.target).string();
    // Alerts and verdicts of one OpenSearch may well be two sinks.
    if (spec.kind != "opensearch" && !targets.insert(place).second)
      return fail(ErrorCode::kInvalid,
                  fmt::format("two sinks write to {}; each needs its own", spec.target));
    if (!names.insert(spec.name).second)
      return fail(ErrorCode::kInvalid,
                  fmt::format("two sinks are called {0}; name them: {1}:NAME=TARGET", spec.name,
                              spec.kind));
    TOCSIN_TRY(auto sink, open_sink(spec, options, bus));
    sinks.push_back({spec.name, std::move(sink), spec.alerts, spec.verdicts});
  }
  return sinks;
}

}  // namespace tocsin::cli
