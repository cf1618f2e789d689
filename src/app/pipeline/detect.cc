// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect.h"

#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "app/pipeline/detect_worker.h"
#include "app/pipeline/metrics/detect_meter.h"
#include "app/pipeline/topics.h"
#include "base/check.h"
#include "base/log.h"

namespace tocsin::pipeline {
namespace {

using bus::Milliseconds;

constexpr Milliseconds kTopicsPause{200};

Status create_topics(bus::Bus& bus, const DetectOptions& options) {
  const auto create = [&](const std::string& name, TopicRole role) {
    return bus.create_topic(name, topic_options(role));
  };
  TOCSIN_TRY_STATUS(create(options.raw_topic, TopicRole::kRawEvents));
  TOCSIN_TRY_STATUS(create(options.alerts_topic, TopicRole::kAlerts));
  if (!options.verdicts_topic.empty())
    TOCSIN_TRY_STATUS(create(options.verdicts_topic, TopicRole::kVerdicts));
  return create(options.dead_letter_topic, TopicRole::kDeadLetter);
}

}  // namespace

Status run_detect(const DetectParts& parts, const DetectOptions& options,
                  const std::atomic<bool>& stop, DetectStats& stats) {
  TOCSIN_CHECK(parts.rules.workers() == options.workers);
  for (bool told = false;;) {
    Status created = create_topics(parts.bus, options);
    if (created) break;
    if (created.error().code != ErrorCode::kUnavailable) return created;
    if (!std::exchange(told, true)) log_warning("{}; waiting for it", created.error().message);
    parts.meter.wait_for_bus(created.error());
    if (stop.load(std::memory_order_relaxed)) return {};
    std::this_thread::sleep_for(kTopicsPause);
  }
  std::atomic<bool> stop_all{false};
  std::mutex mutex;
  Status first_failure;
  std::vector<std::jthread> threads;
  std::atomic<std::size_t> running{options.workers};
  for (std::size_t i = 0; i < options.workers; ++i) {
    threads.emplace_back([&, i] {
      Status status = run_detect_worker(parts, options, stop_all, stats, i);
      if (!status) {
        const std::lock_guard lock(mutex);
        if (first_failure) first_failure = std::move(status);
        stop_all = true;
      }
      --running;
    });
  }
  while (running > 0) {
    if (stop) stop_all = true;
    std::this_thread::sleep_for(Milliseconds(20));
  }
  threads.clear();
  return first_failure;
}

}  // namespace tocsin::pipeline
