// SPDX-License-Identifier: Apache-2.0
//
// The Kafka producer: idempotent, acknowledged by all in-sync replicas, retrying without end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

// kInvalid when no broker would take the record for its size.
[[nodiscard]] Status check_size(const Settings& settings, std::string_view topic,
                                const Record& record);
// Hands a copy of the record to librdkafka's queue.
[[nodiscard]] rd_kafka_resp_err_t produce(Client& client, const std::string& topic,
                                          const Record& record, std::uint64_t token);

[[nodiscard]] Result<std::unique_ptr<Producer>> open_producer(const Settings& settings,
                                                              ProducerOptions options);

}  // namespace tocsin::bus::kafka
