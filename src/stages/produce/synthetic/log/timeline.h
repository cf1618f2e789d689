// SPDX-License-Identifier: Apache-2.0
//
// Timeline: what is going to happen, in order. Activities write events at times ahead; the timeline
// hands them out by time and gives each its record number only then, so numbers rise per host and
// channel.
//
//   add(at, host, kind), wake(at, actor) -> pop() -> RawEvent | actor to run
#pragma once

#include <array>
#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include "core/event/raw_event.h"
#include "stages/produce/synthetic/log/kind.h"
#include "stages/produce/synthetic/world/estate.h"
#include "stages/produce/synthetic/world/rng.h"

namespace tocsin::synthetic {

// An event that waits for its time. `body` is what follows the System object.
struct Pending {
  UnixNanos time = 0;
  Host* host = nullptr;
  Kind kind = Kind::kProcessCreate;
  std::uint32_t truth = 0;
  std::uint32_t pid = 0;  // of the process that wrote the event; 0: the channel's usual one
  std::uint32_t thread = 0;
  const Account* security = nullptr;  // System.Security; null: the channel's usual one
  std::string body;
};

// Invariant: times come out in order; what is added for the past happens now.
// Threads:   one thread.
class Timeline {
 public:
  explicit Timeline(UnixNanos start);

  // The reference is good until the next add().
  Pending& add(UnixNanos at, Host& host, Kind kind);
  void wake(UnixNanos at, std::uint32_t actor);

  enum class What : std::uint8_t { kEvent, kActor };
  // The next thing that happens. For kEvent fills `event`; for kActor sets `actor`.
  What pop(RawEvent& event, std::uint32_t& actor);

  [[nodiscard]] UnixNanos now() const { return now_; }

  // Truths: 0 is benign. What is added carries the truth set last.
  std::uint32_t add_truth(Truth truth);
  void set_truth(std::uint32_t truth) { truth_ = truth; }
  [[nodiscard]] std::uint32_t truth() const { return truth_; }
  // Events added so far that belong to an attack.
  [[nodiscard]] std::uint64_t attack_events() const { return attack_events_; }

 private:
  struct Entry {
    UnixNanos time;
    std::uint64_t order;  // first added, first out
    std::uint32_t slot;   // of slots_, or an actor's number
    bool actor;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };
  void write(RawEvent& event, const Pending& pending);
  void append_time(std::string& out, UnixNanos time);

  std::array<std::string, static_cast<std::size_t>(Kind::kCount)> heads_;
  std::priority_queue<Entry, std::vector<Entry>, Later> queue_;
  std::vector<Pending> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Truth> truths_;
  Rng threads_{77};
  UnixNanos now_;
  UnixNanos written_second_ = -1;
  std::string written_time_;
  std::uint64_t order_ = 0;
  std::uint64_t attack_events_ = 0;
  std::uint32_t truth_ = 0;
};

// What every writer of events needs.
struct World {
  Estate estate;
  Timeline timeline;
  Rng rng;
};

}  // namespace tocsin::synthetic
