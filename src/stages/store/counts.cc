// SPDX-License-Identifier: Apache-2.0
#include "stages/store/counts.h"

#include <fmt/format.h>

#include "stages/store/docid.h"
#include "stages/store/schema.h"

namespace tocsin::store {

const char* const kCountTables = R"sql(
CREATE TABLE IF NOT EXISTS event_counts(
  unit INTEGER NOT NULL, start INTEGER NOT NULL, class TEXT NOT NULL,
  events INTEGER NOT NULL, detected INTEGER NOT NULL,
  PRIMARY KEY(unit, start, class)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS host_counts(
  unit INTEGER NOT NULL, start INTEGER NOT NULL, host TEXT NOT NULL, events INTEGER NOT NULL,
  detected INTEGER NOT NULL,
  PRIMARY KEY(unit, start, host)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rule_counts(
  unit INTEGER NOT NULL, start INTEGER NOT NULL, rule_id TEXT NOT NULL, score INTEGER NOT NULL,
  tactics TEXT NOT NULL, techniques TEXT NOT NULL, rule_name TEXT NOT NULL,
  alerts INTEGER NOT NULL,
  PRIMARY KEY(unit, start, rule_id, score, tactics, techniques, rule_name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entity_counts(
  unit INTEGER NOT NULL, start INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  score INTEGER NOT NULL, alerts INTEGER NOT NULL,
  PRIMARY KEY(unit, kind, start, name, score)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rule_hosts(
  rule_id TEXT NOT NULL, host TEXT NOT NULL, score INTEGER NOT NULL, alerts INTEGER NOT NULL,
  PRIMARY KEY(rule_id, host, score)) WITHOUT ROWID;
)sql";

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t unit_start(UnixNanos time, std::int64_t unit) {
  return floor_div(time, unit * kSecond) * unit;
}

std::int64_t coarser(std::int64_t start, std::int64_t unit) {
  return floor_div(start, unit) * unit;
}

}  // namespace

Counts::Events& Counts::at(EventCounts& counts, std::int64_t start, std::string_view name) {
  const auto found = counts.find(std::tuple(start, name));
  if (found != counts.end()) return found->second;
  return counts.emplace(std::tuple(start, std::string(name)), Events{}).first->second;
}

void Counts::add(const CountedVerdict& verdict, std::int64_t times) {
  Events& of_class = at(classes_, unit_start(verdict.time, kMinute), verdict.event_class);
  Events& of_host = at(hosts_, unit_start(verdict.time, kHour), verdict.host);
  for (Events* events : {&of_class, &of_host}) {
    events->events += times;
    if (verdict.detected) events->detected += times;
  }
}

void Counts::add(const CountedAlert& alert, std::int64_t times) {
  const std::int64_t hour = unit_start(alert.time, kHour);
  rules_[RuleKey{hour, std::string(alert.rule_id), alert.score, std::string(alert.tactics),
                 std::string(alert.techniques), std::string(alert.rule_name)}] += times;
  entities_[EntityKey{hour, 'h', std::string(alert.host), alert.score}] += times;
  entities_[EntityKey{hour, 'u', std::string(alert.user), alert.score}] += times;
  entities_[EntityKey{hour, 'a', "", alert.score}] += times;
  pairs_[PairKey{std::string(alert.rule_id), std::string(alert.host), alert.score}] += times;
}

void Counts::clear() {
  classes_.clear();
  hosts_.clear();
  rules_.clear();
  entities_.clear();
  pairs_.clear();
}

Status Counts::flush(sqlite::Database& db) {
  TOCSIN_TRY_STATUS(flush_events(db, "event_counts", classes_, {kMinute, kHour, kDay}));
  TOCSIN_TRY_STATUS(flush_events(db, "host_counts", hosts_, {kHour, kDay}));
  TOCSIN_TRY_STATUS(flush_rules(db));
  TOCSIN_TRY_STATUS(flush_entities(db));
  TOCSIN_TRY_STATUS(flush_pairs(db));
  clear();
  return {};
}

Status Counts::flush_events(sqlite::Database& db, std::string_view table, const EventCounts& counts,
                            std::initializer_list<std::int64_t> units) {
  if (counts.empty()) return {};
  TOCSIN_TRY(auto upsert,
             db.prepare(fmt::format("INSERT INTO {} VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                                    " events = events + excluded.events,"
                                    " detected = detected + excluded.detected",
                                    table)));
  for (const std::int64_t unit : units) {
    EventCounts sums;
    for (const auto& [key, events] : counts) {
      Events& sum = at(sums, coarser(std::get<0>(key), unit), std::get<1>(key));
      sum.events += events.events;
      sum.detected += events.detected;
    }
    for (const auto& [key, sum] : sums)
      TOCSIN_TRY_STATUS(upsert.bind(1, unit)
                            .bind(2, std::get<0>(key))
                            .bind(3, std::get<1>(key))
                            .bind(4, sum.events)
                            .bind(5, sum.detected)
                            .run());
  }
  return {};
}

Status Counts::flush_rules(sqlite::Database& db) {
  if (rules_.empty()) return {};
  TOCSIN_TRY(auto upsert,
             db.prepare("INSERT INTO rule_counts VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " alerts = alerts + excluded.alerts"));
  for (const std::int64_t unit : {kHour, kDay}) {
    std::map<RuleKey, std::int64_t> sums;
    for (const auto& [key, alerts] : rules_) {
      RuleKey coarse = key;
      std::get<0>(coarse) = coarser(std::get<0>(key), unit);
      sums[std::move(coarse)] += alerts;
    }
    for (const auto& [key, alerts] : sums)
      TOCSIN_TRY_STATUS(upsert.bind(1, unit)
                            .bind(2, std::get<0>(key))
                            .bind(3, std::get<1>(key))
                            .bind(4, std::get<2>(key))
                            .bind(5, std::get<3>(key))
                            .bind(6, std::get<4>(key))
                            .bind(7, std::get<5>(key))
                            .bind(8, alerts)
                            .run());
  }
  return {};
}

Status Counts::flush_entities(sqlite::Database& db) {
  if (entities_.empty()) return {};
  TOCSIN_TRY(auto upsert,
             db.prepare("INSERT INTO entity_counts VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " alerts = alerts + excluded.alerts"));
  for (const std::int64_t unit : {kHour, kDay, kThirtyDays}) {
    std::map<EntityKey, std::int64_t> sums;
    for (const auto& [key, alerts] : entities_) {
      EntityKey coarse = key;
      std::get<0>(coarse) = coarser(std::get<0>(key), unit);
      sums[std::move(coarse)] += alerts;
    }
    for (const auto& [key, alerts] : sums) {
      const char kind = std::get<1>(key);
      TOCSIN_TRY_STATUS(upsert.bind(1, unit)
                            .bind(2, std::get<0>(key))
                            .bind(3, std::string_view(&kind, 1))
                            .bind(4, std::get<2>(key))
                            .bind(5, std::get<3>(key))
                            .bind(6, alerts)
                            .run());
    }
  }
  return {};
}

Status Counts::flush_pairs(sqlite::Database& db) {
  if (pairs_.empty()) return {};
  TOCSIN_TRY(auto upsert,
             db.prepare("INSERT INTO rule_hosts VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " alerts = alerts + excluded.alerts"));
  for (const auto& [key, alerts] : pairs_)
    TOCSIN_TRY_STATUS(upsert.bind(1, std::get<0>(key))
                          .bind(2, std::get<1>(key))
                          .bind(3, std::get<2>(key))
                          .bind(4, alerts)
                          .run());
  return {};
}

Status count_all_verdicts(sqlite::Database& db) {
  // Floors also before 1970, where SQL's division would round up.
  const auto start = [](std::int64_t unit) {
    return fmt::format("((t - (((t % {0}) + {0}) % {0})) / 1000000000)", unit * kSecond);
  };
  const std::string verdicts = fmt::format(
      "(SELECT {} AS t, class, host, rules <> '' AS found FROM verdicts)", kVerdictTime);
  for (const std::int64_t unit : {kMinute, kHour, kDay})
    TOCSIN_TRY_STATUS(db.exec(fmt::format("INSERT INTO event_counts SELECT {}, {}, class, count(*),"
                                          " sum(found) FROM {} GROUP BY 2, 3",
                                          unit, start(unit), verdicts)
                                  .c_str()));
  for (const std::int64_t unit : {kHour, kDay})
    TOCSIN_TRY_STATUS(db.exec(fmt::format("INSERT INTO host_counts SELECT {}, {}, host, count(*),"
                                          " sum(found) FROM {} GROUP BY 2, 3",
                                          unit, start(unit), verdicts)
                                  .c_str()));
  return {};
}

}  // namespace tocsin::store
