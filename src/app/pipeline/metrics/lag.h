// SPDX-License-Identifier: Apache-2.0
//
// Lag: where a worker stands in its partitions, from what its own consumer has seen.
//
//   bus::Consumer::positions(), batches taken and committed -> lag in messages and in seconds
//
// No broker is asked: the end of a partition is what the last fetch told.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "core/bus/bus.h"
#include "core/metrics/registry.h"

namespace tocsin::pipeline {

// Threads: the worker's, and those that scrape.
class Lag {
 public:
  // Between two batches: all that was delivered is committed.
  void look(const std::vector<bus::PartitionPosition>& positions);
  // With a batch in hand: what is new to this worker is taken from where the group was.
  void meet(const std::vector<bus::PartitionPosition>& positions);
  [[nodiscard]] bool knows(const bus::Batch& batch) const;
  // A batch is in hand.
  void taken(const bus::Batch& batch);
  void committed(UnixNanos now);
  void clear();

  [[nodiscard]] std::size_t partitions() const;
  // `more`: labels beside topic and partition.
  void answer(metrics::Answers& answers, const metrics::Labels& more = {}) const;

 private:
  struct Place {
    std::int64_t next = -1;      // first that is not committed; -1: not known
    std::int64_t end = -1;       // -1: not known
    std::int64_t reached = -1;   // behind the last message of the batch in hand
    std::int64_t oldest_ms = 0;  // of the batch in hand: its first message's time; 0: none
    std::int64_t newest_ms = 0;
    double behind_seconds = -1;  // of the last message when it was committed; -1: none yet
  };

  mutable std::mutex mutex_;
  std::map<bus::TopicPartition, Place> places_;
};

}  // namespace tocsin::pipeline
