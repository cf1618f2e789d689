// SPDX-License-Identifier: Apache-2.0
//
// Findings: what a scan found, summed up by rule, host, tactic and level; never the alerts
// themselves.
//
//   Alert... -> Findings (one a stretch of input) -> merge() in the order of the input -> tables,
//   JSON, HTML
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "app/cli/scan/histogram.h"
#include "base/clock.h"
#include "core/event/verdict.h"

namespace tocsin::cli::scan {

// First and last moment of what happened; 0 when no event said when.
struct Span {
  UnixNanos first = 0, last = 0;
  void add(UnixNanos time);
  void merge(const Span& other);
};

// Alerts of one rule, host, tactic or level.
struct Tally {
  LevelCounts by_level{};
  Span seen;
  [[nodiscard]] std::uint64_t alerts() const;
  void merge(const Tally& other);
};

struct RuleTally {
  Tally tally;
  std::string title;
  Level level = Level::kMedium;
  std::vector<std::string> tactics, techniques;
  std::string first_path;  // the first one in the order of the input
  std::uint64_t first_line = 0, first_record = 0;
  std::unordered_set<std::string> hosts;  // at most kHostsMax
};

struct Counts {
  std::uint64_t events = 0, detections = 0, alerts = 0;  // events: that could be read
  std::uint64_t repaired = 0;                            // with bytes that are not UTF-8
  std::uint64_t unknown = 0;     // of no known kind, and --logsource does not say which
  std::uint64_t unreadable = 0;  // lines that are not JSON objects
  void merge(const Counts& other);
};

// Threads: one thread.
// Memory:  by the number of rules, and of hosts up to kHostsMax; further hosts are one, "(others)".
struct Findings {
  static constexpr std::size_t kHostsMax = 10'000;

  Counts counts;
  Span events;  // of all events, with or without alerts
  Span alerts;
  std::map<std::string, RuleTally, std::less<>> rules;  // by id
  std::map<std::string, Tally, std::less<>> hosts;
  std::map<std::string, Tally, std::less<>> tactics;  // slugs; "" for rules without one
  std::map<std::string, std::uint64_t, std::less<>> techniques;
  std::array<Tally, 5> levels;
  Histogram histogram;

  void add(const Alert& alert);
  void merge(Findings&& other);
};

// Rules: most severe first, of these the most frequent, then by id.
[[nodiscard]] std::vector<const std::pair<const std::string, RuleTally>*> ranked_rules(
    const Findings& findings);
// Hosts: by their most severe alerts.
[[nodiscard]] std::vector<const std::pair<const std::string, Tally>*> ranked_hosts(
    const Findings& findings);
// Tactics in the order of the kill chain.
[[nodiscard]] std::vector<const std::pair<const std::string, Tally>*> ordered_tactics(
    const Findings& findings);
[[nodiscard]] std::string tactic_title(std::string_view slug);

}  // namespace tocsin::cli::scan
