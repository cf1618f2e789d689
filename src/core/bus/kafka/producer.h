// SPDX-License-Identifier: Apache-2.0
//
// The Kafka producer: idempotent, acknowledged by all in-sync replicas, retrying without end.
#pragma once

#include <memory>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

[[nodiscard]] Result<std::unique_ptr<Producer>> open_producer(const Settings& settings,
                                                              ProducerOptions options);

}  // namespace tocsin::bus::kafka
