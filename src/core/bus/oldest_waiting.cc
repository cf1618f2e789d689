// SPDX-License-Identifier: Apache-2.0
#include "core/bus/oldest_waiting.h"

#include <map>

namespace tocsin::bus {
namespace {

// What is asked at once: one offset of each partition.
struct Round {
  Offsets asked;
  Offsets times;
};

// The round that asks for this offset, or can.
Round& round_for(std::vector<Round>& rounds, const TopicPartition& where, std::int64_t offset) {
  for (Round& round : rounds)
    if (round.asked.try_emplace(where, offset).first->second == offset) return round;
  rounds.emplace_back().asked.emplace(where, offset);
  return rounds.back();
}

std::int64_t next_of(const GroupPartition& partition) {
  return partition.end_offset - partition.lag;
}

}  // namespace

Result<std::vector<Offsets>> oldest_waiting(Bus& bus, const std::vector<GroupInfo>& groups) {
  std::vector<Round> rounds;
  for (const GroupInfo& group : groups)
    for (const GroupPartition& p : group.partitions)
      if (p.lag > 0) round_for(rounds, p.where, next_of(p));
  for (Round& round : rounds) {
    TOCSIN_TRY(round.times, bus.timestamps_at(round.asked));
  }
  std::vector<Offsets> all;
  for (const GroupInfo& group : groups) {
    Offsets& times = all.emplace_back();
    for (const GroupPartition& p : group.partitions) {
      if (p.lag <= 0) continue;
      const Round& round = round_for(rounds, p.where, next_of(p));
      if (const auto found = round.times.find(p.where); found != round.times.end())
        times[p.where] = found->second;
    }
  }
  return all;
}

}  // namespace tocsin::bus
