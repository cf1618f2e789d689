// SPDX-License-Identifier: Apache-2.0
#include "stages/store/summary.h"

#include <algorithm>
#include <utility>

#include "base/sqlite.h"
#include "stages/store/schema.h"

namespace tocsin::store {
namespace {

// Runs the query and calls visit(statement) for each row.
template <class Visit>
Status each_row(sqlite::Database& db, std::string_view sql, std::int64_t limit, Visit&& visit) {
  TOCSIN_TRY(auto query, db.prepare(sql));
  if (limit > 0) query.bind(1, limit);
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    visit(query);
  }
}

Status read_totals(sqlite::Database& db, Summary& out) {
  TOCSIN_TRY_STATUS(each_row(
      db,
      "SELECT count(*), coalesce(sum(rules <> ''), 0),"
      " coalesce(min(CASE WHEN timestamp > 0 THEN timestamp END), 0), coalesce(max(timestamp), 0),"
      " coalesce(min(classified_at), 0), coalesce(max(classified_at), 0) FROM verdicts",
      0, [&](const sqlite::Statement& row) {
        out.verdicts = row.integer(0);
        out.detected = row.integer(1);
        out.first_event = row.integer(2);
        out.last_event = row.integer(3);
        out.first_classified = row.integer(4);
        out.last_classified = row.integer(5);
      }));
  return each_row(db, "SELECT count(*) FROM alerts", 0,
                  [&](const sqlite::Statement& row) { out.alerts = row.integer(0); });
}

Status read_counts(sqlite::Database& db, std::int64_t top, Summary& out) {
  TOCSIN_TRY_STATUS(each_row(
      db, "SELECT class, count(*) AS n FROM verdicts GROUP BY class ORDER BY n DESC, class", 0,
      [&](const sqlite::Statement& row) {
        out.classes.push_back({std::string(row.text(0)), row.integer(1)});
      }));
  TOCSIN_TRY_STATUS(
      each_row(db, "SELECT level, count(*) FROM alerts GROUP BY level ORDER BY max(score) DESC", 0,
               [&](const sqlite::Statement& row) {
                 out.levels.push_back({std::string(row.text(0)), row.integer(1)});
               }));
  TOCSIN_TRY_STATUS(each_row(
      db,
      "SELECT rule_id, max(rule_name), max(level), count(*) AS n, count(DISTINCT host) FROM alerts"
      " GROUP BY rule_id ORDER BY n DESC, rule_id LIMIT ?",
      top, [&](const sqlite::Statement& row) {
        out.rules.push_back({std::string(row.text(0)), std::string(row.text(1)),
                             std::string(row.text(2)), row.integer(3), row.integer(4)});
      }));
  return each_row(db,
                  "SELECT host, count(*), sum(rules <> '') AS n FROM verdicts GROUP BY host"
                  " ORDER BY n DESC, count(*) DESC, host LIMIT ?",
                  top, [&](const sqlite::Statement& row) {
                    out.hosts.push_back({std::string(row.text(0)), row.integer(1), row.integer(2)});
                  });
}

Status read_latency(sqlite::Database& db, Summary& out) {
  std::vector<std::int64_t> values;
  values.reserve(static_cast<std::size_t>(out.verdicts));
  TOCSIN_TRY_STATUS(
      each_row(db, "SELECT latency_us FROM verdicts", 0,
               [&](const sqlite::Statement& row) { values.push_back(row.integer(0)); }));
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  // Nearest rank: the smallest value that at least this share of the events does not exceed.
  const auto rank = [&](std::size_t percent) {
    return values[std::max<std::size_t>(1, (values.size() * percent + 99) / 100) - 1];
  };
  out.latency = {rank(50), rank(90), rank(95), rank(99), values.back()};
  return {};
}

Status read_truth(sqlite::Database& db, Summary& out) {
  return each_row(
      db,
      "SELECT truth, class, tactics, truth_scenario, rules <> '', count(*) FROM verdicts"
      " WHERE truth <> '' GROUP BY 1, 2, 3, 4, 5",
      0, [&](const sqlite::Statement& row) {
        add_truth(out.scoring, {.truth = std::string(row.text(0)),
                                .event_class = std::string(row.text(1)),
                                .tactics = std::string(row.text(2)),
                                .scenario = std::string(row.text(3)),
                                .detected = row.integer(4) != 0,
                                .count = row.integer(5)});
      });
}

}  // namespace

Result<Summary> summarize(const std::string& path, std::size_t top, Trends* trends) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kRead, 1));
  // One transaction: the figures agree with each other while detectors go on writing.
  TOCSIN_TRY_STATUS(db.exec("BEGIN"));
  Summary summary;
  TOCSIN_TRY_STATUS(read_totals(db, summary));
  TOCSIN_TRY_STATUS(
      read_counts(db, static_cast<std::int64_t>(std::max<std::size_t>(1, top)), summary));
  TOCSIN_TRY_STATUS(read_latency(db, summary));
  TOCSIN_TRY_STATUS(read_truth(db, summary));
  if (trends != nullptr) {
    std::vector<std::string> hosts;
    for (const HostCount& host : summary.hosts) hosts.push_back(host.name);
    TOCSIN_TRY_STATUS(read_trends(db, hosts, *trends));
  }
  TOCSIN_TRY_STATUS(db.exec("COMMIT"));
  return summary;
}

}  // namespace tocsin::store
