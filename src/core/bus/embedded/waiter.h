// SPDX-License-Identifier: Apache-2.0
//
// Waiter: how a poll waits for a commit: at once for one of this process, within 1 to 8 ms for one
// of another.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/result.h"
#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/signal.h"

namespace tocsin::bus::embedded {

// Threads: one thread.
class Waiter {
 public:
  using Clock = std::chrono::steady_clock;

  Waiter(std::shared_ptr<Signal> signal, std::chrono::milliseconds timeout)
      : signal_(std::move(signal)), deadline_(Clock::now() + timeout), seen_(signal_->count()) {}

  // Waits until something was committed by another connection; false when the time is over.
  [[nodiscard]] Result<bool> wait(Database& database) {
    TOCSIN_TRY(const std::int64_t version, database.data_version());
    std::chrono::microseconds pause{500};
    while (Clock::now() < deadline_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::microseconds>(deadline_ - Clock::now());
      signal_->wait(seen_, std::clamp(left, std::chrono::microseconds{0}, pause));
      const std::uint64_t count = signal_->count();
      TOCSIN_TRY(const std::int64_t now, database.data_version());
      if (count != seen_ || now != version) {
        seen_ = count;
        return true;
      }
      pause = std::min(pause * 2, std::chrono::microseconds{8'000});
    }
    return false;
  }

 private:
  std::shared_ptr<Signal> signal_;
  Clock::time_point deadline_;
  std::uint64_t seen_;
};

}  // namespace tocsin::bus::embedded
