// SPDX-License-Identifier: Apache-2.0
//
// tocsin doctor: is everything there that the pipeline needs? And what to do when it is not.
//
//   rules, data directory, bus, spool, sinks, traces, clock -> findings -> table or JSON, exit
//   status
#include <fmt/format.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/rule_options.h"
#include "app/cli/setup/bus_properties.h"
#include "app/cli/store/opensearch_options.h"
#include "app/cli/store/sink_options.h"
#include "app/cli/tables.h"
#include "base/clock.h"
#include "base/http/curl.h"
#include "base/http/url.h"
#include "base/json_writer.h"
#include "core/bus/kafka/health.h"
#include "core/bus/spool/spool_folder.h"
#include "core/trace/tracer.h"
#include "stages/store/sinks/opensearch/health.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFreeWanted = 200u << 20;
constexpr long kConnectMs = 3'000;
constexpr std::int64_t kBuiltNs = 1'767'225'600LL * 1'000'000'000;  // a clock before 2026 is wrong

struct DoctorCommand {
  RuleOptions rules;
  std::string role = "all";
  std::string group = "tocsin-detect";
  std::vector<std::string> detect_sinks;
  SinkOptions sinks;
  std::string store_group = "tocsin-store";
  bool probe = false;
  bool json = false;

  [[nodiscard]] bool produces() const { return role == "all" || role == "produce"; }
  [[nodiscard]] bool detects() const { return role == "all" || role == "detect"; }
  [[nodiscard]] bool stores() const { return role == "store" || !sinks.sinks.empty(); }
};

// A problem makes the exit status 1; a note is worth reading and no problem by itself.
struct Finding {
  std::string what;
  bool good = true;
  std::string found;
  std::string advice;
  bool note = false;
};

Finding check_rules(const RuleOptions& options) {
  const auto set = load_rules(options);
  if (!set)
    return {"rules", false, set.error().message, "give --rules a file or folder of Sigma rules"};
  const std::string found = fmt::format("{} rules in {} files, {} rejected", set->rules.size(),
                                        set->files, set->rejected);
  if (set->rules.empty())
    return {"rules", false, found, "no rule to match; see `tocsin rules check`"};
  if (set->rejected > 0) return {"rules", false, found, "`tocsin rules check` says why"};
  return {"rules", true, found, ""};
}

// `what`: whose folder it is. `advice`: what to do when it cannot be written.
Finding check_folder(const std::string& what, const std::string& folder, const char* advice) {
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path probe = fs::path(folder) / ".tocsin-doctor";
  bool wrote = false;
  if (!error) {
    std::ofstream file(probe, std::ios::binary);
    wrote = static_cast<bool>((file << "probe").flush());
  }
  fs::remove(probe, error);
  if (!wrote) return {what, false, folder + ": cannot be written", advice};
  const fs::space_info space = fs::space(folder, error);
  const std::string found = fmt::format("{}: writable, {} MB free", folder, space.available >> 20);
  return {what, space.available >= kFreeWanted, found,
          space.available >= kFreeWanted ? "" : "make room on the disk"};
}

std::vector<Finding> check_opensearch(const SinkSpec& spec, const SinkOptions& options) {
  using State = store::opensearch::HealthFinding::State;
  const std::string what = "sink " + spec.name;
  store::opensearch::Options server = connected_to(spec.target, options.opensearch);
  server.set_up = !options.no_opensearch_setup;
  server.connect_timeout = std::chrono::milliseconds(kConnectMs);
  server.request_timeout = std::chrono::milliseconds(2 * kConnectMs);
  const auto client = store::opensearch::HttpClient::open(server);
  if (!client) return {{what, false, client.error().message, "mend --sink or --opensearch-..."}};
  std::vector<Finding> findings;
  for (auto& found : store::opensearch::check_health(**client, server))
    findings.push_back({what + ": " + found.what, found.state != State::kProblem,
                        std::move(found.found), std::move(found.advice),
                        found.state == State::kNote});
  return findings;
}

// Whether each sink could be written to.
std::vector<Finding> check_sinks(const SinkOptions& options) {
  if (options.sinks.empty())
    return {{"sinks", true, "none named",
             "name them as `tocsin store` has them: --sink KIND=TARGET", true}};
  std::vector<Finding> findings;
  for (const std::string& text : options.sinks) {
    const auto spec = parse_sink(text);
    if (!spec) {
      findings.push_back({"sink", false, spec.error().message, "mend --sink"});
    } else if (spec->kind == "opensearch") {
      for (Finding& finding : check_opensearch(*spec, options))
        findings.push_back(std::move(finding));
    } else if (spec->kind != "ocsf-topic") {  // a topic is looked at with the others
      const fs::path folder = fs::path(spec->target).parent_path();
      findings.push_back(check_folder("sink " + spec->name, folder.empty() ? "." : folder.string(),
                                      "make it writable, or name another file"));
    }
  }
  return findings;
}

