// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/store/partition_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace tocsin::bus::embedded {
namespace {

constexpr std::int64_t kOffsetLimit = std::int64_t{1} << 40;
constexpr std::int64_t kReadBytes = 32 << 20;

// The row id of a chunk that ends with this offset.
std::int64_t chunk_id(PartitionId partition, std::int64_t last_offset) {
  return partition * kOffsetLimit + last_offset;
}
std::int64_t last_offset_of(std::int64_t chunk) { return chunk % kOffsetLimit; }

PartitionRow partition_row(const Row& row) {
  return {row.integer(0), static_cast<std::int32_t>(row.integer(1)), row.integer(2),
          row.integer(3)};
}

}  // namespace

Result<std::vector<PartitionRow>> find_partitions(Database& database, std::string_view topic) {
  std::vector<PartitionRow> found;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT p.id, p.number, p.first_offset, p.end_offset FROM partitions p JOIN topics t "
      "ON p.topic = t.id WHERE t.name = ?1 ORDER BY p.number",
      [&](const Row& row) { found.push_back(partition_row(row)); }, topic));
  return found;
}

Result<std::optional<PartitionRow>> find_partition(Database& database, PartitionId id) {
  std::optional<PartitionRow> found;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT id, number, first_offset, end_offset FROM partitions WHERE id = ?1",
      [&](const Row& row) { found = partition_row(row); }, id));
  return found;
}

Result<std::optional<std::int64_t>> append_chunk(Database& database, PartitionId id,
                                                 ChunkWriter& chunk) {
  std::optional<std::int64_t> base;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT end_offset FROM partitions WHERE id = ?1",
      [&](const Row& row) { base = row.integer(0); }, id));
  if (!base) return base;
  const auto records = static_cast<std::int64_t>(chunk.records());
  const std::string_view bytes = chunk.finish();
  const auto size = static_cast<std::int64_t>(bytes.size());
  TOCSIN_TRY_STATUS(database.run(
      "INSERT INTO chunks(id, records, max_timestamp, size, data) VALUES(?1, ?2, ?3, ?4, ?5)",
      chunk_id(id, *base + records - 1), records, chunk.max_timestamp(), size, Blob{bytes}));
  TOCSIN_TRY_STATUS(
      database.run("UPDATE partitions SET end_offset = ?2, bytes = bytes + ?3 WHERE id = ?1", id,
                   *base + records, size));
  return base;
}

Result<std::int64_t> offset_at(Database& database, const PartitionRow& partition,
                               std::int64_t timestamp_ms) {
  std::int64_t found = partition.end_offset;
  Status decoded;
  const auto topic = std::make_shared<const std::string>("");
  TOCSIN_TRY_STATUS(database.each(
      "SELECT id, data FROM chunks WHERE id >= ?1 AND id < ?2 AND max_timestamp >= ?3 "
      "ORDER BY id LIMIT 1",
      [&](const Row& row) {
        const auto chunk =
            Chunk::decode(topic, partition.number, last_offset_of(row.integer(0)), row.blob(1));
        if (!chunk) {
          decoded = tl::unexpected(chunk.error());
          return;
        }
        const auto& messages = (*chunk)->messages();
        const auto at = std::find_if(messages.begin(), messages.end(), [&](const Message& m) {
          return m.timestamp_ms >= timestamp_ms;
        });
        if (at != messages.end()) found = at->offset;
      },
      chunk_id(partition.id, 0), chunk_id(partition.id + 1, 0), timestamp_ms));
  TOCSIN_TRY_STATUS(decoded);
  return found;
}

Result<std::optional<std::int64_t>> timestamp_at(Database& database, PartitionId id,
                                                 std::int64_t offset) {
  std::optional<std::int64_t> found;
  Status decoded;
  const auto topic = std::make_shared<const std::string>("");
  TOCSIN_TRY_STATUS(database.each(
      "SELECT id, data FROM chunks WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1",
      [&](const Row& row) {
        const auto chunk = Chunk::decode(topic, 0, last_offset_of(row.integer(0)), row.blob(1));
        if (!chunk) {
          decoded = tl::unexpected(chunk.error());
          return;
        }
        for (const Message& message : (*chunk)->messages()) {
          if (message.offset < offset) continue;
          found = message.timestamp_ms;
          return;
        }
      },
      chunk_id(id, offset), chunk_id(id + 1, 0)));
  TOCSIN_TRY_STATUS(decoded);
  return found;
}

namespace {

struct Retention {
  PartitionRow partition;
  std::string topic;
  std::int64_t bytes = 0;
  std::int64_t age_ms_max = -1;
  std::int64_t bytes_max = -1;
};

struct Expired {
  std::int64_t chunks = 0;
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::int64_t last_chunk = -1;
};

// The oldest chunks of the partition that may go. The newest chunk always stays.
Result<Expired> expired_chunks(Database& database, const Retention& rule, std::int64_t now_ms) {
  Expired expired;
  bool more = true;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT id, records, max_timestamp, size FROM chunks WHERE id >= ?1 AND id < ?2 ORDER BY id "
      "LIMIT 10000",
      [&](const Row& row) {
        const bool old = rule.age_ms_max >= 0 && row.integer(2) < now_ms - rule.age_ms_max;
        const bool large = rule.bytes_max >= 0 && rule.bytes - expired.bytes > rule.bytes_max;
        const bool newest = last_offset_of(row.integer(0)) + 1 >= rule.partition.end_offset;
        more = more && (old || (large && !newest));
        if (!more) return;
        expired.chunks += 1;
        expired.records += row.integer(1);
        expired.bytes += row.integer(3);
        expired.last_chunk = row.integer(0);
      },
      chunk_id(rule.partition.id, 0), chunk_id(rule.partition.id + 1, 0)));
  return expired;
}

