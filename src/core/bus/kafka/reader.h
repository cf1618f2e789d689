// SPDX-License-Identifier: Apache-2.0
//
// The Kafka reader: looks at a topic without a group.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

[[nodiscard]] Result<std::unique_ptr<Reader>> open_reader(const Settings& settings,
                                                          const std::string& topic, ReadFrom from);

}  // namespace tocsin::bus::kafka
