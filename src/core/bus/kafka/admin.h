// SPDX-License-Identifier: Apache-2.0
//
// Requests to the brokers about topics and groups.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

[[nodiscard]] Status create_topic(Client& client, const Settings& settings, const std::string& name,
                                  const TopicOptions& options);
// Whether create_topic() would be permitted and possible; changes nothing.
[[nodiscard]] Status may_create_topic(Client& client, const std::string& name);
// A topic of one partition whose records bear the broker's time.
[[nodiscard]] Status create_probe_topic(Client& client, const std::string& name);
[[nodiscard]] Status delete_topic(Client& client, const std::string& name);
[[nodiscard]] Result<std::vector<TopicInfo>> list_topics(Client& client);
[[nodiscard]] Result<std::vector<GroupInfo>> list_groups(Client& client);

}  // namespace tocsin::bus::kafka
