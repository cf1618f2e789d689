// SPDX-License-Identifier: Apache-2.0
//
// Fetch: takes librdkafka's messages as they are and lends them out as a Batch; no byte is copied.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"
#include "core/bus/kafka/positions.h"

namespace tocsin::bus::kafka {

// Polls the client's consumer queue. Entries that carry no message (an error, the end of a
// partition) go to `on_event`. Messages that `accept` refuses are left out; an empty one takes all.
[[nodiscard]] Batch fetch(const std::shared_ptr<Client>& client, std::size_t messages_max,
                          Milliseconds timeout,
                          const std::function<void(const rd_kafka_message_t&)>& on_event,
                          const std::function<bool(const rd_kafka_message_t&)>& accept = {});

// Before librdkafka 2.2 the thread of a broker sleeps for up to a second once the client's queue is
// full (librdkafka#2879), however soon it is empty again, unless it is given something to do. So it
// is asked a question when few messages are left of a queue that may have been full; the answer is
// of no interest.
class Waker {
 public:
  static constexpr int kNotNeeded = 0x02020000;  // version that has fetch.queue.backoff.ms
  static constexpr std::size_t kQueueBytes = 32u << 20;
  static constexpr std::size_t kQueueMessages = 100'000;

  // After each batch.
  void took(const Batch& batch, const Client& client, const Positions& positions);

 private:
  std::size_t bytes_ = 0, messages_ = 0;  // taken since the fetchers were woken
};

}  // namespace tocsin::bus::kafka