Status expire_partition(Database& database, const Retention& rule, const Expired& expired) {
  return database.write([&]() -> Status {
    TOCSIN_TRY_STATUS(database.run("DELETE FROM chunks WHERE id >= ?1 AND id <= ?2",
                                   chunk_id(rule.partition.id, 0), expired.last_chunk));
    // Another producer may have done the same since we looked.
    if (database.changes() < expired.chunks) return fail(ErrorCode::kUnavailable, "taken over");
    return database.run(
        "UPDATE partitions SET first_offset = ?2, bytes = bytes - ?3, expired = expired + ?4 "
        "WHERE id = ?1",
        rule.partition.id, last_offset_of(expired.last_chunk) + 1, expired.bytes, expired.records);
  });
}

}  // namespace

Result<std::int64_t> expire_old_chunks(Database& database, std::int64_t now_ms) {
  std::vector<Retention> rules;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT p.id, p.number, p.first_offset, p.end_offset, t.name, p.bytes, t.retention_ms, "
      "t.retention_bytes FROM partitions p JOIN topics t ON p.topic = t.id",
      [&](const Row& row) {
        rules.push_back({partition_row(row), std::string(row.text(4)), row.integer(5),
                         row.integer(6), row.integer(7)});
      }));
  std::int64_t records = 0;
  for (const Retention& rule : rules) {
    TOCSIN_TRY(const Expired expired, expired_chunks(database, rule, now_ms));
    if (expired.chunks == 0 || !expire_partition(database, rule, expired)) continue;
    records += expired.records;
    log_debug("bus: topic {} partition {}: {} records expired", rule.topic, rule.partition.number,
              expired.records);
  }
  return records;
}

Status delete_chunks(Database& database, PartitionId id) {
  return database.run("DELETE FROM chunks WHERE id >= ?1 AND id < ?2", chunk_id(id, 0),
                      chunk_id(id + 1, 0));
}

void BatchBuilder::add(const std::shared_ptr<const Chunk>& chunk, std::size_t first,
                       std::size_t count) {
  if (!chunks_) chunks_ = std::make_shared<std::vector<std::shared_ptr<const Chunk>>>();
  chunks_->push_back(chunk);
  const auto begin = chunk->messages().begin() + static_cast<std::ptrdiff_t>(first);
  messages_.insert(messages_.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
}

Batch BatchBuilder::finish() { return {std::move(messages_), std::move(chunks_)}; }

Status Cursor::read(Database& database, BatchBuilder& batch, std::size_t messages_max) {
  deliver(batch, messages_max);
  if (batch.size() >= messages_max) return {};
  TOCSIN_TRY_STATUS(load(database, messages_max - batch.size()));
  deliver(batch, messages_max);
  return {};
}

void Cursor::deliver(BatchBuilder& batch, std::size_t messages_max) {
  while (!loaded_.empty() && batch.size() < messages_max) {
    const auto& messages = loaded_.front()->messages();
    // Retention may have cut off what we wanted next: go on with the oldest that is left.
    if (position_ < messages.front().offset) {
      gap_ = {gap_ ? gap_->first : position_, messages.front().offset};
      position_ = messages.front().offset;
    }
    const auto first = static_cast<std::size_t>(position_ - messages.front().offset);
    const std::size_t count =
        std::min(messages.size() - std::min(first, messages.size()), messages_max - batch.size());
    if (count > 0) batch.add(loaded_.front(), first, count);
    position_ += static_cast<std::int64_t>(count);
    if (first + count >= messages.size()) loaded_.pop_front();
  }
}

// Chunks are read one statement at a time, so no read transaction lasts longer than this.
Status Cursor::load(Database& database, std::size_t messages_wanted) {
  std::int64_t bytes = 0;
  std::size_t messages = 0;
  Status decoded;
  return database.read([&]() -> Status {
    std::int64_t next = position_;
    bool more = true;
    while (more && messages < messages_wanted && bytes < kReadBytes) {
      more = false;
      TOCSIN_TRY_STATUS(database.each(
          "SELECT id, data FROM chunks WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1",
          [&](const Row& row) {
            const std::string_view blob = row.blob(1);
            const std::int64_t last = last_offset_of(row.integer(0));
            auto chunk = Chunk::decode(topic_, partition_, last, blob);
            if (!chunk || (*chunk)->messages().empty()) {
              decoded = chunk ? fail(ErrorCode::kCorrupt, "an empty chunk")
                              : tl::unexpected(std::move(chunk).error());
              return;
            }
            bytes += static_cast<std::int64_t>(blob.size());
            messages += (*chunk)->messages().size();
            loaded_.push_back(*std::move(chunk));
            next = last + 1;
            more = true;
          },
          chunk_id(id_, next), chunk_id(id_ + 1, 0)));
      TOCSIN_TRY_STATUS(decoded);
    }
    return {};
  });
}

}  // namespace tocsin::bus::embedded
