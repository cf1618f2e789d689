// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "base/sqlite.h"
#include "stages/store/alert_writer.h"
#include "stages/store/counts.h"
#include "stages/store/docid.h"
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

constexpr std::string_view kColumns =
    "(event_id, trace_id, timestamp, host, channel, provider, event_code, class, tactics,"
    " techniques, rules, level, score, classified_at, latency_us, truth, truth_scenario,"
    " truth_technique, topic, partition, log_offset)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

// Where the event of a verdict lies; nowhere when the batch does not say.
struct LogPlace {
  std::int64_t topic = 0;
  std::int64_t partition = -1;
  std::int64_t offset = -1;
};

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
    counts_.clear();
    TOCSIN_TRY_STATUS(find_topics(batch));
    for (std::size_t i = 0; i < batch.verdicts.size(); ++i)
      if ((!options_.detections_only || batch.verdicts[i].detected()) &&
          is_new(batch.verdict_places, i)) {
        TOCSIN_TRY(const LogPlace at, place(batch, i));
        TOCSIN_TRY_STATUS(write(batch.verdicts[i], at));
      }
    for (const std::size_t i : by_time(batch.alerts))
      if (is_new(batch.alert_places, i)) TOCSIN_TRY_STATUS(write(batch.alerts[i]));
    TOCSIN_TRY_STATUS(counts_.flush(db_));
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

  // Ids of the slices' topics, as long as the transaction.
  Status find_topics(const SinkBatch& batch) {
    topics_.clear();
    origin_topics_.clear();
    if (!batch.origins.empty()) return {};
    for (const Slice& slice : batch.slices) {
      TOCSIN_TRY(const std::int64_t id, topic_id(slice.topic));
      topics_.push_back(id);
    }
    return {};
  }

  Result<std::int64_t> topic_id(const std::string& topic) {
    TOCSIN_TRY_STATUS(add_topic_.bind(1, topic).run());
    find_topic_.bind(1, topic);
    TOCSIN_TRY(const bool found, find_topic_.step());
    const std::int64_t id = found ? find_topic_.integer(0) : 0;
    find_topic_.reset();
    return id;
  }

  Result<LogPlace> place(const SinkBatch& batch, std::size_t verdict) {
    if (!batch.origins.empty()) return origin(batch.origins[verdict]);
    if (batch.verdict_places.empty() || batch.slices.empty()) return LogPlace{};
    const Place& at = batch.verdict_places[verdict];
    return LogPlace{topics_[at.slice], batch.slices[at.slice].partition, at.offset};
  }

  Result<LogPlace> origin(const Origin& at) {
    if (at.topic.empty()) return LogPlace{};
    auto known = origin_topics_.find(at.topic);
    if (known == origin_topics_.end()) {
      TOCSIN_TRY(const std::int64_t id, topic_id(at.topic));
      known = origin_topics_.emplace(at.topic, id).first;
    }
    return LogPlace{known->second, at.partition, at.offset};
  }

  // The full-text index takes rows best in the order of their ids.
  std::span<const std::size_t> by_time(std::span<const Alert> alerts) {
    order_.resize(alerts.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return effective_time(alerts[a].timestamp, alerts[a].created) <
             effective_time(alerts[b].timestamp, alerts[b].created);
    });
    return order_;
  }

  // Of two verdicts on one event the later stays, so a replay under new rules shows.
  Status write(const Verdict& v, const LogPlace& at) {
    TOCSIN_TRY_STATUS(run(insert_, v, at));
    if (db_.changes() == 0) {
      TOCSIN_TRY_STATUS(uncount(v.event_id));
      TOCSIN_TRY_STATUS(run(replace_, v, at));
    }
    counts_.add(CountedVerdict{.time = effective_time(v.timestamp, v.classified_at),
                               .host = v.host,
                               .event_class = v.event_class,
                               .detected = v.detected()});
    return {};
  }

  // The verdict on the event that is there and will be replaced.
  Status uncount(const Uuid& event_id) {
    before_.bind_blob(1, bytes_of(event_id.bytes));
    TOCSIN_TRY(const bool found, before_.step());
    if (found)
      counts_.add(CountedVerdict{.time = effective_time(before_.integer(0), before_.integer(1)),
                                 .host = before_.text(2),
                                 .event_class = before_.text(3),
                                 .detected = before_.integer(4) != 0},
                  -1);
    before_.reset();
    return {};
  }

  Status run(sqlite::Statement& statement, const Verdict& v, const LogPlace& at) {
    join(tactics_, v.tactics);
    join(techniques_, v.techniques);
    join(rules_, v.rules);
    return statement.bind_blob(1, bytes_of(v.event_id.bytes))
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
        .bind(19, at.topic)
        .bind(20, at.partition)
        .bind(21, at.offset)
        .run();
  }

  Status write(const Alert& a) {
    join(tactics_, a.tactics);
    join(techniques_, a.techniques);
    json_.clear();
    append_json(json_, a);
    const AlertRow row{
        .alert_id = bytes_of(a.alert_id.bytes),
        .event_id = bytes_of(a.event_id.bytes),
        .trace_id = bytes_of(a.trace_id),
        .timestamp = a.timestamp,
        .created = a.created,
        .score = severity_score(a.level),
        .suppressed = static_cast<std::int64_t>(a.suppressed),
        .text = {.host = a.host,
                 .user = a.user,
                 .rule_id = a.rule_id,
                 .rule_name = a.rule_name,
                 .level = to_string(a.level),
                 .event_class =
                     a.tactics.empty() ? std::string_view() : std::string_view(a.tactics.front()),
                 .tactics = tactics_,
                 .techniques = techniques_,
                 .json = json_}};
    return alerts_->write(row, counts_);
  }

  Status prepare() {
    TOCSIN_TRY(insert_, db_.prepare(fmt::format(
                            "INSERT INTO verdicts{} ON CONFLICT(event_id) DO NOTHING", kColumns)));
    TOCSIN_TRY(replace_, db_.prepare(fmt::format("REPLACE INTO verdicts{}", kColumns)));
    TOCSIN_TRY(before_, db_.prepare("SELECT timestamp, classified_at, host, class, rules <> ''"
                                    " FROM verdicts WHERE event_id = ?"));
    TOCSIN_TRY(add_topic_,
               db_.prepare("INSERT INTO topics(name) VALUES(?) ON CONFLICT DO NOTHING"));
    TOCSIN_TRY(find_topic_, db_.prepare("SELECT id FROM topics WHERE name = ?"));
    return {};
  }

  std::mutex mutex_;
  sqlite::Database db_;
  std::optional<Positions> positions_;
  std::optional<AlertWriter> alerts_;
  sqlite::Statement insert_, replace_, before_, add_topic_, find_topic_;
  const SqliteOptions options_;
  Counts counts_;
  std::vector<std::int64_t> topics_;
  std::map<std::string, std::int64_t> origin_topics_;  // the same, of origins
  std::vector<std::size_t> order_;
  std::string tactics_, techniques_, rules_, json_;  // kept for their memory
};

Result<std::unique_ptr<Sink>> SqliteSink::open(const std::string& path, SqliteOptions options) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kWrite));
  if (options.fsync) TOCSIN_TRY_STATUS(db.exec("PRAGMA synchronous=FULL"));
  std::unique_ptr<SqliteSink> made(new SqliteSink(std::move(db), options));
  TOCSIN_TRY(made->positions_, Positions::open(made->db_));
  TOCSIN_TRY(made->alerts_, AlertWriter::open(made->db_));
  TOCSIN_TRY_STATUS(made->prepare());
  return made;
}

}  // namespace

Result<std::unique_ptr<Sink>> open_sqlite(const std::string& path, SqliteOptions options) {
  return SqliteSink::open(path, options);
}

}  // namespace tocsin::store
