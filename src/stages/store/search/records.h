// SPDX-License-Identifier: Apache-2.0
//
// What an Archive is asked, and what it answers. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "stages/store/search/language/query.h"
#include "stages/store/search/language/sql.h"

namespace tocsin::store::search {

// All that is given must hold; of one list any value. `hosts`, `users`: whole names; `rules`: ids.
struct AlertFilter {
  TimeRange range;
  Query query;
  std::vector<std::string> levels, tactics, techniques, hosts, users, rules, statuses, assignees;
};

enum class SortBy : std::uint8_t { kTime, kLevel, kHost, kRule, kUser, kStatus };

struct PageRequest {
  SortBy sort = SortBy::kTime;
  bool descending = true;
  std::size_t limit = 50;
  std::string cursor;  // `next` of the page before; "" for the first
  bool total = true;   // count what is on all pages
};

struct AlertRecord {
  std::int64_t docid = 0;
  Uuid alert_id, event_id;
  std::array<std::uint8_t, 16> trace_id{};
  UnixNanos time = 0;  // of the event, or of the alert where the event does not say
  UnixNanos created = 0;
  std::string host, user, level, rule_id, rule_name, event_class;
  std::vector<std::string> tactics, techniques;
  std::string status = "new";
  std::string assignee;
  std::int64_t suppressed = 0;
};

struct AlertPage {
  std::int64_t total = 0;  // on all pages; 0 when it was not asked for
  std::vector<AlertRecord> items;
  std::string next;  // cursor; "" at the end
};

// More are not told: a month of a large site has a hundred thousand.
inline constexpr std::size_t kIncidentsMax = 1'000;

enum class GroupBy : std::uint8_t {
  kRule,
  kHost,
  kUser,
  kTactic,
  kTechnique,
  kLevel,
  kStatus,
  kIncident  // alerts of one host less than 30 minutes apart
};

struct AlertGroup {
  std::string key;    // rule id, host, ...; of an incident "HOST|first docid"
  std::string label;  // the rule's name; else as the key
  std::string level;  // the highest
  std::int64_t count = 0, hosts = 0, open = 0;
  UnixNanos first = 0, last = 0;
};

struct LogPosition {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

struct TriageEntry {
  UnixNanos time = 0;
  std::string user, action, from, to, note;
};

struct AlertDetails {
  AlertRecord row;
  std::string json;                   // ECS
  std::optional<LogPosition> source;  // of the event; none when the sink was not told
  std::vector<std::pair<std::string, std::string>> matched_fields;
  std::vector<TriageEntry> history;  // oldest first
  std::vector<AlertRecord> related;  // same host, 30 minutes before and after; at most 50
};

struct NamedCount {
  std::string name;
  std::int64_t count = 0;
};

struct RankedName {
  std::string id, name, level;  // id of rules only; the highest level
  std::int64_t alerts = 0;
};

struct TimelinePoint {
  UnixNanos time = 0;  // its begin
  std::int64_t events = 0, alerts = 0;
  std::map<std::string, std::int64_t, std::less<>> levels, tactics;
};

struct Overview {
  TimeRange range;  // as asked; where open, the first and the last that there is, if any
  // Of verdicts: the query and the chosen values do not count.
  std::int64_t events = 0, detections = 0, hosts = 0;
  std::int64_t alerts = 0, open_alerts = 0;
  std::vector<NamedCount> levels;   // most severe first, without zeros
  std::vector<NamedCount> tactics;  // slugs, most first
  std::vector<NamedCount> classes;  // of verdicts, most first
  std::int64_t bucket_seconds = 0;
  std::vector<TimelinePoint> timeline;                      // without gaps
  std::vector<RankedName> top_hosts, top_rules, top_users;  // ten at most
};

struct TechniqueCount {
  std::string id;  // as the rules tag it: "T1003.001"
  std::int64_t alerts = 0, rules = 0;
  std::string level;                 // the highest
  std::vector<std::string> tactics;  // of the same alerts, slugs
};

struct HourCount {
  UnixNanos time = 0;
  std::int64_t events = 0, detected = 0;
};

struct Statistics {
  std::vector<NamedCount> classes, levels;
  std::vector<RankedName> hosts;  // by alerts
  std::vector<HourCount> hourly;
};

// A verdict, for people.
struct EventRecord {
  Uuid event_id;
  std::array<std::uint8_t, 16> trace_id{};
  UnixNanos time = 0, classified_at = 0;
  std::string host, channel, provider, code, event_class, level;
  std::vector<std::string> tactics, techniques, rules;
  std::int64_t score = 0, latency_us = 0;
  std::optional<LogPosition> source;
};

struct RuleActivity {
  std::string rule_id;
  std::int64_t alerts = 0;
  UnixNanos last_seen = 0;
};

struct StoreSize {
  std::int64_t bytes = 0, verdicts = 0, alerts = 0;
};

struct AuditEntry {
  UnixNanos time = 0;
  std::string user, role, action, target, detail, address;
};

struct AuditPage {
  std::vector<AuditEntry> items;  // latest first
  std::string next;
};

}  // namespace tocsin::store::search
