// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/pacer.h"

#include <algorithm>
#include <thread>

namespace tocsin::produce {
namespace {

using namespace std::chrono_literals;

constexpr UnixNanos kNewSeries = 3'600LL * 1'000'000'000;
// A producer that fell behind (a slow disk, a stopped process) does not make up for more than this.
constexpr auto kCatchUpMax = 200ms;
// Sleeping for less costs more than it evens out.
constexpr auto kWorthSleeping = 1ms;

Pacer::Clock::duration seconds(double count) {
  // A bound keeps the arithmetic of absurd gaps (a clock set wrong by years) within the clock's
  // range.
  const std::chrono::duration<double> wanted(std::min(count, 1e8));
  return std::chrono::duration_cast<Pacer::Clock::duration>(wanted);
}

}  // namespace

Pacer::Clock::time_point Pacer::due(std::optional<UnixNanos> event_time, Clock::time_point now) {
  Clock::time_point due = now;
  if (pace_.rate > 0) {
    if (!next_by_rate_ || *next_by_rate_ < now - kCatchUpMax) next_by_rate_ = now;
    due = *next_by_rate_;
    *next_by_rate_ += seconds(1 / pace_.rate);
  }
  if (pace_.speed > 0 && event_time) {
    if (!last_by_time_ || *event_time < latest_event_ - kNewSeries) {
      last_by_time_ = now;
      latest_event_ = *event_time;
    } else if (*event_time > latest_event_) {
      const double gap = static_cast<double>(*event_time - latest_event_) / 1e9;
      *last_by_time_ += seconds(gap / pace_.speed);
      latest_event_ = *event_time;
    }
    due = std::max(due, *last_by_time_);
  }
  return due;
}

bool wait_until(Pacer::Clock::time_point due, const std::function<bool()>& stop) {
  for (;;) {
    const auto left = due - Pacer::Clock::now();
    if (left < kWorthSleeping) return true;
    if (stop && stop()) return false;
    std::this_thread::sleep_for(std::min<Pacer::Clock::duration>(left, 50ms));
  }
}

}  // namespace tocsin::produce
