// SPDX-License-Identifier: Apache-2.0
//
// What TopicOptions mean to Kafka: a replication factor and the settings of a topic.
//
//   TopicOptions + number of brokers -> create_topic(); an existing topic -> what differs
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

// The replication factor, or -1: the broker's default.
[[nodiscard]] Result<std::int32_t> replication_of(Client& client, const TopicOptions& options);

[[nodiscard]] std::map<std::string, std::string> topic_config(const Settings& settings,
                                                              const TopicOptions& options,
                                                              std::int32_t replication);

// kNotFound when there is no such topic.
[[nodiscard]] Result<std::vector<TopicDifference>> compare_topic(Client& client,
                                                                 const Settings& settings,
                                                                 const std::string& name,
                                                                 const TopicOptions& options);

}  // namespace tocsin::bus::kafka
