// SPDX-License-Identifier: Apache-2.0
//
// Pacer: when the next event may go: so many a second, or as far apart as the events themselves
// were.
//
//   --rate, --speed, event time -> Pacer -> wait
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace tocsin::produce {

struct Pace {
  double rate = 0;   // events a second; 0: no bound
  double speed = 0;  // 1: as in real time; 60: an hour in a minute; 0: at once
};

// Threads: one thread.
class Pacer {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Pacer(Pace pace) : pace_(pace) {}

  // When an event that happened at `event_time` may go, if the clock says `now`. Events without a
  // time and those that step back in time go at once; a step back by more than an hour starts a new
  // series.
  [[nodiscard]] Clock::time_point due(std::optional<UnixNanos> event_time, Clock::time_point now);

  [[nodiscard]] bool reads_event_time() const { return pace_.speed > 0; }
  [[nodiscard]] bool active() const { return pace_.rate > 0 || pace_.speed > 0; }

 private:
  const Pace pace_;
  std::optional<Clock::time_point> next_by_rate_;
  std::optional<Clock::time_point> last_by_time_;
  UnixNanos latest_event_ = 0;
};

// False when `stop` turned true before `due`.
bool wait_until(Pacer::Clock::time_point due, const std::function<bool()>& stop);

}  // namespace tocsin::produce
