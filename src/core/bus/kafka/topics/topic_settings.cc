// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/topics/topic_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/bus/kafka/request.h"

namespace tocsin::bus::kafka {
namespace {

constexpr std::size_t kBrokerMessageBytes = 1'048'588;  // a broker's message.max.bytes by default
constexpr std::int32_t kReplicationMax = 3;

struct Shape {
  std::int32_t partitions = 0;
  std::int32_t replication = 0;  // the most copies that a partition has
};

struct MetadataFree {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using Metadata = std::unique_ptr<const rd_kafka_metadata_t, MetadataFree>;

// Of all topics: to ask for one would create it, where brokers are set up so.
Result<Metadata> ask_metadata(Client& client, std::string_view what) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t code = rd_kafka_metadata(client.get(), 1, nullptr, &metadata,
                                                     static_cast<int>(kRequestTimeout.count()));
  learn_of_trouble(client);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client.failure(code, what);
  client.note_contact();
  return Metadata(metadata);
}

Result<Shape> shape_of(Client& client, const std::string& name) {
  TOCSIN_TRY(const Metadata metadata, ask_metadata(client, "topic " + name));
  for (int t = 0; t < metadata->topic_cnt; ++t) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[t];
    if (name != topic.topic || topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Shape shape{.partitions = topic.partition_cnt, .replication = 0};
    for (int i = 0; i < topic.partition_cnt; ++i)
      shape.replication = std::max(shape.replication, topic.partitions[i].replica_cnt);
    return shape;
  }
  return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", name));
}

Result<std::map<std::string, std::string>> config_of(Client& client, const std::string& name) {
  struct ResourceFree {
    void operator()(rd_kafka_ConfigResource_t* resource) const {
      rd_kafka_ConfigResource_destroy(resource);
    }
  };
  const std::unique_ptr<rd_kafka_ConfigResource_t, ResourceFree> resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
  rd_kafka_ConfigResource_t* resources[] = {resource.get()};
  TOCSIN_TRY(const Event event,
             ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "settings of topic " + name,
                 "DescribeConfigs on topic " + name,
                 [&](const rd_kafka_AdminOptions_t* request, rd_kafka_queue_t* queue) {
                   rd_kafka_DescribeConfigs(client.get(), resources, 1, request, queue);
                 }));
  const auto* const result = rd_kafka_event_DescribeConfigs_result(event.get());
  std::size_t count = 0;
  const auto** const described = rd_kafka_DescribeConfigs_result_resources(result, &count);
  std::map<std::string, std::string> config;
  if (count != 1) return config;
  if (const auto code = rd_kafka_ConfigResource_error(described[0]);
      code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* const text = rd_kafka_ConfigResource_error_string(described[0]);
    return client.failure(code, "settings of topic " + name, text == nullptr ? "" : text,
                          "DescribeConfigs on topic " + name);
  }
  const auto** const entries = rd_kafka_ConfigResource_configs(described[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    config[rd_kafka_ConfigEntry_name(entries[i])] = value == nullptr ? "" : value;
  }
  return config;
}

}  // namespace

Result<std::int32_t> replication_of(Client& client, const TopicOptions& options) {
  if (options.replication != 0) return options.replication;
  TOCSIN_TRY(const Metadata metadata, ask_metadata(client, "list brokers"));
  return std::clamp<std::int32_t>(metadata->broker_cnt, 1, kReplicationMax);
}

std::map<std::string, std::string> topic_config(const Settings& settings,
                                                const TopicOptions& options,
                                                std::int32_t replication) {
  std::map<std::string, std::string> config = {
      {"retention.ms", std::to_string(options.retention_ms)},
      {"retention.bytes", std::to_string(options.retention_bytes)},
      // Records are never replaced by key, and stay as their producer compressed them.
      {"cleanup.policy", "delete"},
      {"compression.type", "producer"},
  };
  // One copy may be away, and nothing that was acknowledged is in one place only.
  const std::int32_t insync = options.min_insync_replicas != 0 ? options.min_insync_replicas
                              : replication >= kReplicationMax ? replication - 1
                                                               : 1;
  if (insync > 0) config["min.insync.replicas"] = std::to_string(insync);
  if (options.message_bytes_max > 0)
    config["max.message.bytes"] = std::to_string(options.message_bytes_max);
  else if (settings.message_bytes_max > kBrokerMessageBytes)
    config["max.message.bytes"] = std::to_string(settings.message_bytes_max);
  return config;
}

Result<std::vector<TopicDifference>> compare_topic(Client& client, const Settings& settings,
                                                   const std::string& name,
                                                   const TopicOptions& options) {
  TOCSIN_TRY(const Shape shape, shape_of(client, name));
  TOCSIN_TRY(const std::int32_t replication, replication_of(client, options));
  std::vector<TopicDifference> differences;
  const auto compare = [&](const std::string& setting, std::string actual, std::string wanted) {
    if (actual != wanted) differences.push_back({setting, std::move(actual), std::move(wanted)});
  };
  compare("partitions", std::to_string(shape.partitions), std::to_string(options.partitions));
  if (replication > 0)
    compare("replication.factor", std::to_string(shape.replication), std::to_string(replication));
  TOCSIN_TRY(const auto config, config_of(client, name));
  for (const auto& [setting, wanted] : topic_config(settings, options, replication)) {
    const auto found = config.find(setting);
    if (found != config.end()) compare(setting, found->second, wanted);
  }
  return differences;
}

}  // namespace tocsin::bus::kafka
