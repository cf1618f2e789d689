// SPDX-License-Identifier: Apache-2.0
//
// Client: one librdkafka handle with its callbacks, and the translation of its errors.
//
//   properties -> Client (rd_kafka_t) -> producer, consumer, reader, admin
//
// Nothing here or above prints the value of a property: it may be a password.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::bus::kafka {

struct Settings {
  std::string brokers;
  std::map<std::string, std::string> properties;  // the user's: they win over ours
  std::size_t message_bytes_max = 1'000'000;      // message.max.bytes

  [[nodiscard]] std::string url() const { return "kafka://" + brokers; }
  // Leaves room for key and headers.
  [[nodiscard]] std::size_t value_bytes_max() const {
    constexpr std::size_t kRoom = 16'384;
    return message_bytes_max > 2 * kRoom ? message_bytes_max - kRoom : message_bytes_max / 2;
  }
};

// Called from poll calls, in the thread that polls.
struct Hooks {
  std::function<void(const rd_kafka_message_t&)> on_delivery;
  std::function<void(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*)> on_rebalance;
  // Every line that librdkafka logs, from its own threads; nothing goes to our log then.
  std::function<void(std::string_view)> on_log = {};
};

struct ListFree {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListFree>;

// Ownership: owns the handle. Batches share it, because a message must not outlive its handle.
// Threads:   thread-safe.
class Client {
 public:
  // `ours` are the properties that the role needs.
  [[nodiscard]] static Result<std::shared_ptr<Client>> open(
      const Settings& settings, rd_kafka_type_t type,
      const std::map<std::string, std::string>& ours, Hooks hooks);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] rd_kafka_t* get() const { return handle_; }
  // From now on callbacks do nothing: whoever they belong to is going.
  void drop_hooks() { hooks_ = {}; }
  // A consumer that could not leave its group: the handle goes without trying once more.
  void abandon_group() { group_abandoned_ = true; }

  // "kafka://...: <what>: <librdkafka's words> (<the last connection error>)". When the broker did
  // not permit it, `permission` ("Write on topic raw-events") is what its ACLs lack.
  [[nodiscard]] tl::unexpected<Error> failure(rd_kafka_resp_err_t code, std::string_view what,
                                              std::string_view detail = {},
                                              std::string_view permission = {}) const;

  // Set when no broker can be reached, until one answers. May ask a broker, for at most `patience`.
  [[nodiscard]] bool is_cut_off(Milliseconds patience);
  void note_contact();
  // True when the handle will do nothing any more: only a new one helps.
  [[nodiscard]] bool is_spent() const { return rd_kafka_fatal_error(handle_, nullptr, 0) != 0; }

  // The partitions of a topic, or kNotFound.
  [[nodiscard]] Result<std::int32_t> partition_count(const std::string& topic,
                                                     Milliseconds timeout);
  // First and next offset. A change of leader is waited for, as long as `timeout`.
  [[nodiscard]] Result<PartitionInfo> watermarks(const std::string& topic, std::int32_t partition,
                                                 Milliseconds timeout);

 private:
  Client(Settings settings, Hooks hooks);
  void refresh_leaders(Milliseconds timeout);
  void renew_credentials();
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);
  static void on_error(rd_kafka_t* handle, int code, const char* reason, void* self);
  static void on_delivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* self);
  static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t* partitions, void* self);

  const Settings settings_;
  Hooks hooks_;
  rd_kafka_t* handle_ = nullptr;
  bool group_abandoned_ = false;

  mutable std::mutex mutex_;
  bool cut_off_ = false;
  std::string last_trouble_;
};

[[nodiscard]] ErrorCode code_of(rd_kafka_resp_err_t code);
// True when the broker's ACLs do not permit it: they may be mended while we wait.
[[nodiscard]] bool is_denied(rd_kafka_resp_err_t code);
// Builds a configuration and throws it away: finds what librdkafka refuses.
[[nodiscard]] Status check_properties(const Settings& settings);

}  // namespace tocsin::bus::kafka
