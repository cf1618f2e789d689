// SPDX-License-Identifier: Apache-2.0
//
// ThreadQueue: connections to threads, as many as there is work for, up to a bound. A connection
// holds its thread while it lives, and a stream lives long: a fixed handful would soon be used up.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace tocsin::console {

// Threads: thread-safe. A thread without work for ten seconds ends.
class ThreadQueue final : public httplib::TaskQueue {
 public:
  explicit ThreadQueue(std::size_t threads_max);
  void enqueue(std::function<void()> job) override;
  // Waits for all threads.
  void shutdown() override;

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable work, ended;
    std::deque<std::function<void()>> jobs;
    std::size_t threads = 0, idle = 0;
    bool stopping = false;
  };
  static void run(const std::shared_ptr<State>& state);

  const std::size_t threads_max_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tocsin::console
