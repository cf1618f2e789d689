// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/uuid.h"
#include "core/bus/kafka/fetch.h"

namespace tocsin::bus::kafka {
namespace {

constexpr Milliseconds kTimeout{10'000};
constexpr Milliseconds kProbe{300};

struct Track {
  std::int64_t position = 0;
  std::int64_t end = 0;  // when the reader was opened
};

class KafkaReader final : public Reader {
 public:
  explicit KafkaReader(std::shared_ptr<Client> client) : client_(std::move(client)) {}
  ~KafkaReader() override { rd_kafka_consumer_close(client_->get()); }

  [[nodiscard]] Status start(const std::string& topic, const ReadFrom& from);
  Result<Batch> poll(std::size_t messages_max, Milliseconds timeout) override;
  [[nodiscard]] bool at_end() const override {
    return std::all_of(tracks_.begin(), tracks_.end(),
                       [](const auto& entry) { return entry.second.position >= entry.second.end; });
  }

 private:
  [[nodiscard]] Result<std::int64_t> start_offset(const std::string& topic,
                                                  const PartitionInfo& info, const ReadFrom& from);
  void on_event(const rd_kafka_message_t& event);

  std::shared_ptr<Client> client_;
  std::map<std::int32_t, Track> tracks_;
  std::optional<Error> trouble_;
};

Status KafkaReader::start(const std::string& topic, const ReadFrom& from) {
  TOCSIN_TRY(const std::int32_t count, client_->partition_count(topic, kTimeout));
  const PartitionList list(rd_kafka_topic_partition_list_new(count));
  for (std::int32_t partition = 0; partition < count; ++partition) {
    if (from.partition && *from.partition != partition) continue;
    TOCSIN_TRY(const PartitionInfo info, client_->watermarks(topic, partition, kTimeout));
    TOCSIN_TRY(const std::int64_t offset, start_offset(topic, info, from));
    tracks_[partition] = {offset, info.end_offset};
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  }
  if (tracks_.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("topic {} has no partition {}", topic, from.partition.value_or(0)));
  rd_kafka_poll_set_consumer(client_->get());
  if (const auto code = rd_kafka_assign(client_->get(), list.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->failure(code, "topic " + topic);
  return {};
}

Result<std::int64_t> KafkaReader::start_offset(const std::string& topic, const PartitionInfo& info,
                                               const ReadFrom& from) {
  const auto bounded = [&](std::int64_t offset) {
    return std::clamp(offset, info.first_offset, info.end_offset);
  };
  switch (from.kind) {
    case ReadFrom::Kind::kEarliest:
      return info.first_offset;
    case ReadFrom::Kind::kLatest:
      return info.end_offset;
    case ReadFrom::Kind::kOffset:
      return bounded(from.value);
    case ReadFrom::Kind::kTail:
      return bounded(info.end_offset - from.value);
    case ReadFrom::Kind::kTime:
      break;
  }
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), info.partition)->offset = from.value;
  rd_kafka_resp_err_t code =
      rd_kafka_offsets_for_times(client_->get(), list.get(), static_cast<int>(kTimeout.count()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->failure(code, "topic " + topic);
  const std::int64_t offset = list->elems[0].offset;
  return offset < 0 ? info.end_offset : offset;  // negative: nothing as young as that
}

// The end of a partition is told even when its last offsets hold no message (transaction marks).
void KafkaReader::on_event(const rd_kafka_message_t& event) {
  if (event.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    Track& track = tracks_[event.partition];
    track.position = std::max(track.position, event.offset);
    return;
  }
  // librdkafka asks for the group's coordinator though nobody joins a group.
  if (event.err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) return;
  trouble_ = client_
                 ->failure(event.err, "read", rd_kafka_message_errstr(&event),
                           fmt::format("Read on topic {}",
                                       event.rkt == nullptr ? "" : rd_kafka_topic_name(event.rkt)))
                 .value();
}

Result<Batch> KafkaReader::poll(std::size_t messages_max, Milliseconds timeout) {
  trouble_.reset();
  Batch batch = fetch(client_, messages_max, timeout,
                      [this](const rd_kafka_message_t& event) { on_event(event); });
  // Ends told in between are known already and may lie behind the last message (transaction marks).
  for (const Message& message : batch.messages()) {
    Track& track = tracks_[message.partition];
    track.position = std::max(track.position, message.offset + 1);
  }
  if (!batch.empty()) return batch;
  if (trouble_) return tl::unexpected(*trouble_);
  if (client_->is_cut_off(std::min(timeout, kProbe)))
    return client_->failure(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "no broker can be reached");
  return batch;
}

}  // namespace

Result<std::unique_ptr<Reader>> open_reader(const Settings& settings, const std::string& topic,
                                            ReadFrom from) {
  // librdkafka wants a group id even from one that never joins a group; none is made on the broker.
  const std::map<std::string, std::string> ours = {
      {"client.id", "tocsin-reader"},
      {"group.id", "tocsin-reader-" + Uuid::random().to_string()},
      {"enable.auto.commit", "false"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "earliest"},
      {"isolation.level", "read_committed"},  // nothing of transactions that are open or aborted
      {"queued.max.messages.kbytes", "16384"},
      {"socket.nagle.disable", "true"},
  };
  TOCSIN_TRY(std::shared_ptr<Client> client, Client::open(settings, RD_KAFKA_CONSUMER, ours, {}));
  auto reader = std::make_unique<KafkaReader>(std::move(client));
  TOCSIN_TRY_STATUS(reader->start(topic, from));
  return reader;
}

}  // namespace tocsin::bus::kafka
