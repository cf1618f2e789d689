// SPDX-License-Identifier: Apache-2.0
//
// Slices: which offsets of which partitions a batch consists of, for sinks that keep positions, and
// those that are committed together, for the commit.
//
//   bus::Message... -> Slices::place_of() -> store::Slice, store::Place;  next_batch()... clear()
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/bus/bus.h"
#include "stages/store/sink.h"

namespace tocsin::pipeline {

// Threads: one thread.
class Slices {
 public:
  // Messages of a partition come in order.
  [[nodiscard]] store::Place place_of(const bus::Message& message);
  // The next message begins a batch that is committed together with those before.
  void next_batch();
  // All was committed, or undone.
  void clear();

  [[nodiscard]] std::span<const store::Slice> all() const { return slices_; }
  [[nodiscard]] const store::Slice& of(const store::Place& place) const {
    return slices_[place.slice];
  }
  // Where each partition of all these batches goes on behind the last of them, and where it stood
  // before that one.
  [[nodiscard]] bus::Offsets behind() const;
  [[nodiscard]] bus::Offsets before() const;
  // Everything before the batch was committed.
  void settle_before();

 private:
  // A partition since the last commit.
  struct Open {
    std::int64_t since = 0;
    std::int64_t stamp = 0;
    std::int64_t next = 0;  // behind the batches before this one
  };
  std::vector<store::Slice> slices_;
  std::map<bus::TopicPartition, Open> open_;
};

// A number that no other writer has: who this is to the sinks.
[[nodiscard]] std::int64_t random_writer();

// Whether the group has nothing left to read of these topics. A group that has not committed
// anything yet is not in the list, or without the partition: then all of the partition is left. On
// an error false.
[[nodiscard]] bool drained(bus::Bus& bus, const std::string& group,
                           const std::vector<std::string>& topics);

}  // namespace tocsin::pipeline
