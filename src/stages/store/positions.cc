// SPDX-License-Identifier: Apache-2.0
#include "stages/store/positions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace tocsin::store {
namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS positions(
  consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  first INTEGER NOT NULL, next INTEGER NOT NULL, stamp INTEGER NOT NULL, writer INTEGER NOT NULL,
  PRIMARY KEY(consumer_group, topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions_before(
  consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  first INTEGER NOT NULL, next INTEGER NOT NULL, stamp INTEGER NOT NULL,
  PRIMARY KEY(consumer_group, topic, partition)) WITHOUT ROWID;
)sql";

constexpr const char* kKey = "consumer_group = ?1 AND topic = ?2 AND partition = ?3";

}  // namespace

Result<Positions> Positions::open(sqlite::Database& db) {
  TOCSIN_TRY_STATUS(db.exec(kTables));
  TOCSIN_TRY(auto read, db.prepare(fmt::format(
                            "SELECT first, next, stamp, writer FROM positions WHERE {}", kKey)));
  TOCSIN_TRY(auto claim, db.prepare("INSERT INTO positions VALUES(?1, ?2, ?3, 0, 0, 0, ?4) "
                                    "ON CONFLICT DO UPDATE SET writer = excluded.writer"));
  TOCSIN_TRY(auto advance,
             db.prepare(fmt::format(
                 "UPDATE positions SET first = ?4, next = ?5, stamp = ?6 WHERE {}", kKey)));
  TOCSIN_TRY(auto keep,
             db.prepare(fmt::format("INSERT OR REPLACE INTO positions_before SELECT "
                                    "consumer_group, topic, partition, first, next, stamp "
                                    "FROM positions WHERE {}",
                                    kKey)));
  TOCSIN_TRY(auto forget, db.prepare("DELETE FROM positions_before"));
  TOCSIN_TRY(auto undo,
             db.prepare("UPDATE positions AS p SET (first, next, stamp) = (SELECT first, next, "
                        "stamp FROM positions_before b WHERE b.consumer_group = p.consumer_group "
                        "AND b.topic = p.topic AND b.partition = p.partition) "
                        "WHERE EXISTS (SELECT 1 FROM positions_before b WHERE b.consumer_group = "
                        "p.consumer_group AND b.topic = p.topic AND b.partition = p.partition)"));
  return Positions(std::move(read), std::move(claim), std::move(advance), std::move(keep),
                   std::move(forget), std::move(undo));
}

Result<Positions::Row> Positions::read(std::string_view group, const Slice& slice) {
  Row row;
  read_.bind(1, group).bind(2, slice.topic).bind(3, std::int64_t{slice.partition});
  TOCSIN_TRY(row.found, read_.step());
  if (row.found) {
    row.first = read_.integer(0);
    row.next = read_.integer(1);
    row.stamp = read_.integer(2);
    row.writer = read_.integer(3);
  }
  read_.reset();
  return row;
}

Status Positions::claim(const SinkBatch& batch) {
  for (const Slice& slice : batch.slices)
    TOCSIN_TRY_STATUS(claim_.bind(1, batch.group)
                          .bind(2, slice.topic)
                          .bind(3, std::int64_t{slice.partition})
                          .bind(4, batch.writer)
                          .run());
  return {};
}

Result<std::vector<std::int64_t>> Positions::admit(const SinkBatch& batch, std::string_view sink) {
  std::vector<std::int64_t> admitted;
  for (const Slice& slice : batch.slices) {
    TOCSIN_TRY(const Row row, read(batch.group, slice));
    if (!row.found || row.writer != batch.writer)
      return fail(ErrorCode::kStale,
                  fmt::format("{}: topic {} partition {} is written by another member of group {}",
                              sink, slice.topic, slice.partition, batch.group));
    const bool same_log = slice.first != row.first || slice.stamp == row.stamp;
    const bool replay = row.first <= slice.first && slice.first < row.next && same_log;
    if (replay)
      log_info("{}: topic {} partition {}: offsets {} to {} are written already", sink, slice.topic,
               slice.partition, slice.first, std::min(row.next, slice.next) - 1);
    else if (slice.first < row.next)
      log_warning(
          "{}: topic {} partition {}: group {} reads from offset {} again, though {} and more were "
          "written: it was set back, or the topic is another; the verdicts are written once more",
          sink, slice.topic, slice.partition, batch.group, slice.first, row.first);
    admitted.push_back(replay ? row.next : slice.first);
  }
  return admitted;
}

Status Positions::advance(const SinkBatch& batch, std::span<const std::int64_t> admitted) {
  for (std::size_t i = 0; i < batch.slices.size(); ++i) {
    const Slice& slice = batch.slices[i];
    TOCSIN_TRY_STATUS(advance_.bind(1, batch.group)
                          .bind(2, slice.topic)
                          .bind(3, std::int64_t{slice.partition})
                          .bind(4, slice.since)
                          .bind(5, std::max(slice.next, admitted[i]))
                          .bind(6, slice.since_stamp)
                          .run());
  }
  return {};
}

Status Positions::keep_undo(const SinkBatch& batch) {
  TOCSIN_TRY_STATUS(forget_.run());
  for (const Slice& slice : batch.slices)
    TOCSIN_TRY_STATUS(keep_.bind(1, batch.group)
                          .bind(2, slice.topic)
                          .bind(3, std::int64_t{slice.partition})
                          .run());
  return {};
}

Status Positions::undo() {
  TOCSIN_TRY_STATUS(undo_.run());
  return forget_.run();
}

}  // namespace tocsin::store
