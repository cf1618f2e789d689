// SPDX-License-Identifier: Apache-2.0
#include "stages/store/rule_stats.h"

#include <algorithm>

#include "stages/store/schema.h"

namespace tocsin::store {
namespace {

// Not part of kSchema: a database of an older release gets it, too.
constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS rule_stats(rule_id TEXT PRIMARY KEY, evaluated INTEGER NOT NULL,"
    " matched INTEGER NOT NULL, suppressed INTEGER NOT NULL, nanoseconds INTEGER NOT NULL,"
    " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL)";

constexpr const char* kUpsert =
    "INSERT INTO rule_stats VALUES(?,?,?,?,?,?,?) ON CONFLICT(rule_id) DO UPDATE SET"
    " evaluated = evaluated + excluded.evaluated, matched = matched + excluded.matched,"
    " suppressed = suppressed + excluded.suppressed,"
    " nanoseconds = nanoseconds + excluded.nanoseconds,"
    " first_seen = CASE WHEN first_seen = 0 OR (excluded.first_seen <> 0 AND"
    "   excluded.first_seen < first_seen) THEN excluded.first_seen ELSE first_seen END,"
    " last_seen = max(last_seen, excluded.last_seen)";

std::int64_t number(std::uint64_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

void RuleStat::add(const RuleStat& other) {
  evaluated += other.evaluated;
  matched += other.matched;
  suppressed += other.suppressed;
  nanoseconds += other.nanoseconds;
  if (first_seen == 0 || (other.first_seen != 0 && other.first_seen < first_seen))
    first_seen = other.first_seen;
  last_seen = std::max(last_seen, other.last_seen);
}

Result<std::unique_ptr<RuleStatsStore>> RuleStatsStore::open(const std::string& path) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kWrite));
  TOCSIN_TRY_STATUS(db.exec(kTable));
  TOCSIN_TRY(auto upsert, db.prepare(kUpsert));
  return std::unique_ptr<RuleStatsStore>(new RuleStatsStore(std::move(db), std::move(upsert)));
}

Status RuleStatsStore::add(std::span<const RuleStat> stats) {
  if (stats.empty()) return {};
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  for (const RuleStat& stat : stats)
    TOCSIN_TRY_STATUS(upsert_.bind(1, stat.rule_id)
                          .bind(2, number(stat.evaluated))
                          .bind(3, number(stat.matched))
                          .bind(4, number(stat.suppressed))
                          .bind(5, number(stat.nanoseconds))
                          .bind(6, stat.first_seen)
                          .bind(7, stat.last_seen)
                          .run());
  return transaction.commit();
}

Result<std::vector<RuleStat>> read_rule_stats(const std::string& path) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, sqlite::Mode::kRead));
  std::vector<RuleStat> out;
  TOCSIN_TRY(auto table, db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'rule_stats'"));
  TOCSIN_TRY(const bool exists, table.step());
  if (!exists) return out;
  TOCSIN_TRY(auto query, db.prepare("SELECT rule_id, evaluated, matched, suppressed, nanoseconds,"
                                    " first_seen, last_seen FROM rule_stats ORDER BY rule_id"));
  for (;;) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    RuleStat& stat = out.emplace_back();
    stat.rule_id = query.text(0);
    stat.evaluated = static_cast<std::uint64_t>(query.integer(1));
    stat.matched = static_cast<std::uint64_t>(query.integer(2));
    stat.suppressed = static_cast<std::uint64_t>(query.integer(3));
    stat.nanoseconds = static_cast<std::uint64_t>(query.integer(4));
    stat.first_seen = query.integer(5);
    stat.last_seen = query.integer(6);
  }
}

}  // namespace tocsin::store
