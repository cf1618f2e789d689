// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/positions.h"

#include <algorithm>
#include <utility>

namespace tocsin::bus::kafka {

void Positions::assign(const TopicPartition& where) {
  last_topic_ = nullptr;
  tracks_[where] = {};
}

void Positions::revoke(const TopicPartition& where) {
  last_topic_ = nullptr;
  tracks_.erase(where);
}

void Positions::clear() {
  last_topic_ = nullptr;
  tracks_.clear();
}

std::vector<TopicPartition> Positions::owned() const {
  std::vector<TopicPartition> list;
  list.reserve(tracks_.size());
  for (const auto& [where, track] : tracks_) list.push_back(where);
  return list;
}

Positions::Track* Positions::find(const rd_kafka_message_t& message) {
  if (last_topic_ == message.rkt && last_partition_ == message.partition) return last_track_;
  const auto found = tracks_.find({rd_kafka_topic_name(message.rkt), message.partition});
  last_topic_ = message.rkt;
  last_partition_ = message.partition;
  last_track_ = found == tracks_.end() ? nullptr : &found->second;
  return last_track_;
}

bool Positions::accept(const rd_kafka_message_t& message) {
  Track* const track = find(message);
  if (track == nullptr || message.offset < track->next) return false;
  if (track->awaited >= 0 && message.offset != track->awaited) return false;
  track->awaited = kNone;
  if (message.offset >= track->end) track->end = kNone;
  track->next = message.offset + 1;
  if (track->undone != kNone) return true;
  track->undone = message.offset;
  track->exact = true;
  return true;
}

// Told while what lies before it may still be in the caller's hands.
void Positions::end_reached(const TopicPartition& where, std::int64_t offset) {
  const auto found = tracks_.find(where);
  if (found != tracks_.end()) found->second.end = offset;
}

Offsets Positions::ended() {
  Offsets ends;
  for (auto& [where, track] : tracks_) {
    if (track.end == kNone || track.undone != kNone || track.awaited != kNone) continue;
    const std::int64_t end = std::exchange(track.end, kNone);
    // An empty partition has no end to commit.
    if (end <= std::max({track.next, track.committed, std::int64_t{0}})) continue;
    track.committed = end;
    // Before the first message: reading began where the group was, and came to the end without any.
    if (track.next == kNone) track.next = end;
    ends[where] = end;
  }
  return ends;
}

std::optional<std::int64_t> Positions::next(const TopicPartition& where) const {
  const auto found = tracks_.find(where);
  if (found == tracks_.end() || found->second.next == kNone) return std::nullopt;
  return std::max(found->second.next, found->second.committed);
}

bool Positions::is_at(const TopicPartition& where, std::int64_t end) const {
  const auto found = tracks_.find(where);
  return found != tracks_.end() && found->second.committed == end &&
         found->second.undone == kNone && found->second.awaited == kNone;
}

void Positions::commit(const Offsets& offsets) {
  for (const auto& [where, offset] : offsets) {
    const auto found = tracks_.find(where);
    if (found == tracks_.end()) continue;
    Track& track = found->second;
    track.committed = std::max(track.committed, offset);
    if (track.undone == kNone || track.undone >= offset) continue;
    track.undone = offset < track.next ? offset : kNone;
    track.exact = false;
  }
}

std::optional<std::int64_t> Positions::first_undone(const TopicPartition& where) const {
  const auto found = tracks_.find(where);
  if (found == tracks_.end() || found->second.undone == kNone) return std::nullopt;
  return found->second.undone;
}

void Positions::rewind(const TopicPartition& where, std::int64_t offset) {
  const auto found = tracks_.find(where);
  if (found == tracks_.end()) return;
  Track& track = found->second;
  // A commit whose answer was lost may have done some of it, or all.
  const bool more = track.undone != kNone && track.undone >= offset;
  const std::int64_t awaited = !more ? kNone : track.exact ? track.undone : kAny;
  track = {};
  track.next = track.committed = offset;
  track.awaited = awaited;
}

void Positions::jump(const TopicPartition& where, std::int64_t offset) {
  const auto found = tracks_.find(where);
  if (found != tracks_.end()) {
    found->second = {};
    found->second.next = offset;
  }
}

}  // namespace tocsin::bus::kafka
