// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/producer.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
constexpr Milliseconds kRenewPause{1'000};
constexpr int kPollMs = 100;

bool has_feature(const std::string& name) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  char value[512] = "";
  std::size_t size = sizeof value;
  rd_kafka_conf_get(conf, "builtin.features", value, &size);
  rd_kafka_conf_destroy(conf);
  return fmt::format(",{},", value).find("," + name + ",") != std::string::npos;
}

std::string compression_of(const std::string& wanted) {
  if (wanted == "none" || has_feature(wanted)) return wanted;
  log_warning("bus: this librdkafka is built without {}: nothing is compressed", wanted);
  return "none";
}

std::string_view view(const void* bytes, std::size_t size) {
  return bytes == nullptr ? std::string_view{}
                          : std::string_view(static_cast<const char*>(bytes), size);
}

// A record that was not stored, as it was sent.
struct Refused {
  Message message;
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  explicit Refused(const rd_kafka_message_t& raw) {
    rd_kafka_headers_t* list = nullptr;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_message_headers(&raw, &list) == RD_KAFKA_RESP_ERR_NO_ERROR)
      for (std::size_t i = 0;
           rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
           ++i)
        headers.emplace_back(name, view(value, size));
    rd_kafka_timestamp_type_t kind{};
    message = {.topic = rd_kafka_topic_name(raw.rkt),
               .partition = raw.partition,
               .offset = -1,
               .timestamp_ms = rd_kafka_message_timestamp(&raw, &kind),
               .key = view(raw.key, raw.key_len),
               .value = view(raw.payload, raw.len),
               .headers = headers};
  }

  [[nodiscard]] Record record() const {
    Record record;
    record.key = message.key;
    record.value = message.value;
    for (const auto& [name, value] : headers)
      record.headers.push_back({std::string(name), std::string(value)});
    record.timestamp_ms = message.timestamp_ms;
    return record;
  }
};

class KafkaProducer final : public Producer {
 public:
  KafkaProducer(const Settings& settings, ProducerOptions options)
      : settings_(settings), options_(std::move(options)) {}
  ~KafkaProducer() override;

  [[nodiscard]] Status start();
  Status send(std::string_view topic, const Record& record, std::uint64_t token) override;
  Status flush(Milliseconds timeout) override;
  std::size_t pending() const override {
    const std::lock_guard lock(mutex_);
    return pending_records_;
  }

 private:
  [[nodiscard]] Result<std::shared_ptr<Client>> open_client(bool alone);
  [[nodiscard]] Result<std::shared_ptr<Client>> fit_client();
  [[nodiscard]] Status require_topic(Client& client, const std::string& topic);
  void poll();
  [[nodiscard]] bool send_alone(const rd_kafka_message_t& message, std::uint64_t token);
  void on_delivery(const rd_kafka_message_t& message, bool alone);
  void release(std::size_t bytes);
  [[nodiscard]] std::shared_ptr<Client> client() const {
    const std::lock_guard lock(mutex_);
    return client_;
  }

  const Settings settings_;
  const ProducerOptions options_;
  std::shared_ptr<Client> client_;  // replaced when it is spent
  std::shared_ptr<Client> alone_;   // sends one record a batch; made when first needed

  mutable std::mutex mutex_;
  std::condition_variable progress_;
  std::set<std::string, std::less<>> known_topics_;
  SteadyClock::time_point no_lookup_before_;
  SteadyClock::time_point opened_;
  bool told_of_size_ = false;
  std::size_t pending_records_ = 0;
  std::size_t pending_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;

  std::atomic<bool> stopping_{false};
  std::thread poller_;
};

Result<std::shared_ptr<Client>> KafkaProducer::open_client(bool alone) {
  std::map<std::string, std::string> ours = {
      {"client.id", options_.client_id},
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"compression.type", compression_of(options_.compression)},
      {"partitioner", "murmur2_random"},
      {"linger.ms", std::to_string(options_.linger.count())},
      // A record is given up only when the producer is destroyed.
      {"message.timeout.ms", "0"},
      {"queue.buffering.max.messages", "1000000"},
      {"queue.buffering.max.kbytes", "2000000"},  // our own bound is in send()
      {"socket.nagle.disable", "true"},
  };
  if (alone) ours["batch.num.messages"] = "1";
  return Client::open(
      settings_, RD_KAFKA_PRODUCER, ours,
      {.on_delivery = [this, alone](const rd_kafka_message_t& m) { on_delivery(m, alone); },
       .on_rebalance = {}});
}

Status KafkaProducer::start() {
  TOCSIN_TRY(client_, open_client(false));
  opened_ = SteadyClock::now();
  poller_ = std::thread([this] { poll(); });
  return {};
}

void KafkaProducer::poll() {
  while (!stopping_) {
    std::shared_ptr<Client> usual, alone;
    {
      const std::lock_guard lock(mutex_);
      usual = client_;
      alone = alone_;
    }
    rd_kafka_poll(usual->get(), alone ? 1 : kPollMs);
    if (alone) rd_kafka_poll(alone->get(), 1);
  }
}

