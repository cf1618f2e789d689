// SPDX-License-Identifier: Apache-2.0
//
// The log of a partition in the bus file: append at its end, read on from an offset, cut off what
// is old.
//
//   ChunkWriter -> append_chunk() -> tables partitions, chunks -> Cursor -> Message...
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/embedded/store/chunk.h"
#include "core/bus/embedded/store/database.h"

namespace tocsin::bus::embedded {

// partitions.id: unique for ever, so a topic that was deleted and created anew is not mistaken for
// the old.
using PartitionId = std::int64_t;

struct PartitionRow {
  PartitionId id = 0;
  std::int32_t number = 0;
  std::int64_t first_offset = 0;
  std::int64_t end_offset = 0;
};

// In order of number; empty when there is no such topic.
[[nodiscard]] Result<std::vector<PartitionRow>> find_partitions(Database& database,
                                                                std::string_view topic);
// Empty when the partition is no more.
[[nodiscard]] Result<std::optional<PartitionRow>> find_partition(Database& database,
                                                                 PartitionId id);

// Inside a write transaction: the offset of the chunk's first record, or nothing when the partition
// is no more.
[[nodiscard]] Result<std::optional<std::int64_t>> append_chunk(Database& database, PartitionId id,
                                                               ChunkWriter& chunk);

// The first offset whose record is not older than `timestamp_ms`; the end when there is none.
[[nodiscard]] Result<std::int64_t> offset_at(Database& database, const PartitionRow& partition,
                                             std::int64_t timestamp_ms);

// Of the first record at or behind `offset`; empty when there is none.
[[nodiscard]] Result<std::optional<std::int64_t>> timestamp_at(Database& database, PartitionId id,
                                                               std::int64_t offset);

// Deletes chunks that are older or more than their topic keeps, whether read or not. Returns how
// many records went.
[[nodiscard]] Result<std::int64_t> expire_old_chunks(Database& database, std::int64_t now_ms);

// Inside a write transaction.
[[nodiscard]] Status delete_chunks(Database& database, PartitionId id);

// Collects messages and what keeps them alive.
class BatchBuilder {
 public:
  void add(const std::shared_ptr<const Chunk>& chunk, std::size_t first, std::size_t count);
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] Batch finish();

 private:
  std::vector<Message> messages_;
  std::shared_ptr<std::vector<std::shared_ptr<const Chunk>>> chunks_;
};

// Records that retention took before a cursor came to them: [first, next).
struct Gap {
  std::int64_t first = 0;
  std::int64_t next = 0;
};

// Reads on in one partition, and keeps what is left of the chunk that it is in.
// Threads: one thread.
class Cursor {
 public:
  Cursor(PartitionId id, std::shared_ptr<const std::string> topic, std::int32_t partition,
         std::int64_t position)
      : id_(id), topic_(std::move(topic)), partition_(partition), position_(position) {}

  // Adds messages until the batch holds `messages_max` or the log has no more. Stops after about 32
  // MB.
  [[nodiscard]] Status read(Database& database, BatchBuilder& batch, std::size_t messages_max);

  // What was missing since the last call.
  [[nodiscard]] std::optional<Gap> take_gap() { return std::exchange(gap_, std::nullopt); }

  [[nodiscard]] PartitionId id() const { return id_; }
  [[nodiscard]] std::int64_t position() const { return position_; }  // the next offset to deliver
  [[nodiscard]] TopicPartition where() const { return {*topic_, partition_}; }
  [[nodiscard]] bool is(std::string_view topic, std::int32_t partition) const {
    return partition == partition_ && topic == *topic_;
  }

 private:
  void deliver(BatchBuilder& batch, std::size_t messages_max);
  [[nodiscard]] Status load(Database& database, std::size_t messages_wanted);

  PartitionId id_;
  std::shared_ptr<const std::string> topic_;
  std::int32_t partition_;
  std::int64_t position_;
  std::deque<std::shared_ptr<const Chunk>> loaded_;
  std::optional<Gap> gap_;
};

}  // namespace tocsin::bus::embedded
