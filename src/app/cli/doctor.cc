// SPDX-License-Identifier: Apache-2.0
//
// tocsin doctor: is everything there that the pipeline needs? And what to do when it is not.
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/timex.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/cli/command.h"
#include "app/cli/rule_options.h"
#include "app/cli/tables.h"
#include "base/clock.h"
#include "core/trace/tracer.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFreeWanted = 200u << 20;
constexpr long kConnectMs = 3'000;
constexpr std::int64_t kBuiltNs = 1'767'225'600LL * 1'000'000'000;  // a clock before 2026 is wrong

struct Finding {
  std::string what;
  bool good = true;
  std::string found;
  std::string advice;
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

Finding check_data(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path probe = fs::path(folder) / ".tocsin-doctor";
  bool wrote = false;
  if (!error) {
    std::ofstream file(probe, std::ios::binary);
    wrote = static_cast<bool>((file << "probe").flush());
  }
  fs::remove(probe, error);
  if (!wrote)
    return {"data directory", false, folder + ": cannot be written",
            "make it writable or full disk free, or name another by --data"};
  const fs::space_info space = fs::space(folder, error);
  const std::string found = fmt::format("{}: writable, {} MB free", folder, space.available >> 20);
  return {"data directory", space.available >= kFreeWanted, found,
          space.available >= kFreeWanted ? "" : "make room on the disk"};
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
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, destination.c_str());
  curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_cleanup(curl);
  if (code != CURLE_OK)
    return {"traces", false, fmt::format("{}: {}", destination, curl_easy_strerror(code)),
            "start the collector, or leave --traces out: the pipeline runs without it"};
  return {"traces", true, destination + ": reachable", ""};
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

int run(const RuleOptions& rules, const Shared& shared) {
  std::vector<Finding> findings = {check_rules(rules), check_data(shared.data_dir),
                                   check_bus(shared)};
  for (const std::string& destination : shared.traces)
    findings.push_back(check_traces(destination));
  if (shared.traces.empty()) findings.push_back({"traces", true, "none wanted (--traces)", ""});
  findings.push_back(check_clock());
  Table table{.columns = {{"CHECK"}, {""}, {"FOUND", Align::kLeft, true}}, .rows = {}};
  std::string problems;
  for (const Finding& f : findings) {
    table.rows.push_back({Cell(f.what),
                          f.good ? Cell("ok", Tint::kGreen) : Cell("problem", Tint::kRed),
                          Cell(f.found)});
    if (!f.good) problems += fmt::format("\n{}: {}\n  {}\n", f.what, f.found, f.advice);
  }
  std::fputs((render_table(table, style_of(STDOUT_FILENO)) + problems).c_str(), stdout);
  return problems.empty() ? kDone : kFailed;
}

}  // namespace

void add_doctor(Context& context) {
  auto rules = std::make_shared<RuleOptions>();
  CLI::App& doctor = *context.root.add_subcommand(
      "doctor", "Check rules, data directory, bus, traces and clock; say what to do");
  add_rule_options(doctor, *rules);
  add_bus_options(doctor, context.shared);
  add_trace_options(doctor, context.shared);
  doctor.footer("Exit status: 1 when there is a problem.");
  doctor.callback([&context, rules] { context.exit_code = run(*rules, context.shared); });
}

}  // namespace tocsin::cli
