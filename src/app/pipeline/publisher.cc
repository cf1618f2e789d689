// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/publisher.h"

#include <mutex>
#include <optional>
#include <utility>

namespace tocsin::pipeline {
namespace {

constexpr bus::Milliseconds kFlushTimeout{30'000};

// A record that no broker takes whole is sent with as much as it takes.
bus::Record fitting(const bus::Record& record, std::size_t value_bytes_max) {
  bus::Record copy = record;
  if (copy.value.size() <= value_bytes_max) return copy;
  copy.value.resize(value_bytes_max);
  copy.headers.push_back({"truncated", "true"});
  return copy;
}

std::size_t records_of(const Publication& batch) {
  return batch.verdicts.size() + batch.alerts.size() + batch.dead_letters.size();
}

template <class Send>
Status send_all(const Publication& batch, const PublisherOptions& options,
                std::size_t value_bytes_max, Send&& send) {
  for (const bus::Record& record : batch.verdicts)
    TOCSIN_TRY_STATUS(send(options.verdicts_topic, fitting(record, value_bytes_max)));
  for (const bus::Record& record : batch.alerts)
    TOCSIN_TRY_STATUS(send(options.alerts_topic, fitting(record, value_bytes_max)));
  for (const bus::Record& record : batch.dead_letters)
    TOCSIN_TRY_STATUS(send(options.dead_letter_topic, fitting(record, value_bytes_max)));
  return {};
}

class ExactlyOnce final : public Publisher {
 public:
  ExactlyOnce(PublisherOptions options, std::size_t value_bytes_max,
              std::unique_ptr<bus::TransactionalProducer> producer)
      : options_(std::move(options)),
        value_bytes_max_(value_bytes_max),
        producer_(std::move(producer)) {}

  Status publish(const Publication& batch) override {
    pending_ = records_of(batch);
    Status done = send_all(batch, options_, value_bytes_max_,
                           [&](const std::string& topic, bus::Record record) {
                             return producer_->send(topic, std::move(record));
                           });
    if (done) done = producer_->commit(batch.offsets);
    if (!done) producer_->abort();
    pending_ = 0;
    return done;
  }
  std::size_t pending() const override { return pending_; }

 private:
  const PublisherOptions options_;
  const std::size_t value_bytes_max_;
  std::unique_ptr<bus::TransactionalProducer> producer_;
  std::size_t pending_ = 0;
};

// The first failed delivery; told by the producer's thread.
class DeliveryWatch {
 public:
  void on_delivery(const bus::Delivery& delivery) {
    if (!delivery.error) return;
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = delivery.error;
  }
  std::optional<Error> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(failure_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<Error> failure_;
};

class AtLeastOnce final : public Publisher {
 public:
  AtLeastOnce(PublisherOptions options, std::size_t value_bytes_max, bus::Consumer& consumer)
      : options_(std::move(options)), value_bytes_max_(value_bytes_max), consumer_(consumer) {}

  Status start(bus::Bus& bus) {
    bus::ProducerOptions options;
    options.client_id = options_.client_id;
    options.on_delivery = [this](const bus::Delivery& d) { watch_.on_delivery(d); };
    TOCSIN_TRY(producer_, bus.open_producer(std::move(options)));
    return {};
  }

  Status publish(const Publication& batch) override {
    if (records_of(batch) > 0) {
      TOCSIN_TRY_STATUS(send_all(batch, options_, value_bytes_max_,
                                 [&](const std::string& topic, bus::Record record) {
                                   return producer_->send(topic, std::move(record));
                                 }));
      TOCSIN_TRY_STATUS(producer_->flush(kFlushTimeout));
      if (auto failure = watch_.take()) return tl::unexpected<Error>(*std::move(failure));
    }
    Status committed = consumer_.commit(batch.offsets);
    // Everything is written; the next commit counts for this batch, too.
    if (!committed) committed.error().code = ErrorCode::kStale;
    return committed;
  }
  std::size_t pending() const override { return producer_->pending(); }

 private:
  const PublisherOptions options_;
  const std::size_t value_bytes_max_;
  bus::Consumer& consumer_;
  DeliveryWatch watch_;
  std::unique_ptr<bus::Producer> producer_;  // its own, so that a failure is this worker's
};

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::open(bus::Bus& bus, bus::Consumer& consumer,
                                                   PublisherOptions options) {
  if (options.guarantee == Guarantee::kAtLeastOnce) {
    auto made = std::make_unique<AtLeastOnce>(std::move(options), bus.value_bytes_max(), consumer);
    TOCSIN_TRY_STATUS(made->start(bus));
    return made;
  }
  TOCSIN_TRY(auto producer,
             consumer.open_transactional_producer({.transactional_id = options.transactional_id,
                                                   .client_id = options.client_id,
                                                   .timeout = options.transaction_timeout}));
  return std::make_unique<ExactlyOnce>(std::move(options), bus.value_bytes_max(),
                                       std::move(producer));
}

}  // namespace tocsin::pipeline
