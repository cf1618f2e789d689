// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/metrics/lag.h"

#include <algorithm>
#include <string>
#include <utility>

#include "app/pipeline/metrics/families.h"

namespace tocsin::pipeline {
namespace {

double seconds_since(std::int64_t timestamp_ms, UnixNanos now) {
  return std::max(0.0, static_cast<double>(now - timestamp_ms * 1'000'000) / 1e9);
}

}  // namespace

void Lag::look(const std::vector<bus::PartitionPosition>& positions) {
  const std::lock_guard lock(mutex_);
  std::map<bus::TopicPartition, Place> places;
  for (const bus::PartitionPosition& position : positions) {
    Place& place = places[position.where];
    if (const auto known = places_.find(position.where); known != places_.end())
      place = known->second;
    if (position.next >= 0) place.next = position.next;
    if (position.end >= 0) place.end = std::max(position.end, place.next);
  }
  places_ = std::move(places);
}

void Lag::meet(const std::vector<bus::PartitionPosition>& positions) {
  const std::lock_guard lock(mutex_);
  for (const bus::PartitionPosition& position : positions)
    places_.try_emplace(position.where, Place{.next = position.began, .end = position.end});
}

bool Lag::knows(const bus::Batch& batch) const {
  const std::lock_guard lock(mutex_);
  std::string_view topic;
  std::int32_t partition = -1;
  for (const bus::Message& message : batch.messages()) {
    if (message.partition == partition && message.topic == topic) continue;
    topic = message.topic;
    partition = message.partition;
    if (!places_.contains({std::string(topic), partition})) return false;
  }
  return true;
}

void Lag::taken(const bus::Batch& batch) {
  const std::lock_guard lock(mutex_);
  Place* place = nullptr;
  std::string_view topic;
  std::int32_t partition = -1;
  for (const bus::Message& message : batch.messages()) {
    if (place == nullptr || message.partition != partition || message.topic != topic) {
      topic = message.topic;
      partition = message.partition;
      place = &places_[{std::string(topic), partition}];
    }
    if (place->oldest_ms == 0) place->oldest_ms = message.timestamp_ms;
    place->newest_ms = message.timestamp_ms;
    if (place->next < 0) place->next = message.offset;
    place->reached = message.offset + 1;
    place->end = std::max(place->end, place->reached);
  }
}

void Lag::committed(UnixNanos now) {
  const std::lock_guard lock(mutex_);
  for (auto& [where, place] : places_) {
    if (place.oldest_ms == 0) continue;
    place.behind_seconds = seconds_since(place.newest_ms, now);
    place.next = std::max(place.next, std::exchange(place.reached, -1));
    place.oldest_ms = 0;
  }
}

void Lag::clear() {
  const std::lock_guard lock(mutex_);
  places_.clear();
}

std::size_t Lag::partitions() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

void Lag::answer(metrics::Answers& answers, const metrics::Labels& more) const {
  const std::lock_guard lock(mutex_);
  const UnixNanos now = now_ns();
  for (const auto& [where, place] : places_) {
    if (place.next < 0 || place.end < 0) continue;
    metrics::Labels labels = {{"topic", where.topic},
                              {"partition", std::to_string(where.partition)}};
    labels.insert(labels.end(), more.begin(), more.end());
    const std::int64_t messages = std::max<std::int64_t>(0, place.end - place.next);
    answers.add(family::kLagMessages, labels, static_cast<double>(messages));
    // Nothing of the partition was read yet: how old its messages are is not known.
    if (messages > 0 && place.oldest_ms == 0 && place.behind_seconds < 0) continue;
    double seconds = 0;
    if (place.oldest_ms != 0)
      seconds = seconds_since(place.oldest_ms, now);
    else if (messages > 0)
      seconds = place.behind_seconds;
    answers.add(family::kLagSeconds, labels, seconds);
  }
}

}  // namespace tocsin::pipeline
