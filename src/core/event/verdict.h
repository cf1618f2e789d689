// SPDX-License-Identifier: Apache-2.0
//
// Verdict: what detect says about one event. Alert: one (event, rule) match.
//
//   match -> Verdict + Alert[] -> csv, sqlite, topic alerts
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "core/event/level.h"

namespace tocsin {

// One per event. Lists are in order, without repeats.
struct Verdict {
  Uuid event_id;
  std::array<std::uint8_t, 16> trace_id{};
  UnixNanos timestamp = 0;  // when the event happened; 0 when it does not say
  std::string host;
  std::string channel;
  std::string provider;
  std::string event_code;
  std::string event_class = "None";     // display name of the most severe match's first tactic
  std::vector<std::string> tactics;     // slugs: "credential-access"
  std::vector<std::string> techniques;  // "T1003.001"
  std::vector<std::string> rules;       // rule ids, most severe first
  Level level = Level::kInformational;  // of the most severe match; meaningless when rules is empty
  int score = 0;                        // severity_score(level), 0 without a match
  UnixNanos classified_at = 0;
  std::int64_t latency_us = 0;  // from the record's time stamp in the topic to classified_at
  std::string truth;            // tactic slug or "benign" from the record header; "" without.
                                // Stored by SQLite only: it is not part of the contract.
  std::string truth_scenario;
  std::string truth_technique;

  [[nodiscard]] bool detected() const { return !rules.empty(); }
};

// The CSV columns, in the order that the contract fixes.
inline constexpr std::string_view kVerdictColumns =
    "event_id,trace_id,timestamp,host,channel,provider,event_code,class,tactics,techniques,rules,"
    "level,"
    "score,classified_at,latency_us";

// Appends one RFC 4180 row with CRLF. Control characters become blanks, so that a row is one line
// and a torn last line can be told from a whole one.
void append_csv(std::string& out, const Verdict& verdict);

struct MatchedField {
  std::string field;
  std::string value;
};

// One per (event, rule). ECS-shaped when written as JSON.
struct Alert {
  Uuid alert_id;  // UUIDv5(event_id, rule id): every sink is idempotent by it
  Uuid event_id;
  std::array<std::uint8_t, 16> trace_id{};
  UnixNanos timestamp = 0;
  UnixNanos created = 0;
  std::string event_code;
  std::string provider;
  std::string channel;
  std::string host;
  std::string user;
  std::string rule_id;
  std::string rule_name;
  std::string rule_author;
  std::string ruleset;
  Level level = Level::kMedium;
  std::vector<std::string> tactics;
  std::vector<std::string> techniques;
  std::string file_path;        // log.file.path; "" when the event did not come from a file
  std::uint64_t line = 0;       // log.offset, 1-based line of a text file
  std::uint64_t record_id = 0;  // winlog.record_id
  std::vector<MatchedField> matched_fields;
  std::uint64_t suppressed = 0;  // alerts of its kind since the last one that went out
};

[[nodiscard]] Uuid make_alert_id(const Uuid& event_id, std::string_view rule_id);

// One compact JSON object, no newline.
void append_json(std::string& out, const Alert& alert);

}  // namespace tocsin
