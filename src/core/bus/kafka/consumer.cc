// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/log.h"
#include "core/bus/kafka/fetch.h"

namespace tocsin::bus::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kSessionMin{6'000};  // group.min.session.timeout.ms of a broker
constexpr Milliseconds kRetryFor{5'000};
constexpr Milliseconds kProbe{300};
constexpr Milliseconds kAskFor{500};

class KafkaConsumer final : public Consumer {
 public:
  explicit KafkaConsumer(const Settings& settings) : settings_(settings) {}
  ~KafkaConsumer() override { close(); }

  [[nodiscard]] Status start(const ConsumerOptions& options);
  Result<Batch> poll(std::size_t messages_max, Milliseconds timeout) override;
  Status commit(const Batch& batch) override;
  std::vector<TopicPartition> assignment() override { return {owned_.begin(), owned_.end()}; }
  std::vector<PartitionPosition> positions() override;
  void close() override;

 private:
  void on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions);
  void on_event(const rd_kafka_message_t& event);
  [[nodiscard]] rd_kafka_resp_err_t commit_list(rd_kafka_topic_partition_list_t* list);
  void ask_committed();

  const Settings settings_;
  std::shared_ptr<Client> client_;
  std::set<TopicPartition> owned_;
  std::map<TopicPartition, std::int64_t> began_at_;  // of owned_: what the group had committed
  std::optional<Error> trouble_;                     // seen during the poll that runs
  bool closed_ = false;
};

Status KafkaConsumer::start(const ConsumerOptions& options) {
  const Milliseconds session = std::max(options.session_timeout, kSessionMin);
  const std::map<std::string, std::string> ours = {
      {"client.id", options.client_id},
      {"group.id", options.group},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", options.start == StartAt::kEarliest ? "earliest" : "latest"},
      {"partition.assignment.strategy", "cooperative-sticky"},
      {"session.timeout.ms", std::to_string(session.count())},
      {"heartbeat.interval.ms", std::to_string(std::min<std::int64_t>(3'000, session.count() / 4))},
      {"max.poll.interval.ms", std::to_string(std::max<std::int64_t>(300'000, session.count()))},
      {"queued.max.messages.kbytes", "32768"},
      {"fetch.error.backoff.ms", "100"},
      {"topic.metadata.refresh.interval.ms", "10000"},  // how soon a new topic is noticed
      {"socket.nagle.disable", "true"},
  };
  TOCSIN_TRY(client_, Client::open(settings_, RD_KAFKA_CONSUMER, ours,
                                   {.on_delivery = {},
                                    .on_rebalance = [this](rd_kafka_resp_err_t code,
                                                           rd_kafka_topic_partition_list_t* list) {
                                      on_rebalance(code, list);
                                    }}));
  rd_kafka_poll_set_consumer(client_->get());
  const PartitionList topics(
      rd_kafka_topic_partition_list_new(static_cast<int>(options.topics.size())));
  for (const std::string& topic : options.topics)
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto code = rd_kafka_subscribe(client_->get(), topics.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->failure(code, "group " + options.group);
  return {};
}

void KafkaConsumer::on_rebalance(rd_kafka_resp_err_t code,
                                 rd_kafka_topic_partition_list_t* partitions) {
  rd_kafka_t* const handle = client_->get();
  const bool cooperative = std::string_view(rd_kafka_rebalance_protocol(handle)) == "COOPERATIVE";
  const bool assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  for (int i = 0; i < partitions->cnt; ++i) {
    const TopicPartition where{partitions->elems[i].topic, partitions->elems[i].partition};
    if (assigned)
      owned_.insert(where);
    else
      owned_.erase(where);
    began_at_.erase(where);
  }
  if (!cooperative) {
    rd_kafka_assign(handle, assigned ? partitions : nullptr);
    return;
  }
  rd_kafka_error_t* const error = assigned ? rd_kafka_incremental_assign(handle, partitions)
                                           : rd_kafka_incremental_unassign(handle, partitions);
  if (error == nullptr) return;
  log_warning("bus: {}: rebalance: {}", settings_.url(), rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
}

void KafkaConsumer::on_event(const rd_kafka_message_t& event) {
  // A topic that is not there yet may come; the rest mends itself inside librdkafka.
  if (code_of(event.err) == ErrorCode::kNotFound) {
    log_debug("bus: {}", rd_kafka_message_errstr(&event));
    return;
  }
  trouble_ = client_->failure(event.err, "poll", rd_kafka_message_errstr(&event)).value();
}

Result<Batch> KafkaConsumer::poll(std::size_t messages_max, Milliseconds timeout) {
  if (closed_) return fail(ErrorCode::kInvalid, "the consumer is closed");
  trouble_.reset();
  Batch batch = fetch(client_, messages_max, timeout,
                      [this](const rd_kafka_message_t& event) { on_event(event); });
  if (!batch.empty()) return batch;
  if (trouble_) return tl::unexpected(*trouble_);
  if (client_->is_cut_off(std::min(timeout, kProbe)))
    return client_->failure(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "no broker can be reached");
  return batch;
}

Status KafkaConsumer::commit(const Batch& batch) {
  std::map<TopicPartition, std::int64_t> next;
  bool stale = false;
  for (const Message& message : batch.messages()) {
    const TopicPartition where{std::string(message.topic), message.partition};
    std::int64_t& offset = next[where];
    offset = std::max(offset, message.offset + 1);
  }
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(next.size())));
  for (const auto& [where, offset] : next) {
    if (!owned_.contains(where)) {
      stale = true;
      continue;
    }
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset =
        offset;
  }
  if (list->cnt > 0) {
    const rd_kafka_resp_err_t code = commit_list(list.get());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->failure(code, "commit");
  }
  if (stale || rd_kafka_assignment_lost(client_->get()) != 0)
    return fail(ErrorCode::kStale, "a partition of the batch was lost to another member");
  return {};
}

// While the group settles a new generation the coordinator asks for patience.
rd_kafka_resp_err_t KafkaConsumer::commit_list(rd_kafka_topic_partition_list_t* list) {
  const auto deadline = SteadyClock::now() + kRetryFor;
  while (true) {
    rd_kafka_resp_err_t code = rd_kafka_commit(client_->get(), list, 0);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      code = list->elems[i].err;
    const bool settling = code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
                          code == RD_KAFKA_RESP_ERR__WAIT_COORD ||
                          code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
                          code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (!settling || SteadyClock::now() >= deadline) return code;
    std::this_thread::sleep_for(Milliseconds(50));
  }
}

// librdkafka tells no position before the first message: the group's committed offset stands in.
void KafkaConsumer::ask_committed() {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(owned_.size())));
  for (const TopicPartition& where : owned_)
    if (!began_at_.contains(where))
      rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition);
  if (list->cnt == 0) return;
  if (rd_kafka_committed(client_->get(), list.get(), static_cast<int>(kAskFor.count())) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return;  // asked again the next time
  for (int i = 0; i < list->cnt; ++i)
    began_at_[{list->elems[i].topic, list->elems[i].partition}] = list->elems[i].offset;
}

std::vector<PartitionPosition> KafkaConsumer::positions() {
  if (closed_) return {};
  ask_committed();
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(owned_.size())));
  for (const TopicPartition& where : owned_)
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition);
  static_cast<void>(rd_kafka_position(client_->get(), list.get()));
  std::vector<PartitionPosition> positions;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& at = list->elems[i];
    PartitionPosition& one =
        positions.emplace_back(PartitionPosition{{at.topic, at.partition}, -1, -1, -1});
    std::int64_t low = 0, high = 0;
    if (rd_kafka_get_watermark_offsets(client_->get(), at.topic, at.partition, &low, &high) ==
            RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0)
      one.end = high;
    if (const auto began = began_at_.find(one.where); began != began_at_.end())
      one.began = std::max<std::int64_t>(-1, began->second);
    one.next = at.offset >= 0 ? at.offset : one.began;
  }
  return positions;
}

void KafkaConsumer::close() {
  if (closed_ || !client_) return;
  closed_ = true;
  rd_kafka_consumer_close(client_->get());
  client_->drop_hooks();
  owned_.clear();
}

}  // namespace

Result<std::unique_ptr<Consumer>> open_consumer(const Settings& settings,
                                                const ConsumerOptions& options) {
  if (options.group.empty() || options.topics.empty())
    return fail(ErrorCode::kInvalid, "a consumer needs a group and at least one topic");
  auto consumer = std::make_unique<KafkaConsumer>(settings);
  TOCSIN_TRY_STATUS(consumer->start(options));
  return consumer;
}

}  // namespace tocsin::bus::kafka
