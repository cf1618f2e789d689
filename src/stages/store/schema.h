// SPDX-License-Identifier: Apache-2.0
//
// The tables of tocsin.db, for its writer and its readers.
//
// Ids are 16-byte blobs and times nanoseconds since the Unix epoch: small and quick. The views show
// both as people write them.
#pragma once

namespace tocsin::store {

inline constexpr int kSchemaVersion = 1;

inline constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS verdicts(
  event_id BLOB PRIMARY KEY, trace_id BLOB NOT NULL, timestamp INTEGER NOT NULL,
  host TEXT NOT NULL, channel TEXT NOT NULL, provider TEXT NOT NULL, event_code TEXT NOT NULL,
  class TEXT NOT NULL, tactics TEXT NOT NULL, techniques TEXT NOT NULL, rules TEXT NOT NULL,
  level TEXT NOT NULL, score INTEGER NOT NULL, classified_at INTEGER NOT NULL,
  latency_us INTEGER NOT NULL,
  truth TEXT NOT NULL, truth_scenario TEXT NOT NULL, truth_technique TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS verdicts_by_class ON verdicts(class, timestamp) WHERE class <> 'None';

CREATE TABLE IF NOT EXISTS alerts(
  alert_id BLOB PRIMARY KEY, event_id BLOB NOT NULL, trace_id BLOB NOT NULL,
  timestamp INTEGER NOT NULL, created INTEGER NOT NULL,
  host TEXT NOT NULL, user TEXT NOT NULL, rule_id TEXT NOT NULL, rule_name TEXT NOT NULL,
  level TEXT NOT NULL, score INTEGER NOT NULL, class TEXT NOT NULL,
  tactics TEXT NOT NULL, techniques TEXT NOT NULL, json TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS alerts_by_event ON alerts(event_id);
CREATE INDEX IF NOT EXISTS alerts_by_time ON alerts(timestamp);
CREATE INDEX IF NOT EXISTS alerts_by_rule ON alerts(rule_id, timestamp);
CREATE INDEX IF NOT EXISTS alerts_by_host ON alerts(host, timestamp);
CREATE INDEX IF NOT EXISTS alerts_by_level ON alerts(score, timestamp);
CREATE INDEX IF NOT EXISTS alerts_by_class ON alerts(class, timestamp);

CREATE VIEW IF NOT EXISTS verdicts_view AS SELECT
  lower(substr(hex(event_id),1,8)||'-'||substr(hex(event_id),9,4)||'-'||substr(hex(event_id),13,4)
        ||'-'||substr(hex(event_id),17,4)||'-'||substr(hex(event_id),21)) AS event_id,
  lower(hex(trace_id)) AS trace_id,
  strftime('%Y-%m-%dT%H:%M:%SZ', timestamp/1000000000, 'unixepoch') AS time,
  host, channel, provider, event_code, class, tactics, techniques, rules, level, score, latency_us,
  truth, truth_scenario, truth_technique FROM verdicts;
CREATE VIEW IF NOT EXISTS alerts_view AS SELECT
  lower(substr(hex(event_id),1,8)||'-'||substr(hex(event_id),9,4)||'-'||substr(hex(event_id),13,4)
        ||'-'||substr(hex(event_id),17,4)||'-'||substr(hex(event_id),21)) AS event_id,
  strftime('%Y-%m-%dT%H:%M:%SZ', timestamp/1000000000, 'unixepoch') AS time,
  host, user, rule_id, rule_name, level, class, tactics, techniques FROM alerts;
)sql";

}  // namespace tocsin::store
