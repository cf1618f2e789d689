// SPDX-License-Identifier: Apache-2.0
//
// What only the Kafka bus has: brokers that are away, and secrets.
#include <thread>

#include "lab.h"

namespace tocsin::bus {
namespace {

TEST_CASE("kafka bus: without a broker everything opens, says so, and queues") {
  const auto bus = need(open("kafka://127.0.0.1:1"));
  const auto topics = bus->topics();
  REQUIRE(!topics);
  CHECK(topics.error().code == ErrorCode::kUnavailable);
  CHECK(topics.error().message.find("kafka://127.0.0.1:1") != std::string::npos);

  const auto consumer = need(
      bus->open_consumer({.group = "g", .topics = {"t"}, .session_timeout = Milliseconds(6'000)}));
  CHECK(until([&] {
    const auto batch = consumer->poll(1, Milliseconds(200));
    return !batch && batch.error().code == ErrorCode::kUnavailable;
  }));

  Deliveries deliveries;
  {
    const auto producer = need(bus->open_producer(deliveries.options()));
    REQUIRE_OK(producer->send("t", {.key = "", .value = "v", .headers = {}, .timestamp_ms = 0}, 9));
    const Status status = producer->flush(Milliseconds(300));
    REQUIRE(!status);
    CHECK(status.error().code == ErrorCode::kUnavailable);
    CHECK(producer->pending() == 1);
  }
  REQUIRE(deliveries.list().size() == 1);
  CHECK(deliveries.list()[0].token == 9);
  CHECK(deliveries.list()[0].error.has_value());
}

TEST_CASE("kafka bus: no message holds a secret") {
  const std::string secret = "hunter2";
  const auto bus = need(open("kafka://127.0.0.1:1", {{"security.protocol", "SASL_PLAINTEXT"},
                                                     {"sasl.mechanisms", "PLAIN"},
                                                     {"sasl.username", "me"},
                                                     {"sasl.password", secret}}));
  CHECK(bus->describe() == "kafka://127.0.0.1:1");
  const auto topics = bus->topics();
  REQUIRE(!topics);
  CHECK(topics.error().message.find(secret) == std::string::npos);
}

}  // namespace
}  // namespace tocsin::bus
