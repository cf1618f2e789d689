// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/fetch.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace tocsin::bus::kafka {
namespace {

constexpr std::size_t kFetchMax = 10'000;
constexpr std::size_t kAlmostEmpty = 10'000;  // messages
constexpr Milliseconds kWakeFor{100};

struct Storage {
  std::shared_ptr<Client> client;  // declared first: goes last
  std::vector<rd_kafka_message_t*> messages;
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage() {
    for (rd_kafka_message_t* message : messages) rd_kafka_message_destroy(message);
  }
};

std::string_view view(const void* bytes, std::size_t size) {
  return bytes == nullptr ? std::string_view{}
                          : std::string_view(static_cast<const char*>(bytes), size);
}

std::size_t collect_headers(Storage& storage, const rd_kafka_message_t* raw) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(raw, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
  std::size_t count = 0;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (rd_kafka_header_get_all(headers, count, &name, &value, &size) ==
         RD_KAFKA_RESP_ERR_NO_ERROR) {
    storage.headers.emplace_back(name, view(value, size));
    ++count;
  }
  return count;
}

// Messages that wait in the client's queue.
std::size_t queued(const Client& client) {
  rd_kafka_queue_t* const queue = rd_kafka_queue_get_consumer(client.get());
  const std::size_t length = rd_kafka_queue_length(queue);
  rd_kafka_queue_destroy(queue);
  return length;
}

Batch make_batch(const std::shared_ptr<Storage>& storage) {
  std::vector<Message> messages;
  std::vector<std::size_t> header_counts;
  messages.reserve(storage->messages.size());
  header_counts.reserve(storage->messages.size());
  for (const rd_kafka_message_t* raw : storage->messages) {
    rd_kafka_timestamp_type_t kind{};
    messages.push_back({.topic = rd_kafka_topic_name(raw->rkt),
                        .partition = raw->partition,
                        .offset = raw->offset,
                        .timestamp_ms = rd_kafka_message_timestamp(raw, &kind),
                        .key = view(raw->key, raw->key_len),
                        .value = view(raw->payload, raw->len),
                        .headers = {}});
    header_counts.push_back(collect_headers(*storage, raw));
    // Most often all have as many.
    if (header_counts.size() == 1)
      storage->headers.reserve(header_counts.front() * storage->messages.size());
  }
  // Only now does the vector of headers stay where it is.
  std::size_t first = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    messages[i].headers = {storage->headers.data() + first, header_counts[i]};
    first += header_counts[i];
  }
  return {std::move(messages), storage};
}

}  // namespace

Batch fetch(const std::shared_ptr<Client>& client, std::size_t messages_max, Milliseconds timeout,
            const std::function<void(const rd_kafka_message_t&)>& on_event,
            const std::function<bool(const rd_kafka_message_t&)>& accept) {
  const std::size_t wanted = std::clamp<std::size_t>(messages_max, 1, kFetchMax);
  std::vector<rd_kafka_message_t*> raw(wanted);
  // The batch call waits until it is full; so wait for the first alone, then take what is there.
  raw[0] = rd_kafka_consumer_poll(client->get(), static_cast<int>(timeout.count()));
  if (raw[0] == nullptr) return {};
  std::size_t count = 1;
  if (wanted > 1) {
    rd_kafka_queue_t* const queue = rd_kafka_queue_get_consumer(client->get());
    const ssize_t more = rd_kafka_consume_batch_queue(queue, 0, raw.data() + 1, wanted - 1);
    rd_kafka_queue_destroy(queue);
    if (more > 0) count += static_cast<std::size_t>(more);
  }
  const auto storage = std::make_shared<Storage>();
  storage->client = client;
  storage->messages.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool message = raw[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (message && (!accept || accept(*raw[i]))) {
      storage->messages.push_back(raw[i]);
      continue;
    }
    if (!message) on_event(*raw[i]);
    rd_kafka_message_destroy(raw[i]);
  }
  if (storage->messages.empty()) return {};
  client->note_contact();
  return make_batch(storage);
}

void Waker::took(const Batch& batch, const Client& client, const Positions& positions) {
  if (rd_kafka_version() >= kNotNeeded) return;
  messages_ += batch.messages().size();
  for (const Message& message : batch.messages()) bytes_ += message.value.size();
  // The queue was not full since the last time, if less than half of it was taken.
  const bool may_be_empty = bytes_ >= kQueueBytes / 2 || messages_ >= kQueueMessages / 2;
  if (!may_be_empty || queued(client) >= kAlmostEmpty) return;
  bytes_ = messages_ = 0;
  const std::vector<TopicPartition> owned = positions.owned();
  if (owned.empty()) return;
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(owned.size())));
  for (const TopicPartition& where : owned)
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset =
        RD_KAFKA_OFFSET_END;
  rd_kafka_offsets_for_times(client.get(), list.get(), static_cast<int>(kWakeFor.count()));
}

}  // namespace tocsin::bus::kafka