KafkaProducer::~KafkaProducer() {
  if (!client_) return;
  if (!options_.keeps_unsent) static_cast<void>(flush(kCloseTimeout));
  if (pending() > 0) {
    if (!options_.keeps_unsent)
      log_error("bus: {}: {} records were not written", settings_.url(), pending());
    rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    if (alone_) rd_kafka_purge(alone_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    static_cast<void>(flush(Milliseconds(1'000)));
  }
  stopping_ = true;
  poller_.join();
  client_->drop_hooks();
  if (alone_) alone_->drop_hooks();
}

// The client, or a new one in the place of one that a fatal error has spent: once everything that
// it held was reported as failed, and not more often than every second.
Result<std::shared_ptr<Client>> KafkaProducer::fit_client() {
  std::shared_ptr<Client> now = client();
  if (!now->is_spent()) return now;
  std::unique_lock lock(mutex_);
  progress_.wait(lock, [&] { return pending_records_ == 0; });
  const auto due = opened_ + kRenewPause;
  progress_.wait_until(lock, due, [&] { return SteadyClock::now() >= due; });
  if (client_ != now) return client_;
  lock.unlock();
  TOCSIN_TRY(std::shared_ptr<Client> fresh, open_client(false));
  lock.lock();
  client_ = std::move(fresh);
  opened_ = SteadyClock::now();
  return client_;
}

// A topic that is not there is told at once. When no broker answers, the record is queued and its
// topic looked at later.
Status KafkaProducer::require_topic(Client& client, const std::string& topic) {
  {
    const std::lock_guard lock(mutex_);
    if (known_topics_.contains(topic) || SteadyClock::now() < no_lookup_before_) return {};
  }
  const auto partitions = client.partition_count(topic, kLookupTimeout);
  const std::lock_guard lock(mutex_);
  if (partitions)
    known_topics_.insert(topic);
  else if (partitions.error().code == ErrorCode::kUnavailable)
    no_lookup_before_ = SteadyClock::now() + std::chrono::seconds(10);
  else
    return tl::unexpected(partitions.error());
  return {};
}

Status KafkaProducer::send(std::string_view topic, const Record& record, std::uint64_t token) {
  TOCSIN_TRY_STATUS(check_size(settings_, topic, record));
  const std::string name(topic);
  TOCSIN_TRY(const std::shared_ptr<Client> client, fit_client());
  TOCSIN_TRY_STATUS(require_topic(*client, name));
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
  rd_kafka_resp_err_t code = produce(*client, name, record, token);
  while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {  // a smaller bound among the user's properties
    std::this_thread::sleep_for(Milliseconds(5));
    code = produce(*client, name, record, token);
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  release(bytes);
  return client->failure(code, "topic " + name);
}

// A broker refuses a batch as a whole when it is larger than the topic takes. So each of its
// records gets a second chance in a batch of its own, and only those fail that are too large by
// themselves.
bool KafkaProducer::send_alone(const rd_kafka_message_t& message, std::uint64_t token) {
  const std::string topic = rd_kafka_topic_name(message.rkt);
  std::shared_ptr<Client> alone;
  {
    const std::lock_guard lock(mutex_);
    if (!told_of_size_)
      log_warning(
          "bus: {}: topic {} does not take batches of up to {} bytes; records go one by one where "
          "it refuses. Set message.max.bytes to the topic's max.message.bytes",
          settings_.url(), topic, settings_.message_bytes_max);
    told_of_size_ = true;
    alone = alone_;
  }
  if (!alone) {
    auto opened = open_client(true);
    if (!opened) return false;
    alone = *std::move(opened);
    const std::lock_guard lock(mutex_);
    alone_ = alone;
  }
  return produce(*alone, topic, Refused(message).record(), token) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaProducer::on_delivery(const rd_kafka_message_t& message, bool alone) {
  Delivery delivery{
      .token = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(message._private)),
      .where = {rd_kafka_topic_name(message.rkt), message.partition},
      .offset = message.offset,
      .acknowledged_at = now_ns(),
      .error = std::nullopt};
  if (message.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !alone && !stopping_ &&
      send_alone(message, delivery.token))
    return;
  std::optional<Refused> refused;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::string& topic = delivery.where.topic;
    delivery.offset = -1;
    delivery.error =
        client()->failure(message.err, "topic " + topic, {}, "Write on topic " + topic).value();
    delivery.record = &refused.emplace(message).message;
    if (delivery.error->code == ErrorCode::kNotFound) {
      const std::lock_guard lock(mutex_);
      known_topics_.erase(topic);
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
  return client()->failure(RD_KAFKA_RESP_ERR__TIMED_OUT,
                           fmt::format("{} records are not yet acknowledged", waiting));
}

}  // namespace

Result<std::unique_ptr<Producer>> open_producer(const Settings& settings, ProducerOptions options) {
  auto producer = std::make_unique<KafkaProducer>(settings, std::move(options));
  TOCSIN_TRY_STATUS(producer->start());
  return producer;
}

}  // namespace tocsin::bus::kafka
