// SPDX-License-Identifier: Apache-2.0
//
// The topics of the pipeline, and how each is made when it is missing.
#pragma once

#include <cstdint>

#include "core/bus/bus.h"

namespace tocsin::pipeline {

enum class TopicRole : std::uint8_t { kRawEvents, kAlerts, kVerdicts, kDeadLetter };

// Events and their verdicts are many and are kept for a week; alerts and dead letters are few and
// somebody has to look at them: a month. On Kafka a record is on up to three brokers, and on all
// but one of these before it is acknowledged.
[[nodiscard]] inline bus::TopicOptions topic_options(TopicRole role) {
  constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
  bus::TopicOptions options;
  options.replication = 0;
  options.min_insync_replicas = 0;
  const bool many = role == TopicRole::kRawEvents || role == TopicRole::kVerdicts;
  options.retention_ms = (many ? 7 : 30) * kDayMs;
  if (role == TopicRole::kDeadLetter) options.partitions = 1;
  return options;
}

}  // namespace tocsin::pipeline
