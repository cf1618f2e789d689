// SPDX-License-Identifier: Apache-2.0
//
// Positions: how far a member is in each of its partitions.
//
//   assigned -> polled (next) -> committed -> revoked, or gone back to what is committed
//
// Keeps a message from being given out twice, or by a member that has lost its partition: a fetch
// may hold messages from before a rebalance or a seek.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/bus/bus.h"

namespace tocsin::bus::kafka {

// Threads: one thread.
class Positions {
 public:
  void assign(const TopicPartition& where);
  void revoke(const TopicPartition& where);
  void clear();
  [[nodiscard]] bool owns(const TopicPartition& where) const { return tracks_.contains(where); }
  [[nodiscard]] std::vector<TopicPartition> owned() const;

  // Whether the message is to be given out; then it counts as polled.
  [[nodiscard]] bool accept(const rd_kafka_message_t& message);
  // The reader is at this offset, the end of the partition.
  void end_reached(const TopicPartition& where, std::int64_t offset);
  // Of partitions that were read to their ends, and of which all that was polled is committed: the
  // ends, when only marks of transactions, which nobody is given, lie between. They are to be
  // committed, else a group that has read everything would keep a lag for ever. Each is told once.
  [[nodiscard]] Offsets ended();
  // Behind what was polled and, of a partition that was read to its end, behind the marks there;
  // nothing before the first message.
  [[nodiscard]] std::optional<std::int64_t> next(const TopicPartition& where) const;
  // Nothing was polled or committed since.
  [[nodiscard]] bool is_at(const TopicPartition& where, std::int64_t end) const;
  void commit(const Offsets& offsets);
  // The first message that was polled and is not committed.
  [[nodiscard]] std::optional<std::int64_t> first_undone(const TopicPartition& where) const;
  // Reading goes on at `offset`. The messages that were polled and not committed come again, so
  // whatever comes before the first of them is left from before.
  void rewind(const TopicPartition& where, std::int64_t offset);
  // Reading goes on at `offset`, and what was polled does not count: the log is another one now.
  void jump(const TopicPartition& where, std::int64_t offset);

 private:
  static constexpr std::int64_t kNone = -1;
  static constexpr std::int64_t kAny = -2;
  struct Track {
    std::int64_t next = kNone;       // behind what was polled
    std::int64_t committed = kNone;  // by us
    std::int64_t undone = kNone;     // the first that was polled and not committed
    bool exact = true;               // there is a message at `undone`
    std::int64_t end = kNone;        // where the reader said that the partition ends
    std::int64_t awaited = kNone;    // after going back: the message that must come first, or kAny
  };
  [[nodiscard]] Track* find(const rd_kafka_message_t& message);

  std::map<TopicPartition, Track> tracks_;
  // Messages come in runs: the track of the last one.
  const rd_kafka_topic_t* last_topic_ = nullptr;
  std::int32_t last_partition_ = -1;
  Track* last_track_ = nullptr;
};

}  // namespace tocsin::bus::kafka
