// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/slices.h"

#include <algorithm>
#include <cstring>

#include "base/uuid.h"

namespace tocsin::pipeline {
namespace {

// FNV-1a: tells a log from another of the same name by a record of it.
std::int64_t stamp_of(const bus::Message& message) {
  std::uint64_t hash = 14695981039346656037ULL ^ static_cast<std::uint64_t>(message.timestamp_ms);
  for (const char c : message.value)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::int64_t>(hash);
}

}  // namespace

// Messages of a partition come in runs.
store::Place Slices::place_of(const bus::Message& message) {
  auto slice = slices_.rbegin();
  while (slice != slices_.rend() &&
         (slice->partition != message.partition || slice->topic != message.topic))
    ++slice;
  if (slice == slices_.rend()) {
    slices_.push_back({.topic = std::string(message.topic),
                       .partition = message.partition,
                       .first = message.offset,
                       .next = message.offset + 1,
                       .stamp = stamp_of(message)});
    slice = slices_.rbegin();
    if (const auto open = open_.find({slice->topic, slice->partition}); open != open_.end()) {
      slice->since = open->second.since;
      slice->since_stamp = open->second.stamp;
    }
  }
  slice->next = message.offset + 1;
  return {static_cast<std::uint32_t>(slices_.rend() - slice - 1), message.offset};
}

void Slices::next_batch() {
  for (const store::Slice& slice : slices_)
    open_[{slice.topic, slice.partition}] = {
        .since = slice.since, .stamp = slice.since_stamp, .next = slice.next};
  slices_.clear();
}

void Slices::clear() {
  slices_.clear();
  open_.clear();
}

bus::Offsets Slices::behind() const {
  bus::Offsets offsets;
  for (const auto& [where, open] : open_) offsets[where] = open.next;
  for (const store::Slice& slice : slices_) offsets[{slice.topic, slice.partition}] = slice.next;
  return offsets;
}

bus::Offsets Slices::before() const {
  bus::Offsets offsets;
  for (const auto& [where, open] : open_) offsets[where] = open.next;
  for (const store::Slice& slice : slices_) offsets[{slice.topic, slice.partition}] = slice.first;
  return offsets;
}

void Slices::settle_before() {
  open_.clear();
  for (store::Slice& slice : slices_) {
    slice.since = slice.first;
    slice.since_stamp = slice.stamp;
  }
}

std::int64_t random_writer() {
  std::int64_t number = 0;
  const Uuid random = Uuid::random();
  std::memcpy(&number, random.bytes.data(), sizeof number);
  return number;
}

bool drained(bus::Bus& bus, const std::string& group, const std::vector<std::string>& topics) {
  const auto there = bus.topics();
  const auto groups = bus.groups();
  if (!there || !groups) return false;
  const auto wanted = [&](const std::string& name) {
    return std::find(topics.begin(), topics.end(), name) != topics.end();
  };
  std::set<bus::TopicPartition> unread;
  for (const bus::TopicInfo& topic : *there) {
    if (!wanted(topic.name)) continue;
    for (const bus::PartitionInfo& p : topic.partitions)
      if (p.end_offset > p.first_offset) unread.insert({topic.name, p.partition});
  }
  for (const bus::GroupInfo& one : *groups) {
    if (one.name != group) continue;
    for (const bus::GroupPartition& p : one.partitions)
      if (wanted(p.where.topic) && p.lag == 0) unread.erase(p.where);
  }
  return unread.empty();
}

}  // namespace tocsin::pipeline
