// SPDX-License-Identifier: Apache-2.0
//
// The bus: named topics of ordered, partitioned records, read by consumer groups. One interface,
// two implementations that pass the same conformance tests: `embedded:DIR` (SQLite, no server) and
// `kafka://host:port,...` (librdkafka).
//
//   stage -> Producer -> topic/partition/offset -> Consumer (of a group) -> next stage
//
// Delivery is at least once: a record is read again until its offset is committed, so whatever a
// stage writes must be idempotent by id. A stage that writes to topics only, or whose other outputs
// remember how far they are, has exactly once through a TransactionalProducer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace tocsin::bus {

using Milliseconds = std::chrono::milliseconds;

struct Header {
  std::string key;  // lower case
  std::string value;
};

// What a producer appends.
struct Record {
  std::string key;  // decides the partition; empty: spread over all
  std::string value;
  std::vector<Header> headers;
  std::int64_t timestamp_ms = 0;  // since the Unix epoch; 0: when it is sent
};

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

// What a consumer reads. The views live as long as the Batch that holds the message.
struct Message {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::string_view key;
  std::string_view value;
  std::span<const std::pair<std::string_view, std::string_view>> headers;

  // The value of the last header of that name; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

// Ownership: owns the bytes its messages view; move-only.
class Batch {
 public:
  Batch() = default;
  Batch(std::vector<Message> messages, std::shared_ptr<void> storage)
      : messages_(std::move(messages)), storage_(std::move(storage)) {}
  Batch(Batch&&) noexcept = default;
  Batch& operator=(Batch&&) noexcept = default;

  [[nodiscard]] std::span<const Message> messages() const { return messages_; }
  [[nodiscard]] bool empty() const { return messages_.empty(); }

