// SPDX-License-Identifier: Apache-2.0
//
// Signal: wakes the consumers of this process the moment that a producer of this process has
// committed. Consumers of other processes look at the file every few milliseconds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin::bus::embedded {

// Threads: thread-safe.
class Signal {
 public:
  // One for each bus file and process.
  [[nodiscard]] static std::shared_ptr<Signal> of(const std::string& path);

  void notify();
  [[nodiscard]] std::uint64_t count() const;
  // Returns when notify() has been called since count() gave `seen`, or after `timeout`.
  void wait(std::uint64_t seen, std::chrono::microseconds timeout);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

}  // namespace tocsin::bus::embedded
