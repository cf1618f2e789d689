// SPDX-License-Identifier: Apache-2.0
//
// One request to the brokers, and its answer.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string_view>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

inline constexpr Milliseconds kRequestTimeout{10'000};

struct EventFree {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventFree>;

struct QueueFree {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct OptionsFree {
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
};

// Takes the connection errors that have come up, so that a failure can name its cause.
inline void learn_of_trouble(Client& client) { rd_kafka_poll(client.get(), 0); }

// Sends one request and waits for its answer. `permission`: what the ACLs lack when it is denied.
template <class Send>
Result<Event> ask(Client& client, rd_kafka_admin_op_t operation, std::string_view what,
                  std::string_view permission, Send&& send) {
  const std::unique_ptr<rd_kafka_queue_t, QueueFree> queue(rd_kafka_queue_new(client.get()));
  const std::unique_ptr<rd_kafka_AdminOptions_t, OptionsFree> options(
      rd_kafka_AdminOptions_new(client.get(), operation));
  char reason[256];
  rd_kafka_AdminOptions_set_request_timeout(
      options.get(), static_cast<int>(kRequestTimeout.count()), reason, sizeof reason);
  send(options.get(), queue.get());
  Event event(rd_kafka_queue_poll(queue.get(), static_cast<int>(kRequestTimeout.count()) + 2'000));
  learn_of_trouble(client);
  if (!event) return client.failure(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client.failure(code, what, rd_kafka_event_error_string(event.get()), permission);
  client.note_contact();
  return event;
}

}  // namespace tocsin::bus::kafka
