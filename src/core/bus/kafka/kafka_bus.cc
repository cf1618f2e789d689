// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/kafka_bus.h"

#include <fmt/format.h>

#include <charconv>
#include <mutex>

#include "core/bus/kafka/admin.h"
#include "core/bus/kafka/client.h"
#include "core/bus/kafka/consumer.h"
#include "core/bus/kafka/producer.h"
#include "core/bus/kafka/reader.h"
#include "core/bus/kafka/topics/timestamps.h"
#include "core/bus/kafka/topics/topic_settings.h"

namespace tocsin::bus::kafka {
namespace {

class KafkaBus final : public Bus {
 public:
  explicit KafkaBus(Settings settings) : settings_(std::move(settings)) {}

  Result<std::unique_ptr<Producer>> open_producer(ProducerOptions options) override {
    return kafka::open_producer(settings_, std::move(options));
  }
  Result<std::unique_ptr<Consumer>> open_consumer(ConsumerOptions options) override {
    return kafka::open_consumer(settings_, options);
  }
  Result<std::unique_ptr<Reader>> open_reader(std::string topic, ReadFrom from) override {
    return kafka::open_reader(settings_, topic, from);
  }
  Status create_topic(const std::string& name, const TopicOptions& options) override {
    TOCSIN_TRY(Client* const client, admin());
    return kafka::create_topic(*client, settings_, name, options);
  }
  Status delete_topic(const std::string& name) override {
    TOCSIN_TRY(Client* const client, admin());
    return kafka::delete_topic(*client, name);
  }
  Result<std::vector<TopicDifference>> compare_topic(const std::string& name,
                                                     const TopicOptions& options) override {
    TOCSIN_TRY(Client* const client, admin());
    return kafka::compare_topic(*client, settings_, name, options);
  }
  Result<Offsets> timestamps_at(const Offsets& offsets) override {
    return kafka::timestamps_at(settings_, offsets);
  }
  Result<std::vector<TopicInfo>> topics() override {
    TOCSIN_TRY(Client* const client, admin());
    return list_topics(*client);
  }
  Result<std::vector<GroupInfo>> groups() override {
    TOCSIN_TRY(Client* const client, admin());
    return list_groups(*client);
  }
  // A transaction is five round trips, one after the other, and a pause behind the last one.
  Milliseconds commit_interval() const override { return Milliseconds(40); }
  std::size_t value_bytes_max() const override { return settings_.value_bytes_max(); }
  std::string describe() const override { return settings_.url(); }

 private:
  // Made when first needed: not every user of the bus asks for more than a producer. A consumer,
  // because looking for a topic as a producer makes brokers create it that create by themselves.
  Result<Client*> admin() {
    const std::lock_guard lock(mutex_);
    if (!admin_) {
      TOCSIN_TRY(admin_,
                 Client::open(settings_, RD_KAFKA_CONSUMER, {{"client.id", "tocsin-admin"}}, {}));
    }
    return admin_.get();
  }

  const Settings settings_;
  std::mutex mutex_;
  std::shared_ptr<Client> admin_;
};

}  // namespace

Result<std::unique_ptr<Bus>> open(const std::string& brokers,
                                  const std::map<std::string, std::string>& properties) {
  if (brokers.empty() || brokers.find('@') != std::string::npos)
    return fail(ErrorCode::kInvalid,
                "a Kafka bus is kafka://HOST:PORT,...; names and passwords are bus properties");
  Settings settings{.brokers = brokers, .properties = properties};
  TOCSIN_TRY_STATUS(check_properties(settings));
  if (const auto found = properties.find("message.max.bytes"); found != properties.end()) {
    const std::string& text = found->second;  // librdkafka has accepted it as a number
    std::from_chars(text.data(), text.data() + text.size(), settings.message_bytes_max);
  }
  return std::make_unique<KafkaBus>(std::move(settings));
}

}  // namespace tocsin::bus::kafka
