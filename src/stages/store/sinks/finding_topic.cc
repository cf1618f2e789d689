// SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <optional>
#include <utility>

#include "stages/store/sinks/ocsf/finding.h"
#include "stages/store/sinks/sinks.h"

namespace tocsin::store {
namespace {

constexpr bus::Milliseconds kFlushTimeout{30'000};

class FindingTopic final : public Sink {
 public:
  explicit FindingTopic(std::string topic) : topic_(std::move(topic)) {}

  Status start(bus::Bus& bus) {
    bus::ProducerOptions options;
    options.client_id = "tocsin-store-ocsf";
    options.on_delivery = [this](const bus::Delivery& delivery) {
      if (!delivery.error) return;
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = delivery.error;
    };
    TOCSIN_TRY(producer_, bus.open_producer(std::move(options)));
    return {};
  }

  Status write(const SinkBatch& batch) override {
    {
      const std::lock_guard lock(mutex_);
      failure_.reset();
    }
    for (const Alert& alert : batch.alerts) {
      bus::Record record;
      record.key = alert.host;
      ocsf::append_finding(record.value, alert);
      record.headers = {{"event_id", alert.event_id.to_string()},
                        {"source", "store"},
                        {"content-type", "application/json"}};
      TOCSIN_TRY_STATUS(producer_->send(topic_, record));
    }
    TOCSIN_TRY_STATUS(producer_->flush(kFlushTimeout));
    const std::lock_guard lock(mutex_);
    if (failure_) return tl::unexpected(*failure_);
    return {};
  }

  // Two writers of a partition do no harm: what both write are the same findings.
  Status claim(const SinkBatch& /*batch*/) override { return {}; }
  std::string_view name() const override { return "ocsf"; }

 private:
  const std::string topic_;
  std::mutex mutex_;
  std::optional<Error> failure_;
  std::unique_ptr<bus::Producer> producer_;  // last: its threads call back
};

}  // namespace

Result<std::unique_ptr<Sink>> open_finding_topic(bus::Bus& bus, std::string topic) {
  auto made = std::make_unique<FindingTopic>(std::move(topic));
  TOCSIN_TRY_STATUS(made->start(bus));
  return made;
}

}  // namespace tocsin::store
