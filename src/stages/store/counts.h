// SPDX-License-Identifier: Apache-2.0
//
// Counts by time, kept beside the rows in the transaction that writes them, so that the overview of
// ten million verdicts reads a few thousand numbers.
//
//   row really written -> Counts::add() | row taken out -> the same with -1 -> flush(): upserts
//
// event_counts:  verdicts by minute, hour and day, and class
// host_counts:   verdicts by hour and day, and host
// rule_counts:   alerts by hour and day, and rule with its tags
// entity_counts: alerts by hour, day and 30 days, and host ('h'), user ('u') or all ('a'), and
// level rule_hosts:    alerts of all time by rule, host and level
//
// Threads: one. Ownership: views in added rows are copied.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "base/clock.h"
#include "base/sqlite.h"

namespace tocsin::store {

inline constexpr std::int64_t kMinute = 60, kHour = 3'600, kDay = 86'400;  // seconds
inline constexpr std::int64_t kThirtyDays = 30 * kDay;

extern const char* const kCountTables;

struct CountedVerdict {
  UnixNanos time = 0;  // effective_time()
  std::string_view host, event_class;
  bool detected = false;
};

struct CountedAlert {
  UnixNanos time = 0;
  std::string_view host, user, rule_id, rule_name, tactics, techniques;
  std::int64_t score = 0;
};

class Counts {
 public:
  void add(const CountedVerdict& verdict, std::int64_t times = 1);
  void add(const CountedAlert& alert, std::int64_t times = 1);
  // Writes what was added and forgets it. Within the caller's transaction.
  [[nodiscard]] Status flush(sqlite::Database& db);
  void clear();

 private:
  struct Events {
    std::int64_t events = 0, detected = 0;
  };
  using RuleKey = std::tuple<std::int64_t, std::string, std::int64_t, std::string,  // hour
                             std::string, std::string>;
  using EntityKey = std::tuple<std::int64_t, char, std::string, std::int64_t>;  // hour
  using PairKey = std::tuple<std::string, std::string, std::int64_t>;           // rule, host

  [[nodiscard]] Status flush_rules(sqlite::Database& db);
  [[nodiscard]] Status flush_entities(sqlite::Database& db);
  [[nodiscard]] Status flush_pairs(sqlite::Database& db);

  // Looked up for every verdict by a view of its text: std::less<> compares both without a copy.
  using EventCounts = std::map<std::tuple<std::int64_t, std::string>, Events, std::less<>>;
  [[nodiscard]] static Events& at(EventCounts& counts, std::int64_t start, std::string_view name);
  // Into a table of event counts: once for each unit of time.
  [[nodiscard]] static Status flush_events(sqlite::Database& db, std::string_view table,
                                           const EventCounts& counts,
                                           std::initializer_list<std::int64_t> units);

  EventCounts classes_;  // by minute
  EventCounts hosts_;    // by hour
  std::map<RuleKey, std::int64_t> rules_;
  std::map<EntityKey, std::int64_t> entities_;
  std::map<PairKey, std::int64_t> pairs_;
};

// For a database that had none: counts all verdicts that are there.
[[nodiscard]] Status count_all_verdicts(sqlite::Database& db);

}  // namespace tocsin::store
