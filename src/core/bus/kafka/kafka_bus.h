// SPDX-License-Identifier: Apache-2.0
//
// The Kafka bus: librdkafka behind the project's Bus.
//
//   kafka://host:port,... + properties -> Producer, Consumer, Reader, admin requests
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::bus::kafka {

// Does not talk to the brokers yet: they may come up later. kInvalid for a property that librdkafka
// refuses.
[[nodiscard]] Result<std::unique_ptr<Bus>> open(
    const std::string& brokers, const std::map<std::string, std::string>& properties);

}  // namespace tocsin::bus::kafka
