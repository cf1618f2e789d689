// SPDX-License-Identifier: Apache-2.0
//
// Health: whether the loops of a process turn, and whether it can do its work.
//
//   worker -> Pulse::turn(), Condition::meet(), fail() -> Health::stalled(), unmet() -> /healthz,
//   /readyz
//
// The two answers are for different hands: a process that is not healthy should be restarted, one
// that is not ready should be left alone until what it waits for is back.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::metrics {

// A loop that must come round. Watched from its first turn() until rest().
// Threads: one thread turns, any may read.
class Pulse {
 public:
  explicit Pulse(std::string name) : name_(std::move(name)) {}

  void turn();
  // The loop has ended, or waits for something that may take for ever.
  void rest() { last_.store(0, std::memory_order_relaxed); }

  [[nodiscard]] const std::string& name() const { return name_; }
  // Since the last turn; nothing when it is not watched.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> age() const;

 private:
  const std::string name_;
  std::atomic<std::int64_t> last_{0};  // of the steady clock; 0: not watched
};

// Something that must be so before the process is ready. Not met at first.
// Threads: thread-safe. meet() of what is met already, and fail() with the reason told last, are
// cheap enough for each batch.
class Condition {
 public:
  explicit Condition(std::string reason) : reason_(std::move(reason)) {}

  void meet();
  void fail(const std::string& reason);

  // Why it is not met, and since when.
  struct Unmet {
    std::string reason;
    std::chrono::seconds since;
  };
  [[nodiscard]] std::optional<Unmet> unmet() const;

 private:
  std::atomic<bool> met_{false};
  mutable std::mutex mutex_;
  std::string reason_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// Ownership: owns pulses and conditions, which live as long as it does; borrows what checks look
// at. Threads:   thread-safe.
class Health {
 public:
  // A loop that has not come round for `stall` is stalled.
  explicit Health(std::chrono::milliseconds stall) : stall_(stall) {}
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  [[nodiscard]] Pulse& pulse(std::string name);
  // `reason`: why it is not met at first ("the rules are being loaded").
  [[nodiscard]] Condition& condition(std::string reason);

  // `why` says why the process is not ready, or nothing; asked at each unmet(), from its thread.
  void check(std::function<std::string()> why);

  // One line for each loop that is stalled; none: the process is alive.
  [[nodiscard]] std::vector<std::string> stalled() const;
  // One line for each condition that is not met, check that fails and loop that is stalled; none:
  // ready.
  [[nodiscard]] std::vector<std::string> unmet() const;

 private:
  const std::chrono::milliseconds stall_;
  mutable std::mutex mutex_;
  std::deque<Pulse> pulses_;
  std::deque<Condition> conditions_;
  std::vector<std::function<std::string()>> checks_;
};

}  // namespace tocsin::metrics
