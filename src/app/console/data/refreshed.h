// SPDX-License-Identifier: Apache-2.0
//
// Refreshed<T>: a value that takes long to make, kept and made anew in a thread of its own. Whoever
// asks gets the last one at once; only the first has to wait, and the first after a long pause.
//
//   get() -> the last value;  too old -> the thread makes the next
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/result.h"

namespace tocsin::console {

// Threads: thread-safe; `make` is called from one thread, and only while somebody asks.
// Errors:  the last value wins over a later failure; without a value the failure is told, and each
//          call tries again.
template <class T>
class Refreshed {
 public:
  Refreshed(std::function<Result<T>()> make, std::chrono::milliseconds kept)
      : make_(std::move(make)), kept_(kept), thread_([this] { run(); }) {}
  ~Refreshed() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Refreshed(const Refreshed&) = delete;
  Refreshed& operator=(const Refreshed&) = delete;

  [[nodiscard]] Result<T> get() const {
    std::unique_lock lock(mutex_);
    const auto age = value_ ? Clock::now() - made_ : Clock::duration::max();
    if (age < kept_) return *value_;
    wanted_ = true;
    const std::uint64_t before = tries_;
    changed_.notify_all();
    // What nobody has asked for in a while would be told as if it were new.
    const bool too_old = age > kTooOld * kept_;
    if (too_old) changed_.wait(lock, [&] { return tries_ != before || stopping_; });
    if (value_) return *value_;
    if (trouble_) return tl::unexpected<Error>(*trouble_);
    return fail(ErrorCode::kUnavailable, "the console is stopping");
  }

  // Without waiting: empty while there is none, or only one that is much too old.
  [[nodiscard]] std::optional<T> known() const {
    const std::lock_guard lock(mutex_);
    const auto age = value_ ? Clock::now() - made_ : Clock::duration::max();
    if (age >= kept_) {
      wanted_ = true;
      changed_.notify_all();
    }
    return age > kTooOld * kept_ ? std::nullopt : value_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int kTooOld = 4;

  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (!wanted_) {
        changed_.wait(lock);
        continue;
      }
      lock.unlock();
      Result<T> made = make_();
      lock.lock();
      wanted_ = false;
      ++tries_;
      if (made) {
        value_ = *std::move(made);
        made_ = Clock::now();
      } else {
        trouble_ = made.error();
      }
      changed_.notify_all();
    }
  }

  const std::function<Result<T>()> make_;
  const std::chrono::milliseconds kept_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<T> value_;
  std::optional<Error> trouble_;
  Clock::time_point made_{};
  std::uint64_t tries_ = 0;
  mutable bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tocsin::console
