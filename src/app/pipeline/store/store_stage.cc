// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/store/store_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "app/pipeline/metrics/store_meter.h"
#include "app/pipeline/store/store_worker.h"
#include "app/pipeline/topics.h"
#include "base/log.h"

namespace tocsin::pipeline {
namespace {

using bus::Milliseconds;
constexpr Milliseconds kLookEvery{20};
constexpr Milliseconds kTopicsAgain{200};

Status create_topics(const StoreParts& parts, const StoreOptions& options) {
  const auto any = [&](bool StoreSink::* wanted) {
    return std::any_of(parts.sinks.begin(), parts.sinks.end(),
                       [&](const StoreSink& sink) { return sink.*wanted; });
  };
  const auto create = [&](const std::string& name, TopicRole role) {
    return parts.bus.create_topic(name, topic_options(role));
  };
  if (any(&StoreSink::alerts)) TOCSIN_TRY_STATUS(create(options.alerts_topic, TopicRole::kAlerts));
  if (any(&StoreSink::verdicts))
    TOCSIN_TRY_STATUS(create(options.verdicts_topic, TopicRole::kVerdicts));
  return create(options.dead_letter_topic, TopicRole::kDeadLetter);
}

// False when it was told to stop first.
Result<bool> await_topics(const StoreParts& parts, const StoreOptions& options,
                          const std::atomic<bool>& stop) {
  for (bool told = false; !stop.load(std::memory_order_relaxed);) {
    const Status created = create_topics(parts, options);
    if (created) return true;
    if (created.error().code != ErrorCode::kUnavailable) return tl::unexpected(created.error());
    if (!std::exchange(told, true)) log_warning("{}; waiting for it", created.error().message);
    parts.meter.wait_for_bus(created.error());
    std::this_thread::sleep_for(kTopicsAgain);
  }
  return false;
}

}  // namespace

std::string group_of(const StoreOptions& options, const StoreSink& sink) {
  return fmt::format("{}-{}", options.group_prefix, sink.name);
}

Status run_store(const StoreParts& parts, const StoreOptions& options,
                 const std::atomic<bool>& stop, std::deque<StoreStats>& stats) {
  std::atomic<bool> stop_all{false};
  std::atomic<std::size_t> running{parts.sinks.size()};
  std::mutex mutex;
  Status first_failure;
  std::vector<SinkMeter*> meters;
  for (const StoreSink& sink : parts.sinks) meters.push_back(&parts.meter.add(sink.name));
  const auto watching = parts.meter.watch(parts.tracer);
  TOCSIN_TRY(const bool there, await_topics(parts, options, stop));
  if (!there) return {};
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < parts.sinks.size(); ++i) {
    threads.emplace_back([&, i] {
      Status status =
          StoreWorker(parts, options, parts.sinks[i], *meters[i], stop_all, stats[i]).run();
      if (!status) {
        log_error("{}: {}", parts.sinks[i].name, status.error().message);
        const std::lock_guard lock(mutex);
        if (first_failure) first_failure = std::move(status);
      }
      --running;
    });
  }
  auto cancel_at = std::chrono::steady_clock::time_point::max();
  while (running > 0) {
    if (stop && !stop_all.exchange(true))
      cancel_at = std::chrono::steady_clock::now() + Milliseconds(options.grace_ms);
    if (std::chrono::steady_clock::now() >= cancel_at)
      for (const StoreSink& sink : parts.sinks) sink.sink->cancel();
    std::this_thread::sleep_for(kLookEvery);
  }
  threads.clear();
  return first_failure;
}

}  // namespace tocsin::pipeline
