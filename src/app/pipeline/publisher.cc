// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/publisher.h"

#include <mutex>
#include <optional>
#include <utility>

namespace tocsin::pipeline {
namespace {

constexpr bus::Milliseconds kFlushTimeout{30'000};

// A record that no broker takes whole is sent with as much as it takes.
template <class Send>
Status send_fitting(const bus::Record& record, std::size_t value_bytes_max, Send&& send) {
  if (record.value.size() <= value_bytes_max) return send(record);
  bus::Record copy = record;
  copy.value.resize(value_bytes_max);
  copy.headers.push_back({"truncated", "true"});
  return send(copy);
}

std::size_t records_of(const Publication& batch) {
  return batch.verdicts.size() + batch.alerts.size() + batch.dead_letters.size();
}

template <class Send>
Status send_all(const Publication& batch, const PublisherOptions& options,
                std::size_t value_bytes_max, Send&& send) {
  const auto send_to = [&](const std::string& topic,
                           std::span<const bus::Record> records) -> Status {
    for (const bus::Record& record : records)
      TOCSIN_TRY_STATUS(send_fitting(record, value_bytes_max,
                                     [&](const bus::Record& fits) { return send(topic, fits); }));
    return {};
  };
  TOCSIN_TRY_STATUS(send_to(options.verdicts_topic, batch.verdicts));
  TOCSIN_TRY_STATUS(send_to(options.alerts_topic, batch.alerts));
  return send_to(options.dead_letter_topic, batch.dead_letters);
}

class ExactlyOnce final : public Publisher {
 public:
  ExactlyOnce(PublisherOptions options, std::size_t value_bytes_max,
              std::unique_ptr<bus::TransactionalProducer> producer)
      : options_(std::move(options)),
        value_bytes_max_(value_bytes_max),
        producer_(std::move(producer)) {}

  Status publish(const Publication& batch) override {
    TOCSIN_TRY_STATUS(add(batch));
    const Status done = producer_->commit(batch.offsets);
    if (!done) producer_->abort();
    pending_ = 0;
    return done;
  }
  Status add(const Publication& batch) override {
    pending_ += records_of(batch);
    const Status done = send_all(batch, options_, value_bytes_max_,
                                 [&](const std::string& topic, const bus::Record& record) {
                                   return producer_->send(topic, record);
                                 });
    if (!done) undo();
    return done;
  }
  void undo() override {
    producer_->abort();
    pending_ = 0;
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
                                 [&](const std::string& topic, const bus::Record& record) {
                                   return producer_->send(topic, record);
                                 }));
      TOCSIN_TRY_STATUS(producer_->flush(kFlushTimeout));
      if (auto failure = watch_.take()) return tl::unexpected<Error>(*std::move(failure));
    }
    Status committed = consumer_.commit(batch.offsets);
    // Everything is written; the next commit counts for this batch, too.
    if (!committed) committed.error().code = ErrorCode::kStale;
    return committed;
  }
  Status add(const Publication& batch) override { return publish(batch); }
  void undo() override {}
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