Finding check_bus(const Shared& shared) {
  const char* advice = "is the broker running, and is --bus (TOCSIN_BUS) right?";
  const auto bus = shared.open_bus();
  if (!bus) return {"bus", false, bus.error().message, advice};
  const auto topics = (*bus)->topics();
  if (!topics) return {"bus", false, topics.error().message, advice};
  std::string names;
  for (const bus::TopicInfo& topic : *topics) names += (names.empty() ? "" : ", ") + topic.name;
  return {"bus", true,
          fmt::format("{}: {}", (*bus)->describe(), names.empty() ? "no topics yet" : names), ""};
}

Finding check_traces(const std::string& destination) {
  if (!destination.starts_with("http://") && !destination.starts_with("https://")) {
    trace::TracerOptions options;
    options.service = "tocsin-doctor";
    options.destinations = {destination};
    const auto tracer = trace::Tracer::open(std::move(options));
    if (!tracer) return {"traces", false, tracer.error().message, "name another by --traces"};
    return {"traces", true, destination + ": writable", ""};
  }
  const http::Easy curl(curl_easy_init());
  if (!curl) return {"traces", false, "libcurl cannot be initialised", ""};
  const std::string shown = http::without_credentials(destination);
  curl_easy_setopt(curl.get(), CURLOPT_URL, destination.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    return {"traces", false, fmt::format("{}: {}", shown, curl_easy_strerror(code)),
            "start the collector, or leave --traces out: the pipeline runs without it"};
  return {"traces", true, shown + ": reachable", ""};
}

Finding check_clock() {
  const UnixNanos now = now_ns();
  if (now < kBuiltNs)
    return {"clock", false, format_rfc3339(now), "set the clock: it is in the past"};
  timex state{};
  const bool synchronised = adjtimex(&state) != TIME_ERROR;
  return {
      "clock", true,
      format_rfc3339(now) + (synchronised ? ", synchronised" : ", not known to be synchronised"),
      ""};
}

// Topics and the group of the store stage: one of the groups, for they have one prefix.
void add_store_needs(const DoctorCommand& command, const Shared& shared,
                     bus::kafka::HealthNeeds& needs) {
  for (const std::string& topic : {shared.verdicts_topic, shared.alerts_topic})
    needs.topics.push_back({.name = topic, .read = true, .write = false});
  for (const std::string& text : command.sinks.sinks)
    if (const auto spec = parse_sink(text); spec && spec->kind == "ocsf-topic")
      needs.topics.push_back({.name = spec->target, .read = false, .write = true});
  if (!needs.group.empty()) return;
  const auto first = command.sinks.sinks.empty() ? Result<SinkSpec>(SinkSpec{})
                                                 : parse_sink(command.sinks.sinks.front());
  const std::string name = first && !first->name.empty() ? first->name : "doctor";
  needs.group = fmt::format("{}-{}", command.store_group, name);
}

// What a cluster has and permits, for those who produce, detect, store, or all.
std::vector<Finding> check_kafka(const DoctorCommand& command, const Shared& shared) {
  const auto properties = bus_properties_of(shared);
  if (!properties) return {{"bus", false, properties.error().message, "mend the bus properties"}};
  const bool produces = command.produces();
  const bool detects = command.detects();
  bus::kafka::HealthNeeds needs;
  if (produces || detects)
    needs.topics.push_back({.name = shared.raw_topic, .read = detects, .write = produces});
  if (detects) needs.topics.push_back({.name = shared.alerts_topic, .read = false, .write = true});
  needs.topics.push_back({.name = shared.dead_letter_topic, .read = false, .write = true});
  const auto& sinks = command.detect_sinks;
  if (detects && std::find(sinks.begin(), sinks.end(), "topic") != sinks.end())
    needs.topics.push_back({.name = shared.verdicts_topic, .read = false, .write = true});
  if (detects) {
    needs.group = command.group;
    needs.transactional_id = fmt::format("tocsin.{}.doctor", command.group);
  }
  if (command.stores()) add_store_needs(command, shared, needs);
  needs.probe = command.probe;
  std::vector<Finding> findings;
  const std::string brokers = shared.bus_url().substr(std::string_view("kafka://").size());
  for (bus::kafka::Finding& found : bus::kafka::check_health(brokers, *properties, needs))
    findings.push_back({"kafka: " + found.what, found.health != bus::kafka::Health::kProblem,
                        std::move(found.found), std::move(found.advice),
                        found.health == bus::kafka::Health::kNote});
  return findings;
}

Finding check_spool(const Shared& shared) {
  const auto reports = bus::spool::inspect_all(shared.spool_dir());
  if (!reports) return {"spool", false, reports.error().message, "mend the folder's permissions"};
  std::uint64_t waiting = 0, left = 0, bytes = 0, damaged = 0;
  UnixNanos oldest = 0;
  for (const bus::spool::SpoolReport& report : *reports) {
    waiting += report.state.records;
    bytes += report.state.bytes;
    damaged += report.state.damaged_bytes;
    if (report.owner == 0) left += report.state.records;
    if (oldest == 0 || (report.state.oldest != 0 && report.state.oldest < oldest))
      oldest = report.state.oldest;
  }
  if (waiting == 0 && damaged == 0) return {"spool", true, "nothing waits", ""};
  std::string found =
      fmt::format("{} events ({:.1f} MB) wait, the oldest since {}", waiting,
                  static_cast<double>(bytes) / 1e6, oldest == 0 ? "?" : format_rfc3339(oldest, 0));
  if (damaged > 0) {
    found += fmt::format("; {} bytes are damaged", damaged);
    return {"spool", false, found, "look at the disk; *.damaged below the spool hold the bytes"};
  }
  if (left > 0)
    return {"spool", true, found,
            "`tocsin spool drain` delivers what an ended process left, as does the next produce",
            true};
  return {"spool", true, found, "its producer delivers them when the bus is back", true};
}

std::string as_json(const std::vector<Finding>& findings, bool healthy) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("healthy", healthy);
    json.key("checks");
    json.array([&] {
      for (const Finding& f : findings)
        json.object([&] {
          json.member("check", f.what);
          json.member("state", std::string(!f.good ? "problem" : f.note ? "note" : "ok"));
          json.member("found", f.found);
          json.member("advice", f.advice);
        });
    });
  });
  return out + "\n";
}

