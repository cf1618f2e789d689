// SPDX-License-Identifier: Apache-2.0
#include "store_fill.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "stages/store/sink.h"

namespace tocsin::bench {
namespace {

struct Rule {
  std::string id, name;
  Level level = Level::kMedium;
  std::vector<std::string> tactics, techniques;
  std::string event_class;
};

const char* const kTactics[][2] = {{"execution", "Execution"},
                                   {"persistence", "Persistence"},
                                   {"privilege-escalation", "Privilege Escalation"},
                                   {"defense-evasion", "Defense Evasion"},
                                   {"credential-access", "Credential Access"},
                                   {"discovery", "Discovery"},
                                   {"lateral-movement", "Lateral Movement"},
                                   {"command-and-control", "Command and Control"},
                                   {"exfiltration", "Exfiltration"}};
const char* const kTools[] = {"powershell", "cmd",      "rundll32", "regsvr32", "wmic",  "mshta",
                              "certutil",   "schtasks", "net",      "whoami",   "psexec"};
const char* const kWords[] = {"encoded", "dump", "lsass", "startup", "service", "token", "remote"};

std::vector<Rule> make_rules(unsigned count, std::mt19937_64& random) {
  std::vector<Rule> rules;
  for (unsigned i = 0; i < count; ++i) {
    Rule rule;
    rule.id = rule_id(i);
    const auto& tactic = kTactics[random() % std::size(kTactics)];
    rule.name = fmt::format("Suspicious {} {} {}", kTools[random() % std::size(kTools)],
                            kWords[random() % std::size(kWords)], i);
    rule.level = static_cast<Level>(std::min<std::uint64_t>(4, random() % 3 + random() % 3));
    rule.tactics = {tactic[0]};
    if (random() % 3 == 0) rule.tactics.emplace_back("stealth");
    rule.event_class = tactic[1];
    rule.techniques = {fmt::format("T{}", 1000 + random() % 120)};
    if (random() % 2 == 0) rule.techniques.push_back(fmt::format("T1{:03}.00{}", i % 600, i % 5));
    rules.push_back(std::move(rule));
  }
  return rules;
}

class Month {
 public:
  explicit Month(const FillPlan& plan) : plan_(plan), rules_(make_rules(plan.rules, random_)) {}

  void next(std::uint64_t number, std::vector<Verdict>& verdicts, std::vector<Alert>& alerts) {
    Verdict v;
    for (std::size_t i = 0; i < 16; i += 8) {
      const std::uint64_t bits = random_();
      for (std::size_t b = 0; b < 8; ++b)
        v.event_id.bytes[i + b] = static_cast<std::uint8_t>(bits >> (8 * b));
    }
    v.trace_id = v.event_id.bytes;
    const std::int64_t span = std::int64_t{plan_.days} * 86'400'000'000'000;
    const auto share = static_cast<double>(number) / static_cast<double>(plan_.verdicts);
    v.timestamp = plan_.end - span + static_cast<std::int64_t>(share * static_cast<double>(span)) +
                  static_cast<std::int64_t>(random_() % 5'000'000'000);
    v.host = fmt::format("ws{:04}.corp.example.org", skewed(plan_.hosts));
    v.channel = "Microsoft-Windows-Sysmon/Operational";
    v.provider = "Microsoft-Windows-Sysmon";
    v.event_code = std::to_string(1 + random_() % 25);
    v.classified_at = v.timestamp + 20'000'000;
    v.latency_us = 20'000;
    const bool detected = (number + 1) * plan_.alerts / plan_.verdicts > made_;
    if (detected) {
      ++made_;
      const Rule& rule = rules_[skewed(plan_.rules)];
      v.event_class = rule.event_class;
      v.tactics = rule.tactics;
      v.techniques = rule.techniques;
      v.rules = {rule.id};
      v.level = rule.level;
      v.score = severity_score(rule.level);
      alerts.push_back(alert(v, rule));
    }
    verdicts.push_back(std::move(v));
  }

 private:
  // Few are busy, many are quiet.
  unsigned skewed(unsigned count) {
    const double u = static_cast<double>(random_() >> 11) * 0x1.0p-53;
    return static_cast<unsigned>(u * u * u * count);
  }

  Alert alert(const Verdict& v, const Rule& rule) {
    Alert a;
    a.event_id = v.event_id;
    a.alert_id = make_alert_id(v.event_id, rule.id);
    a.trace_id = v.trace_id;
    a.timestamp = v.timestamp;
    a.created = v.classified_at;
    a.event_code = v.event_code;
    a.provider = v.provider;
    a.channel = v.channel;
    a.host = v.host;
    a.user = fmt::format("CORP\\user{:03}", skewed(200));
    a.rule_id = rule.id;
    a.rule_name = rule.name;
    a.rule_author = "bench";
    a.level = rule.level;
    a.tactics = rule.tactics;
    a.techniques = rule.techniques;
    const char* tool = kTools[random_() % std::size(kTools)];
    a.matched_fields = {
        {"Image", fmt::format("C:\\Windows\\System32\\{}.exe", tool)},
        {"CommandLine",
         fmt::format("{}.exe -nop -w hidden -enc {:x}{:x} --out C:\\Users\\user{:03}\\AppData\\{}",
                     tool, random_(), random_(), skewed(200), random_() % 5'000)},
        {"ParentImage", "C:\\Windows\\explorer.exe"}};
    return a;
  }

  const FillPlan& plan_;
  std::mt19937_64 random_{7};
  std::vector<Rule> rules_;
  std::uint64_t made_ = 0;
};

}  // namespace

std::string rule_id(unsigned number) {
  return Uuid::hashed(fmt::format("rule {}", number)).to_string();
}

Result<FillResult> fill(const std::string& path, const FillPlan& plan) {
  TOCSIN_TRY(auto sink, store::open_sqlite(path, {.fsync = plan.fsync}));
  Month month(plan);
  FillResult result;
  std::vector<Verdict> verdicts;
  std::vector<Alert> alerts;
  std::vector<store::Place> verdict_places, alert_places;
  store::Slice slice{.topic = "raw-events", .first = 0, .next = 0, .stamp = 1};
  store::SinkBatch batch;
  batch.group = "bench";
  batch.writer = 1;
  for (std::uint64_t number = 0; number < plan.verdicts;) {
    verdicts.clear();
    alerts.clear();
    slice.first = static_cast<std::int64_t>(number);
    for (std::uint64_t i = 0; i < plan.batch && number < plan.verdicts; ++i, ++number)
      month.next(number, verdicts, alerts);
    slice.next = static_cast<std::int64_t>(number);
    verdict_places.clear();
    for (std::size_t i = 0; i < verdicts.size(); ++i)
      verdict_places.push_back({0, slice.first + static_cast<std::int64_t>(i)});
    alert_places.assign(alerts.size(), {0, slice.first});
    batch.verdicts = verdicts;
    batch.alerts = alerts;
    batch.verdict_places = verdict_places;
    batch.alert_places = alert_places;
    batch.slices = {&slice, 1};
    if (slice.first == 0) TOCSIN_TRY_STATUS(sink->claim(batch));
    const auto start = std::chrono::steady_clock::now();
    TOCSIN_TRY_STATUS(sink->write(batch));
    result.seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.verdicts += verdicts.size();
    result.alerts += alerts.size();
  }
  return result;
}

}  // namespace tocsin::bench
