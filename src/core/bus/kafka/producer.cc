// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/producer.h"

#include <fmt/format.h>

#include <condition_variable>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace tocsin::bus::kafka {

Status check_size(const Settings& settings, std::string_view topic, const Record& record) {
  if (record.value.size() > settings.value_bytes_max())
    return fail(ErrorCode::kInvalid,
                fmt::format("topic {}: a value of {} bytes is larger than the bound of {}", topic,
                            record.value.size(), settings.value_bytes_max()));
  std::size_t bytes = record.key.size() + record.value.size();
  for (const Header& header : record.headers) bytes += header.key.size() + header.value.size() + 20;
  if (bytes + 512 <= settings.message_bytes_max) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("topic {}: a record of {} bytes is larger than message.max.bytes {}",
                          topic, bytes, settings.message_bytes_max));
}

rd_kafka_resp_err_t produce(Client& client, const std::string& topic, const Record& record,
                            std::uint64_t token) {
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers.empty()) {
    headers = rd_kafka_headers_new(record.headers.size());
    for (const Header& header : record.headers)
      rd_kafka_header_add(headers, header.key.data(), static_cast<ssize_t>(header.key.size()),
                          header.value.data(), static_cast<ssize_t>(header.value.size()));
  }
  rd_kafka_vu_t args[7]{};
  std::size_t count = 0;
  args[count].vtype = RD_KAFKA_VTYPE_TOPIC;
  args[count++].u.cstr = topic.c_str();
  args[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  args[count++].u.i = RD_KAFKA_MSG_F_COPY;
  args[count].vtype = RD_KAFKA_VTYPE_VALUE;
  args[count].u.mem.ptr = const_cast<char*>(record.value.data());
  args[count++].u.mem.size = record.value.size();
  args[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  args[count++].u.i64 = record.timestamp_ms;  // 0: now
  args[count].vtype = RD_KAFKA_VTYPE_OPAQUE;
  // A number in the place of a pointer: librdkafka only hands it back, nobody follows it.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  args[count++].u.ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(token));
  if (!record.key.empty()) {  // without a key: any partition
    args[count].vtype = RD_KAFKA_VTYPE_KEY;
    args[count].u.mem.ptr = const_cast<char*>(record.key.data());
    args[count++].u.mem.size = record.key.size();
  }
  if (headers != nullptr) {
    args[count].vtype = RD_KAFKA_VTYPE_HEADERS;
    args[count++].u.headers = headers;
  }
  rd_kafka_error_t* const error = rd_kafka_produceva(client.get(), args, count);
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  return code;
}

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kCloseTimeout{5'000};
constexpr Milliseconds kLookupTimeout{5'000};
constexpr int kPollMs = 100;

class KafkaProducer final : public Producer {
 public:
  KafkaProducer(const Settings& settings, ProducerOptions options)
      : settings_(settings), options_(std::move(options)) {}
  ~KafkaProducer() override;

  [[nodiscard]] Status start();
  Status send(std::string_view topic, Record record, std::uint64_t token) override;
  Status flush(Milliseconds timeout) override;
  std::size_t pending() const override {
    const std::lock_guard lock(mutex_);
    return pending_records_;
  }

 private:
  [[nodiscard]] Status require_topic(const std::string& topic);
  void on_delivery(const rd_kafka_message_t& message);
  void release(std::size_t bytes);

  const Settings settings_;
  const ProducerOptions options_;
  std::shared_ptr<Client> client_;

  mutable std::mutex mutex_;
  std::condition_variable progress_;
  std::set<std::string, std::less<>> known_topics_;
  SteadyClock::time_point no_lookup_before_;
  std::size_t pending_records_ = 0;
  std::size_t pending_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;

  std::atomic<bool> stopping_{false};
  std::thread poller_;
};

Status KafkaProducer::start() {
  const std::map<std::string, std::string> ours = {
      {"client.id", options_.client_id},
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"compression.type", "lz4"},
      {"partitioner", "murmur2_random"},
      {"linger.ms", std::to_string(options_.linger.count())},
      // A record is given up only when the producer is destroyed.
      {"message.timeout.ms", "0"},
      {"queue.buffering.max.messages", "1000000"},
      {"queue.buffering.max.kbytes", "2000000"},  // our own bound is in send()
      {"socket.nagle.disable", "true"},
  };
  TOCSIN_TRY(client_,
             Client::open(settings_, RD_KAFKA_PRODUCER, ours,
                          {.on_delivery = [this](const rd_kafka_message_t& m) { on_delivery(m); },
                           .on_rebalance = {}}));
  poller_ = std::thread([this] {
    while (!stopping_) rd_kafka_poll(client_->get(), kPollMs);
  });
  return {};
}

KafkaProducer::~KafkaProducer() {
  if (!client_) return;
  static_cast<void>(flush(kCloseTimeout));
  if (pending() > 0) {
    log_error("bus: {}: {} records were not written", settings_.url(), pending());
    rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    static_cast<void>(flush(Milliseconds(1'000)));
  }
  stopping_ = true;
  poller_.join();
  client_->drop_hooks();
}

// A topic that is not there is told at once. When no broker answers, the record is queued and its
// topic looked at later.
Status KafkaProducer::require_topic(const std::string& topic) {
  {
    const std::lock_guard lock(mutex_);
    if (known_topics_.contains(topic) || SteadyClock::now() < no_lookup_before_) return {};
  }
  const auto partitions = client_->partition_count(topic, kLookupTimeout);
  const std::lock_guard lock(mutex_);
  if (partitions)
    known_topics_.insert(topic);
  else if (partitions.error().code == ErrorCode::kUnavailable)
    no_lookup_before_ = SteadyClock::now() + std::chrono::seconds(10);
  else
    return tl::unexpected(partitions.error());
  return {};
}

Status KafkaProducer::send(std::string_view topic, Record record, std::uint64_t token) {
  TOCSIN_TRY_STATUS(check_size(settings_, topic, record));
  const std::string name(topic);
  TOCSIN_TRY_STATUS(require_topic(name));
  const std::size_t bytes = record.key.size() + record.value.size();
  {
    std::unique_lock lock(mutex_);
    progress_.wait(lock, [&] {
      return pending_records_ < options_.queue_records_max &&
             (pending_bytes_ + bytes <= options_.queue_bytes_max || pending_records_ == 0);
    });
    pending_records_ += 1;
    pending_bytes_ += bytes;
    sent_ += 1;
  }
  rd_kafka_resp_err_t code = produce(*client_, name, record, token);
  while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {  // a smaller bound among the user's properties
    std::this_thread::sleep_for(Milliseconds(5));
    code = produce(*client_, name, record, token);
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  release(bytes);
  return client_->failure(code, "topic " + name);
}

void KafkaProducer::on_delivery(const rd_kafka_message_t& message) {
  Delivery delivery{
      .token = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(message._private)),
      .where = {rd_kafka_topic_name(message.rkt), message.partition},
      .offset = message.offset,
      .acknowledged_at = now_ns(),
      .error = std::nullopt};
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    delivery.offset = -1;
    delivery.error = client_->failure(message.err, "topic " + delivery.where.topic).value();
    if (delivery.error->code == ErrorCode::kNotFound) {
      const std::lock_guard lock(mutex_);
      known_topics_.erase(delivery.where.topic);
    }
  }
  if (options_.on_delivery) options_.on_delivery(delivery);
  release(message.len + message.key_len);
}

void KafkaProducer::release(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    pending_records_ -= 1;
    pending_bytes_ -= bytes;
    acknowledged_ += 1;
  }
  progress_.notify_all();
}

Status KafkaProducer::flush(Milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = sent_;
  if (progress_.wait_for(lock, timeout, [&] { return acknowledged_ >= target; })) return {};
  const std::size_t waiting = pending_records_;
  lock.unlock();
  return client_->failure(RD_KAFKA_RESP_ERR__TIMED_OUT,
                          fmt::format("{} records are not yet acknowledged", waiting));
}

}  // namespace

Result<std::unique_ptr<Producer>> open_producer(const Settings& settings, ProducerOptions options) {
  auto producer = std::make_unique<KafkaProducer>(settings, std::move(options));
  TOCSIN_TRY_STATUS(producer->start());
  return producer;
}

}  // namespace tocsin::bus::kafka
