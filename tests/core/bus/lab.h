// SPDX-License-Identifier: Apache-2.0
//
// Where the conformance cases get their bus from, and the small steps that they are made of. Each
// test program links one lab: embedded_lab.cc or kafka_lab.cc.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/bus/bus.h"

namespace tocsin::bus {

using SteadyClock = std::chrono::steady_clock;

// A new connection to the bus under test; the same bus every time.
std::unique_ptr<Bus> lab_bus(const std::map<std::string, std::string>& properties = {});

inline std::string fresh_name(const std::string& what) {
  static std::atomic<int> count{0};
  return fmt::format("{}-{}-{}-{}", what, getpid(), now_ns() / 1'000'000 % 1'000'000, ++count);
}

#define REQUIRE_OK(expression)                                           \
  do {                                                                   \
    const auto& lab_result = (expression);                               \
    if (!lab_result) FAIL(#expression ": ", lab_result.error().message); \
  } while (false)

template <class T>
T need(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return *std::move(result);
}

// Collects deliveries from the producer's thread.
class Deliveries {
 public:
  ProducerOptions options() {
    ProducerOptions options;
    options.on_delivery = [this](const Delivery& delivery) {
      const std::lock_guard lock(mutex_);
      list_.push_back(delivery);
    };
    return options;
  }
  std::vector<Delivery> list() {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  std::mutex mutex_;
  std::vector<Delivery> list_;
};

// A message that outlives its batch.
struct Copy {
  std::int32_t partition;
  std::int64_t offset;
  std::int64_t timestamp_ms;
  std::string key;
  std::string value;
};

inline void copy_to(std::vector<Copy>& out, const Batch& batch) {
  for (const Message& m : batch.messages())
    out.push_back(
        {m.partition, m.offset, m.timestamp_ms, std::string(m.key), std::string(m.value)});
}

// Polls (a Consumer or a Reader) until it has `count` messages or 20 seconds are over. Commits when
// told.
template <class From>
std::vector<Copy> take(From& from, std::size_t count) {
  std::vector<Copy> copies;
  const auto deadline = SteadyClock::now() + std::chrono::seconds(20);
  while (copies.size() < count && SteadyClock::now() < deadline) {
    const Batch batch = need(from.poll(count - copies.size(), Milliseconds(200)));
    copy_to(copies, batch);
  }
  return copies;
}

inline std::string new_topic(Bus& bus, std::int32_t partitions) {
  std::string name = fresh_name("t");
  REQUIRE_OK(bus.create_topic(name, {.partitions = partitions}));
  return name;
}

// "0", "1", ... with the key, or spread when it is empty.
inline void produce(Bus& bus, const std::string& topic, int count, const std::string& key = "",
                    int first = 0) {
  const auto producer = need(bus.open_producer({}));
  for (int i = first; i < first + count; ++i)
    REQUIRE_OK(producer->send(
        topic, {.key = key, .value = std::to_string(i), .headers = {}, .timestamp_ms = 0}));
  REQUIRE_OK(producer->flush(Milliseconds(20'000)));
}

inline std::unique_ptr<Consumer> join(Bus& bus, const std::string& group, const std::string& topic,
                                      const std::string& client = "c",
                                      StartAt start = StartAt::kEarliest) {
  return need(bus.open_consumer({.group = group,
                                 .topics = {topic},
                                 .client_id = client,
                                 .start = start,
                                 .session_timeout = Milliseconds(6'000)}));
}

// Runs `step` until it says yes or 30 seconds are over.
template <class Step>
bool until(Step&& step) {
  const auto deadline = SteadyClock::now() + std::chrono::seconds(30);
  while (SteadyClock::now() < deadline)
    if (step()) return true;
  return false;
}

}  // namespace tocsin::bus
