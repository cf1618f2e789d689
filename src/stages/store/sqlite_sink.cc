// SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/sqlite.h"
#include "stages/store/positions.h"
#include "stages/store/schema.h"
#include "stages/store/sink.h"

namespace tocsin::store {
namespace {

template <class Bytes>
std::string_view bytes_of(const Bytes& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

void join(std::string& out, const std::vector<std::string>& items) {
  out.clear();
  for (const std::string& item : items) {
    if (!out.empty()) out.push_back(';');
    out += item;
  }
}

// REPLACE: of two verdicts on one event the later stays, so a replay under new rules shows.
constexpr const char* kInsertVerdict =
    "INSERT OR REPLACE INTO verdicts(event_id, trace_id, timestamp, host, channel, provider,"
    " event_code, class, tactics, techniques, rules, level, score, classified_at, latency_us, "
    "truth,"
    " truth_scenario, truth_technique) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kInsertAlert =
    "INSERT OR REPLACE INTO alerts(alert_id, event_id, trace_id, timestamp, created, host, user,"
    " rule_id, rule_name, level, score, class, tactics, techniques, json)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

class SqliteSink final : public Sink {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Sink>> open(const std::string& path,
                                                          SqliteOptions options);

  Status write(const SinkBatch& batch) override {
    const std::lock_guard lock(mutex_);
    TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
    TOCSIN_TRY(const std::vector<std::int64_t> admitted, positions_->admit(batch, name()));
    const auto is_new = [&](std::span<const Place> places, std::size_t i) {
      return places.empty() || places[i].offset >= admitted[places[i].slice];
    };
    for (std::size_t i = 0; i < batch.verdicts.size(); ++i)
      if ((!options_.detections_only || batch.verdicts[i].detected()) &&
          is_new(batch.verdict_places, i))
        TOCSIN_TRY_STATUS(insert(batch.verdicts[i]));
    for (std::size_t i = 0; i < batch.alerts.size(); ++i)
      if (is_new(batch.alert_places, i)) TOCSIN_TRY_STATUS(insert(batch.alerts[i]));
    TOCSIN_TRY_STATUS(positions_->advance(batch, admitted));
    return transaction.commit();
  }

  Status claim(const SinkBatch& batch) override {
    const std::lock_guard lock(mutex_);
    TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
    TOCSIN_TRY_STATUS(positions_->claim(batch));
    return transaction.commit();
  }

  std::string_view name() const override { return "sqlite"; }

 private:
  SqliteSink(sqlite::Database db, SqliteOptions options) : db_(std::move(db)), options_(options) {}

  Status insert(const Verdict& v) {
    join(tactics_, v.tactics);
    join(techniques_, v.techniques);
    join(rules_, v.rules);
    return verdict_.bind_blob(1, bytes_of(v.event_id.bytes))
        .bind_blob(2, bytes_of(v.trace_id))
        .bind(3, v.timestamp)
        .bind(4, v.host)
        .bind(5, v.channel)
        .bind(6, v.provider)
        .bind(7, v.event_code)
        .bind(8, v.event_class)
        .bind(9, tactics_)
        .bind(10, techniques_)
        .bind(11, rules_)
        .bind(12, v.detected() ? to_string(v.level) : std::string_view())
        .bind(13, std::int64_t{v.score})
        .bind(14, v.classified_at)
        .bind(15, v.latency_us)
        .bind(16, v.truth)
        .bind(17, v.truth_scenario)
        .bind(18, v.truth_technique)
        .run();
  }

  Status insert(const Alert& a) {
    join(tactics_, a.tactics);
    join(techniques_, a.techniques);
    json_.clear();
    append_json(json_, a);
    return alert_.bind_blob(1, bytes_of(a.alert_id.bytes))
        .bind_blob(2, bytes_of(a.event_id.bytes))
        .bind_blob(3, bytes_of(a.trace_id))
        .bind(4, a.timestamp)
        .bind(5, a.created)
        .bind(6, a.host)
        .bind(7, a.user)
        .bind(8, a.rule_id)
        .bind(9, a.rule_name)
        .bind(10, to_string(a.level))
        .bind(11, std::int64_t{severity_score(a.level)})
        .bind(12, a.tactics.empty() ? std::string_view() : std::string_view(a.tactics.front()))
        .bind(13, tactics_)
        .bind(14, techniques_)
        .bind(15, json_)
        .run();
  }

  std::mutex mutex_;
  sqlite::Database db_;
  std::optional<Positions> positions_;
  sqlite::Statement verdict_;
  sqlite::Statement alert_;
  const SqliteOptions options_;
  std::string tactics_, techniques_, rules_, json_;  // kept for their memory
};

Result<std::unique_ptr<Sink>> SqliteSink::open(const std::string& path, SqliteOptions options) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, sqlite::Mode::kWrite));
  TOCSIN_TRY_STATUS(db.adopt_schema(kSchemaVersion, kSchema));
  if (options.fsync) TOCSIN_TRY_STATUS(db.exec("PRAGMA synchronous=FULL"));
  std::unique_ptr<SqliteSink> made(new SqliteSink(std::move(db), options));
  TOCSIN_TRY(made->positions_, Positions::open(made->db_));
  TOCSIN_TRY(made->verdict_, made->db_.prepare(kInsertVerdict));
  TOCSIN_TRY(made->alert_, made->db_.prepare(kInsertAlert));
  return made;
}

}  // namespace

Result<std::unique_ptr<Sink>> open_sqlite(const std::string& path, SqliteOptions options) {
  return SqliteSink::open(path, options);
}

}  // namespace tocsin::store