 private:
  std::vector<Message> messages_;
  std::shared_ptr<void> storage_;
};

// Where a group reads on: of each partition the first offset that is not done.
using Offsets = std::map<TopicPartition, std::int64_t>;

// Behind every message of the batch.
[[nodiscard]] Offsets offsets_after(const Batch& batch);

// What became of one record. `token` is the caller's own number given to send().
struct Delivery {
  std::uint64_t token = 0;
  TopicPartition where;
  std::int64_t offset = -1;
  UnixNanos acknowledged_at = 0;
  std::optional<Error> error;  // set: the record was not stored and will not be retried
  // With an error: the record as it was sent, during the call only. Null when the bus does not have
  // it any more.
  const Message* record = nullptr;
  bool spooled = false;  // safe on this machine's disk, not on the bus yet (bus/spool)
};

struct ProducerOptions {
  std::string client_id = "tocsin";
  Milliseconds linger{5};  // how long a record may wait for company
  std::size_t queue_records_max = 100'000;
  std::size_t queue_bytes_max = 64u << 20;
  // Kafka: lz4, zstd, gzip, snappy or none. What the client library lacks falls back to none.
  std::string compression = "lz4";
  // Whoever opens it keeps what is not acknowledged: closing need neither wait nor complain.
  bool keeps_unsent = false;
  // Called from a thread of the producer's (or from send()/flush()), once for each record, in the
  // order of acknowledgement. Must be quick and must not call the producer.
  std::function<void(const Delivery&)> on_delivery;
};

// Threads: thread-safe.
// When full: send() waits for room; nothing is dropped.
class Producer {
 public:
  virtual ~Producer() = default;
  // Queues a copy of the record. Fails at once on what no retry mends (unknown topic, record too
  // large). The record is not looked at any more once its delivery was told, be it before the
  // return.
  [[nodiscard]] virtual Status send(std::string_view topic, const Record& record,
                                    std::uint64_t token = 0) = 0;
  // Waits until every record sent so far is durable (or failed, see on_delivery).
  [[nodiscard]] virtual Status flush(Milliseconds timeout) = 0;
  // Records queued and not yet acknowledged.
  [[nodiscard]] virtual std::size_t pending() const = 0;
};

struct TransactionOptions {
  // Who writes. Of two producers with one id the older is fenced and what it left open is undone at
  // once; so an instance keeps its id when it starts again, and no two instances have the same.
  std::string transactional_id;
  std::string client_id = "tocsin";
  // For how long what a dead producer left open may hold up readers.
  Milliseconds timeout{10'000};
};

// Consume, transform, produce: what is sent and the offsets of what it was made from become visible
// together or not at all. Opened by the consumer whose offsets it commits, which must outlive it.
//
//   poll() -> send()... -> commit(offsets) -> the next poll(), or on any error rewind()
//
// A transaction may take in what several polls gave; then ConsumerOptions::before_revoke must end
// it. Readers of the topics see nothing of a transaction that is open or was aborted.
// Threads: one thread: that of the consumer.
// Errors:  every error ends the transaction, and Consumer::rewind() must follow, which also settles
//          what became of a commit whose answer was lost. kStale: another member has a partition,
//          or another instance our id; kInvalid: no retry will help; others: try again. What the
//          producer needs anew after an error it makes by itself.
class TransactionalProducer {
 public:
  virtual ~TransactionalProducer() = default;
  // Opens a transaction when none is open, and queues the record in it.
  [[nodiscard]] virtual Status send(std::string_view topic, Record record) = 0;
  // All of it is durable on return; on Kafka readers see it a moment later.
  [[nodiscard]] virtual Status commit(const Offsets& offsets) = 0;
  // Undoes the open transaction, if any.
  virtual void abort() = 0;
};

// Where a member of a group stands in a partition, as far as it knows without asking anybody.
struct PartitionPosition {
  TopicPartition where;
  std::int64_t next = -1;  // the offset to be read next; -1: not known yet
  std::int64_t end = -1;   // behind the last record, as last heard of; -1: not heard yet
  // What the group had committed when this member got the partition; -1: nothing, or not known.
  std::int64_t began = -1;
};

enum class StartAt { kEarliest, kLatest };  // where a group without a committed offset begins

// Records that were deleted before the group had read them (retention, or a shorter log after the
// loss of a broker).
struct Loss {
  TopicPartition where;
  std::int64_t first_missing = 0;
  std::int64_t first_available = 0;  // where reading goes on
  [[nodiscard]] std::int64_t records() const { return first_available - first_missing; }
};

struct ConsumerOptions {
  std::string group;
  std::vector<std::string> topics;
  std::string client_id = "tocsin";
  StartAt start = StartAt::kEarliest;
  Milliseconds session_timeout{10'000};  // a member silent for longer loses its partitions
  // Static membership (Kafka): a member that comes back with its id within the session timeout
  // has its partitions again, without a rebalance. Empty: a member for as long as it lives.
  std::string instance_id = {};
  // Called from poll(). The loss is logged in any case.
  std::function<void(const Loss&)> on_loss = {};
  // Called from poll() before partitions go to other members in peace (Kafka): the last moment to
  // commit what was polled and is not committed yet. Whoever commits before each poll() needs none.
  std::function<void()> before_revoke = {};
};

// One member of a group. Partitions are shared out among the members, and anew when one joins or
// leaves. Threads: one thread: the one that polls.
class Consumer {
 public:
  virtual ~Consumer() = default;
  // Up to `max_messages`, waiting at most `timeout` for the first. An empty batch is no error.
  // kUnavailable: try again; the consumer recovers by itself.
  [[nodiscard]] virtual Result<Batch> poll(std::size_t max_messages, Milliseconds timeout) = 0;
  // Durably marks every message of the batch, and all before them in their partitions, as done.
  // kStale: this member lost one of the partitions; another reads those messages again.
  [[nodiscard]] Status commit(const Batch& batch) { return commit(offsets_after(batch)); }
  // The same for everything before these offsets. Also a way to ask whether this member still has
  // the partitions.
  [[nodiscard]] virtual Status commit(const Offsets& offsets) = 0;
  // Goes back to the committed offsets: what was polled and not committed comes again.
  [[nodiscard]] virtual Status rewind() = 0;
  // kUnavailable while no broker answers.
  [[nodiscard]] virtual Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
      TransactionOptions options) = 0;
  // The partitions this member reads now.
  [[nodiscard]] virtual std::vector<TopicPartition> assignment() = 0;
  // Of the partitions it reads now. For lag, now and then: costs no more than a look at what is
  // there, but for a partition that is new to this member, for which a broker is asked once.
  [[nodiscard]] virtual std::vector<PartitionPosition> positions() = 0;
  // Leaves the group at once, so that the others need not wait for the session timeout.
  virtual void close() = 0;
};

// Reads one topic without a group and without committing: for people who look.
// Threads: one thread.
class Reader {
 public:
  virtual ~Reader() = default;
  [[nodiscard]] virtual Result<Batch> poll(std::size_t max_messages, Milliseconds timeout) = 0;
  // True when every partition has been read to the end it had when the reader was opened.
  [[nodiscard]] virtual bool at_end() const = 0;
};

struct ReadFrom {
  enum class Kind { kEarliest, kLatest, kOffset, kTime, kTail };
  Kind kind = Kind::kEarliest;
  // kOffset: the offset in each partition; kTime: milliseconds since the epoch; kTail: last n per
  // partition.
  std::int64_t value = 0;
  std::optional<std::int32_t> partition;  // all when empty
};

struct TopicOptions {
  std::int32_t partitions = 4;
  std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // -1: for ever
  std::int64_t retention_bytes = -1;                   // of each partition; -1: no bound
  // Kafka only. 0: as many copies as there are brokers, at most 3; -1: the broker's default.
  std::int16_t replication = -1;
  // How many copies must have a record before it is acknowledged. 0: all but one of three and
  // more; -1: the broker's default.
  std::int32_t min_insync_replicas = -1;
  // Of a batch of records. 0: the broker's default, or message.max.bytes when that is larger.
  std::int64_t message_bytes_max = 0;
};

// Something about a topic that is not as TopicOptions want it.
struct TopicDifference {
  std::string setting;  // "partitions", or Kafka's name of it: "retention.ms"
  std::string actual;
  std::string wanted;
};

struct PartitionInfo {
  std::int32_t partition = 0;
  std::int64_t first_offset = 0;
  std::int64_t end_offset = 0;  // of the next record
};

struct TopicInfo {
  std::string name;
  std::vector<PartitionInfo> partitions;
};

struct GroupPartition {
  TopicPartition where;
  std::int64_t committed = -1;  // -1: none yet
  std::int64_t end_offset = 0;
  std::int64_t lag = 0;
  std::string member;  // client id of the owner; empty when nobody reads it
};

struct GroupInfo {
  std::string name;
  std::size_t members = 0;
  std::vector<GroupPartition> partitions;
};

// Threads: thread-safe; the objects it opens are as their class says and may outlive nothing of
// it.
class Bus {
 public:
  virtual ~Bus() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<Producer>> open_producer(
      ProducerOptions options) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Consumer>> open_consumer(
      ConsumerOptions options) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Reader>> open_reader(std::string topic,
                                                                    ReadFrom from) = 0;
  // No error when it exists already.
  [[nodiscard]] virtual Status create_topic(const std::string& name,
                                            const TopicOptions& options) = 0;
  [[nodiscard]] virtual Status delete_topic(const std::string& name) = 0;
  // What differs in a topic that exists; kNotFound.
  [[nodiscard]] virtual Result<std::vector<TopicDifference>> compare_topic(
      const std::string& name, const TopicOptions& options) = 0;
  [[nodiscard]] virtual Result<std::vector<TopicInfo>> topics() = 0;
  [[nodiscard]] virtual Result<std::vector<GroupInfo>> groups() = 0;
  // The time stamp of the first record at or behind each offset, in milliseconds since the Unix
  // epoch. A partition without one, or that does not answer in time, is left out. With committed
  // offsets: how old the oldest record is that a group has not done.
  [[nodiscard]] virtual Result<Offsets> timestamps_at(const Offsets& offsets) = 0;
  // How much reading is worth a commit: who has more to read may wait so long with it. Zero:
  // commits are cheap, and before_revoke is not called.
  [[nodiscard]] virtual Milliseconds commit_interval() const { return Milliseconds(0); }
  // The largest value a record may have, in bytes.
  [[nodiscard]] virtual std::size_t value_bytes_max() const = 0;
  // "embedded:/path" or "kafka://host:port": for messages to people; holds no secret.
  [[nodiscard]] virtual std::string describe() const = 0;
};

// True for a property (of the bus's configuration) whose value must not be shown.
[[nodiscard]] bool is_secret(std::string_view property);
// True for a value that only says where the value is: `env:NAME`, `file:PATH`.
[[nodiscard]] bool is_reference(std::string_view value);

// `url` is `embedded:DIR` or `kafka://host:port,host:port`. `properties` are passed to librdkafka
// as they are (security.protocol, sasl.*, ssl.*, ...), but for `env:NAME` and `file:PATH`, which
// are read when a connection is set up; the embedded bus knows `value.bytes.max`.
[[nodiscard]] Result<std::unique_ptr<Bus>> open(
    std::string_view url, const std::map<std::string, std::string>& properties = {});

}  // namespace tocsin::bus
