// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/leave.h"

#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"

namespace tocsin::bus::kafka {
namespace {

constexpr Milliseconds kGoneFor{1'000};

}  // namespace

void let_go(std::shared_ptr<Client> client) {
  const auto done = std::make_shared<std::promise<void>>();
  const std::future<void> gone = done->get_future();
  std::thread([client = std::move(client), done]() mutable {
    client.reset();
    done->set_value();
  }).detach();
  if (gone.wait_for(kGoneFor) != std::future_status::ready)
    log_debug("bus: a consumer that cannot be closed stays behind");
}

void keep_until_the_end(std::shared_ptr<Client> client) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<Client>>;
  rd_kafka_set_log_level(client->get(), 0);
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(client));
}

void answer_unheard(rd_kafka_t* handle) {
  rd_kafka_topic_partition_list_t* const none = rd_kafka_topic_partition_list_new(0);
  for (rd_kafka_error_t* const error :
       {rd_kafka_incremental_assign(handle, none), rd_kafka_incremental_unassign(handle, none)}) {
    if (error == nullptr) continue;
    log_debug("bus: leaving a group: {}", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
  }
  rd_kafka_topic_partition_list_destroy(none);
}

}  // namespace tocsin::bus::kafka
