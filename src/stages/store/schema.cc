// SPDX-License-Identifier: Apache-2.0
#include "stages/store/schema.h"

#include <fmt/format.h>

#include "base/log.h"
#include "stages/store/alert_writer.h"
#include "stages/store/counts.h"

namespace tocsin::store {
namespace {

constexpr const char* kVerdicts = R"sql(
CREATE TABLE IF NOT EXISTS verdicts(
  event_id BLOB PRIMARY KEY, trace_id BLOB NOT NULL, timestamp INTEGER NOT NULL,
  host TEXT NOT NULL, channel TEXT NOT NULL, provider TEXT NOT NULL, event_code TEXT NOT NULL,
  class TEXT NOT NULL, tactics TEXT NOT NULL, techniques TEXT NOT NULL, rules TEXT NOT NULL,
  level TEXT NOT NULL, score INTEGER NOT NULL, classified_at INTEGER NOT NULL,
  latency_us INTEGER NOT NULL,
  truth TEXT NOT NULL, truth_scenario TEXT NOT NULL, truth_technique TEXT NOT NULL,
  topic INTEGER NOT NULL DEFAULT 0, partition INTEGER NOT NULL DEFAULT -1,
  log_offset INTEGER NOT NULL DEFAULT -1);
)sql";

// What a file of version 1 gets, too.
constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE INDEX IF NOT EXISTS verdicts_by_time ON verdicts()sql" TOCSIN_VERDICT_TIME R"sql();
CREATE INDEX IF NOT EXISTS verdicts_by_class ON verdicts(class, timestamp) WHERE class <> 'None';
CREATE INDEX IF NOT EXISTS verdicts_detected ON verdicts()sql" TOCSIN_VERDICT_TIME R"sql(,
  score, tactics, techniques, rules, class, host) WHERE rules <> '';
CREATE INDEX IF NOT EXISTS verdicts_by_host ON verdicts(host, )sql" TOCSIN_VERDICT_TIME R"sql();
CREATE INDEX IF NOT EXISTS verdicts_by_trace ON verdicts(trace_id) WHERE trace_id <> event_id;

CREATE TABLE IF NOT EXISTS alerts(
  docid INTEGER PRIMARY KEY,
  alert_id BLOB NOT NULL UNIQUE, event_id BLOB NOT NULL, trace_id BLOB NOT NULL,
  timestamp INTEGER NOT NULL, created INTEGER NOT NULL,
  host TEXT NOT NULL, user TEXT NOT NULL, rule_id TEXT NOT NULL, rule_name TEXT NOT NULL,
  level TEXT NOT NULL, score INTEGER NOT NULL, class TEXT NOT NULL,
  tactics TEXT NOT NULL, techniques TEXT NOT NULL, suppressed INTEGER NOT NULL,
  json TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS alerts_by_event ON alerts(event_id);
CREATE INDEX IF NOT EXISTS alerts_by_trace ON alerts(trace_id) WHERE trace_id <> event_id;
CREATE INDEX IF NOT EXISTS alerts_by_rule ON alerts(rule_id);
CREATE INDEX IF NOT EXISTS alerts_by_rule_name ON alerts(rule_name);
CREATE INDEX IF NOT EXISTS alerts_by_host ON alerts(host);
CREATE INDEX IF NOT EXISTS alerts_by_user ON alerts(user);
CREATE INDEX IF NOT EXISTS alerts_by_level ON alerts(score);
CREATE INDEX IF NOT EXISTS alerts_facts ON alerts(docid, host, user, rule_id, score, tactics,
  techniques);

CREATE VIRTUAL TABLE IF NOT EXISTS alert_index USING fts5(
  body, content='', columnsize=0, tokenize='ascii');

CREATE TABLE IF NOT EXISTS triage(
  docid INTEGER PRIMARY KEY, status TEXT NOT NULL, assignee TEXT NOT NULL,
  assignee_folded TEXT NOT NULL, updated INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS triage_by_status ON triage(status, docid);
CREATE INDEX IF NOT EXISTS triage_by_assignee ON triage(assignee_folded, docid);
CREATE TABLE IF NOT EXISTS triage_history(
  id INTEGER PRIMARY KEY, alert_id BLOB NOT NULL, time INTEGER NOT NULL, user TEXT NOT NULL,
  action TEXT NOT NULL, old_value TEXT NOT NULL, new_value TEXT NOT NULL, note TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS triage_history_by_alert ON triage_history(alert_id);
CREATE TABLE IF NOT EXISTS audit(
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, address TEXT NOT NULL);

DROP VIEW IF EXISTS verdicts_view;
CREATE VIEW verdicts_view AS SELECT
  lower(substr(hex(event_id),1,8)||'-'||substr(hex(event_id),9,4)||'-'||substr(hex(event_id),13,4)
        ||'-'||substr(hex(event_id),17,4)||'-'||substr(hex(event_id),21)) AS event_id,
  lower(hex(trace_id)) AS trace_id,
  strftime('%Y-%m-%dT%H:%M:%SZ', timestamp/1000000000, 'unixepoch') AS time,
  host, channel, provider, event_code, class, tactics, techniques, rules, level, score, latency_us,
  truth, truth_scenario, truth_technique,
  (SELECT name FROM topics WHERE id = topic) AS topic, partition, log_offset AS offset
  FROM verdicts;
DROP VIEW IF EXISTS alerts_view;
CREATE VIEW alerts_view AS SELECT
  lower(substr(hex(event_id),1,8)||'-'||substr(hex(event_id),9,4)||'-'||substr(hex(event_id),13,4)
        ||'-'||substr(hex(event_id),17,4)||'-'||substr(hex(event_id),21)) AS event_id,
  strftime('%Y-%m-%dT%H:%M:%SZ', timestamp/1000000000, 'unixepoch') AS time,
  host, user, rule_id, rule_name, level, class, tactics, techniques,
  coalesce((SELECT status FROM triage t WHERE t.docid = a.docid), 'new') AS status FROM alerts a;
)sql";

// Version 1 had no docid: its alerts are written anew.
constexpr const char* kFromVersion1 = R"sql(
ALTER TABLE verdicts ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verdicts ADD COLUMN partition INTEGER NOT NULL DEFAULT -1;
ALTER TABLE verdicts ADD COLUMN log_offset INTEGER NOT NULL DEFAULT -1;
DROP VIEW IF EXISTS verdicts_view;
DROP VIEW IF EXISTS alerts_view;
DROP INDEX IF EXISTS alerts_by_event;
DROP INDEX IF EXISTS alerts_by_time;
DROP INDEX IF EXISTS alerts_by_rule;
DROP INDEX IF EXISTS alerts_by_host;
DROP INDEX IF EXISTS alerts_by_level;
DROP INDEX IF EXISTS alerts_by_class;
ALTER TABLE alerts RENAME TO alerts_of_version_1;
)sql";

// In the order of time, as the full-text index likes it.
Status copy_alerts(sqlite::Database& db) {
  Counts counts;
  TOCSIN_TRY(AlertWriter writer, AlertWriter::open(db));
  TOCSIN_TRY(auto rows,
             db.prepare("SELECT alert_id, event_id, trace_id, timestamp, created, host, user,"
                        " rule_id, rule_name, level, score, class, tactics, techniques, json"
                        " FROM alerts_of_version_1 ORDER BY CASE timestamp WHEN 0 THEN created"
                        " ELSE timestamp END, alert_id"));
  while (true) {
    TOCSIN_TRY(const bool row, rows.step());
    if (!row) break;
    AlertRow alert;
    alert.alert_id = rows.blob(0);
    alert.event_id = rows.blob(1);
    alert.trace_id = rows.blob(2);
    alert.timestamp = rows.integer(3);
    alert.created = rows.integer(4);
    alert.score = rows.integer(10);
    alert.text = {.host = rows.text(5),
                  .user = rows.text(6),
                  .rule_id = rows.text(7),
                  .rule_name = rows.text(8),
                  .level = rows.text(9),
                  .event_class = rows.text(11),
                  .tactics = rows.text(12),
                  .techniques = rows.text(13),
                  .json = rows.text(14)};
    alert.suppressed = search::read_detail(alert.text.json).suppressed;
    TOCSIN_TRY_STATUS(writer.write(alert, counts));
  }
  TOCSIN_TRY_STATUS(db.exec("DROP TABLE alerts_of_version_1"));
  return counts.flush(db);
}

Status make_tables(sqlite::Database& db, std::int64_t from, const std::string& path) {
  if (from == 1) {
    log_info("{}: written by an older release; bringing its tables up to date", path);
    TOCSIN_TRY_STATUS(db.exec(kFromVersion1));
  }
  TOCSIN_TRY_STATUS(db.exec(kVerdicts));
  TOCSIN_TRY_STATUS(db.exec(kTables));
  TOCSIN_TRY_STATUS(db.exec(kCountTables));
  if (from != 1) return {};
  TOCSIN_TRY_STATUS(copy_alerts(db));
  return count_all_verdicts(db);
}

}  // namespace

Result<std::int64_t> stored_version(sqlite::Database& db) {
  TOCSIN_TRY(auto query, db.prepare("PRAGMA user_version"));
  TOCSIN_TRY(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

Result<sqlite::Database> open_store(const std::string& path, sqlite::Mode mode, int oldest) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, mode));
  TOCSIN_TRY_STATUS(db.adopt_schema(kSchemaVersion, [&](sqlite::Database& open, std::int64_t from) {
    return make_tables(open, from, path);
  }));
  if (mode == sqlite::Mode::kRead) {
    TOCSIN_TRY(const std::int64_t version, stored_version(db));
    if (version < oldest)
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}: written by an older release (schema {}, this one wants {}); "
                              "`tocsin detect` or `tocsin search` bring it up to date",
                              path, version, kSchemaVersion));
  }
  return db;
}

}  // namespace tocsin::store
