// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/topics/timestamps.h"

#include <chrono>
#include <set>

#include "base/uuid.h"

namespace tocsin::bus::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kPatience{3'000};
constexpr int kPollMs = 100;

// What the partition has in the queue is dropped, and no more is fetched.
void pause(const Client& client, const TopicPartition& where) {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition);
  rd_kafka_pause_partitions(client.get(), list.get());
}

// Told of a message, of an end, or of an error: no more is wanted of this partition.
void take(const Client& client, rd_kafka_message_t* message, std::set<TopicPartition>& waiting,
          Offsets& found) {
  const TopicPartition where{message->rkt == nullptr ? "" : rd_kafka_topic_name(message->rkt),
                             message->partition};
  if (waiting.erase(where) > 0) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_timestamp_type_t kind{};
      found[where] = rd_kafka_message_timestamp(message, &kind);
    }
    pause(client, where);
  }
  rd_kafka_message_destroy(message);
}

}  // namespace

Result<Offsets> timestamps_at(const Settings& settings, const Offsets& offsets) {
  Offsets found;
  if (offsets.empty()) return found;
  const std::map<std::string, std::string> ours = {
      {"client.id", "tocsin-timestamps"},
      {"group.id", "tocsin-timestamps-" + Uuid::random().to_string()},
      {"enable.auto.commit", "false"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "earliest"},
      // What stands in an open transaction waits, too.
      {"isolation.level", "read_uncommitted"},
      // One batch of each partition is plenty; what it brings too much of is paused (take).
      {"max.partition.fetch.bytes", "65536"},
      {"fetch.wait.max.ms", "50"},  // closing waits for the fetch under way
      {"socket.nagle.disable", "true"},
  };
  TOCSIN_TRY(const std::shared_ptr<Client> client,
             Client::open(settings, RD_KAFKA_CONSUMER, ours, {}));
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  std::set<TopicPartition> waiting;
  for (const auto& [where, offset] : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset =
        offset;
    waiting.insert(where);
  }
  rd_kafka_poll_set_consumer(client->get());
  if (const auto code = rd_kafka_assign(client->get(), list.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client->failure(code, "time stamps");
  const auto deadline = SteadyClock::now() + kPatience;
  while (!waiting.empty() && SteadyClock::now() < deadline) {
    if (rd_kafka_message_t* const message = rd_kafka_consumer_poll(client->get(), kPollMs))
      take(*client, message, waiting, found);
  }
  rd_kafka_consumer_close(client->get());
  return found;
}

}  // namespace tocsin::bus::kafka
