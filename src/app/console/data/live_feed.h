// SPDX-License-Identifier: Apache-2.0
//
// LiveFeed: alerts as they come, for any number of streams: one reader of the topic, which runs
// while somebody listens.
//
//   topic alerts -> LiveFeed -> ring of rows -> next(position) for each stream
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/bus/bus.h"
#include "stages/store/search/archive.h"

namespace tocsin::console {

// Ownership: borrows bus and archive. Threads: thread-safe. Memory: the last kKept rows. An alert
// whose row cannot be found in the database is left out.
class LiveFeed {
 public:
  static constexpr std::size_t kKept = 500;
  static constexpr std::size_t kEachSecond = 50;  // more than anybody can read

  LiveFeed(bus::Bus& bus, std::string topic, const store::search::Archive& archive);
  ~LiveFeed();
  LiveFeed(const LiveFeed&) = delete;
  LiveFeed& operator=(const LiveFeed&) = delete;

  // A listener, for as long as it lives.
  class Listener {
   public:
    explicit Listener(LiveFeed& feed);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    // Rows (JSON) that came since the last call; waits up to `patience` for the first. A listener
    // that is slow misses what the ring does not hold any more.
    [[nodiscard]] std::vector<std::string> next(std::chrono::milliseconds patience);

   private:
    LiveFeed& feed_;
    std::uint64_t position_;
  };

 private:
  void run();
  void take(const bus::Batch& batch);

  bus::Bus& bus_;
  const std::string topic_;
  const store::search::Archive& archive_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> rows_;
  std::uint64_t end_ = 0;  // number of the row behind the last
  std::size_t listeners_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tocsin::console