// A line each, and one for what to do. Nothing is cut: the ends of these texts are the point.
std::string as_text(const std::vector<Finding>& findings) {
  constexpr std::size_t kState = 9;
  const Style style = style_of(STDOUT_FILENO);
  std::string out;
  for (const Finding& f : findings) {
    const auto [state, tint] = !f.good  ? std::pair("problem", Tint::kRed)
                               : f.note ? std::pair("note", Tint::kYellow)
                                        : std::pair("ok", Tint::kGreen);
    out += tinted(fitted(state, kState, Align::kLeft, style), tint, style);
    out += fmt::format("{}  {}\n", tinted(printable(f.what + ":", style), Tint::kBold, style),
                       printable(f.found, style));
    if (!f.advice.empty())
      out += fmt::format("{:{}}-> {}\n", "", kState, printable(f.advice, style));
  }
  return out;
}

int run(const DoctorCommand& command, const Shared& shared) {
  std::vector<Finding> findings;
  if (command.detects()) findings.push_back(check_rules(command.rules));
  findings.push_back(check_folder("data directory", shared.data_dir,
                                  "make it writable or full disk free, or name another by --data"));
  if (shared.bus_url().starts_with("kafka://")) {
    for (Finding& finding : check_kafka(command, shared)) findings.push_back(std::move(finding));
    if (command.produces()) findings.push_back(check_spool(shared));
  } else {
    findings.push_back(check_bus(shared));
  }
  if (command.stores())
    for (Finding& finding : check_sinks(command.sinks)) findings.push_back(std::move(finding));
  for (const std::string& destination : shared.traces)
    findings.push_back(check_traces(destination));
  if (shared.traces.empty()) findings.push_back({"traces", true, "none wanted (--traces)", ""});
  findings.push_back(check_clock());
  const bool healthy = std::all_of(findings.begin(), findings.end(),
                                   [](const Finding& finding) { return finding.good; });
  std::fputs((command.json ? as_json(findings, healthy) : as_text(findings)).c_str(), stdout);
  return healthy ? kDone : kFailed;
}

}  // namespace

void add_doctor(Context& context) {
  auto command = std::make_shared<DoctorCommand>();
  CLI::App& doctor = *context.root.add_subcommand(
      "doctor",
      "Check rules, data directory, bus, permissions, sinks, traces and clock; say what to do");
  add_rule_options(doctor, command->rules);
  doctor
      .add_option("--role", command->role,
                  "What this machine's user does: the permissions of which are checked")
      ->check(CLI::IsMember({"all", "produce", "detect", "store"}))
      ->capture_default_str();
  doctor.add_option("--group", command->group, "The group of the detectors (Kafka)")
      ->capture_default_str();
  doctor
      .add_option("--sinks", command->detect_sinks,
                  "What detect writes to; with topic it needs the topic of the verdicts, too")
      ->envname("TOCSIN_SINKS")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_sink_list(doctor, command->sinks);
  add_connection_options(doctor, command->sinks.opensearch);
  doctor
      .add_flag("--opensearch-no-setup", command->sinks.no_opensearch_setup,
                "Templates and policy are somebody else's affair, and must be there")
      ->envname("TOCSIN_OPENSEARCH_NO_SETUP")
      ->group(kOpenSearchGroup);
  doctor
      .add_option("--store-group", command->store_group,
                  "What the groups of the store stage begin with (Kafka)")
      ->envname("TOCSIN_STORE_GROUP")
      ->capture_default_str();
  doctor.add_flag("--probe", command->probe,
                  "Measure the broker's clock (Kafka), with a topic that is deleted afterwards");
  doctor.add_flag("--json", command->json, "For machines");
  add_bus_options(doctor, context.shared);
  add_trace_options(doctor, context.shared);
  doctor.footer(
      "On Kafka it connects to every broker and tries each permission without changing anything.\n"
      "Exit status: 1 when there is a problem; notes are none.");
  doctor.callback([&context, command] { context.exit_code = run(*command, context.shared); });
}

}  // namespace tocsin::cli
