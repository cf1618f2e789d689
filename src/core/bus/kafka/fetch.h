// SPDX-License-Identifier: Apache-2.0
//
// Fetch: takes librdkafka's messages as they are and lends them out as a Batch; no byte is copied.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

// Polls the client's consumer queue. Entries that carry no message (an error, the end of a
// partition) go to `on_event`. Messages that `accept` refuses are left out; an empty one takes all.
[[nodiscard]] Batch fetch(const std::shared_ptr<Client>& client, std::size_t messages_max,
                          Milliseconds timeout,
                          const std::function<void(const rd_kafka_message_t&)>& on_event,
                          const std::function<bool(const rd_kafka_message_t&)>& accept = {});

// Messages that wait in it.
[[nodiscard]] std::size_t queued(const Client& client);

}  // namespace tocsin::bus::kafka
