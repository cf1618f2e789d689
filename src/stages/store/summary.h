// SPDX-License-Identifier: Apache-2.0
//
// What tocsin.db says as a whole: counts, latency, and, where verdicts carry the truth, how right
// they were.
//
//   tocsin.db -> summarize() -> Summary -> `tocsin report`, the end of the demo
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "stages/store/trends.h"

namespace tocsin::store {

struct Count {
  std::string name;
  std::int64_t count = 0;
};

struct RuleCount {
  std::string id;
  std::string name;
  std::string level;
  std::int64_t count = 0;  // alerts
  std::int64_t hosts = 0;
};

struct HostCount {
  std::string name;
  std::int64_t events = 0;
  std::int64_t detected = 0;
};

struct Latency {  // microseconds, from the record's time in the topic to the verdict
  std::int64_t p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0;
};

// How right one way of attributing tactics is.
struct Quality {
  std::int64_t true_positives = 0, false_positives = 0, false_negatives = 0;
  // Empty denominators give -1: there is no such figure.
  [[nodiscard]] double precision() const;
  [[nodiscard]] double recall() const;
  [[nodiscard]] double f1() const;
};

struct TacticScore {
  std::int64_t events = 0;    // whose truth is this tactic
  std::int64_t detected = 0;  // of these, with any match
  Quality strict;             // the verdict's class is the tactic
  Quality any_of;             // the tactic is among the verdict's tactics
};

struct ScenarioScore {
  std::string name;
  std::int64_t events = 0;
  std::int64_t detected = 0;
  std::int64_t attributed = 0;  // any_of
};

// Of the verdicts that carry a truth. Tactics are slugs.
struct Scoring {
  std::int64_t malicious = 0, malicious_detected = 0;
  std::int64_t benign = 0, benign_detected = 0;
  // truth ("benign" or a tactic) -> class as a slug ("none" without a match) -> events
  std::map<std::string, std::map<std::string, std::int64_t>> confusion;
  std::map<std::string, TacticScore> tactics;
  std::vector<ScenarioScore> scenarios;  // by name

  [[nodiscard]] bool empty() const { return malicious + benign == 0; }
};

struct Summary {
  std::int64_t verdicts = 0, detected = 0, alerts = 0;
  UnixNanos first_event = 0, last_event = 0;  // 0 when no event says its time
  UnixNanos first_classified = 0, last_classified = 0;
  std::vector<Count> classes;  // with "None"; most first
  std::vector<Count> levels;   // of alerts, most severe first
  std::vector<RuleCount> rules;
  std::vector<HostCount> hosts;
  Latency latency;
  Scoring scoring;
};

// kNotFound when there is no such file. `top` limits rules and hosts. With `trends` these are read
// in the same transaction, so that they agree with the summary, for its hosts.
[[nodiscard]] Result<Summary> summarize(const std::string& path, std::size_t top = 10,
                                        Trends* trends = nullptr);

// "Credential Access" -> "credential-access".
[[nodiscard]] std::string slug_of(std::string_view display_name);

// One row of truth: `count` events with the same truth, class, tactics, scenario and detection.
struct TruthRow {
  std::string truth;
  std::string event_class;  // display name
  std::string tactics;      // slugs, ";" between
  std::string scenario;
  bool detected = false;
  std::int64_t count = 0;
};
void add_truth(Scoring& scoring, const TruthRow& row);

}  // namespace tocsin::store
