// SPDX-License-Identifier: Apache-2.0
//
// Lane: the bounded queue and the worker thread of one destination.
//
//   Tracer::record() -> Lane::put() -> worker: batch, send, retry with back-off -> Exporter
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "core/trace/exporter.h"
#include "core/trace/tracer.h"

namespace tocsin::trace {

using Chunk = std::shared_ptr<const SpanChunk>;  // what one record() brought; lanes share it

// Ownership: owns the exporter and the thread.
// Threads:   thread-safe; put() holds a lock only for a push onto a deque.
// When full: put() refuses the whole chunk, and counts it.
// Invariant: waiting + in flight <= queue_spans_max, queue_bytes_max; every span put ends as
//            exported or as dropped.
class Lane {
 public:
  Lane(std::unique_ptr<Exporter> exporter, const TracerOptions& options);
  // Stops the worker soon; what is left counts as dropped. flush() first.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void put(const Chunk& chunk);
  // False from the first chunk that found the queue full until a quarter of it is free.
  [[nodiscard]] bool has_room() const { return !full_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool flush(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] TracerStats stats() const;

 private:
  using Clock = std::chrono::steady_clock;

  void work();
  // Waits for a batch; false when stopping.
  bool take(std::vector<Chunk>& batch);
  void deliver(ChunkRefs chunks);
  struct Fate {
    std::size_t exported = 0, rejected = 0, no_taker = 0;
  };
  void settle(const Fate& fate);
  // False when the time is up or the lane stops.
  void pause_after_refusals();
  bool wait_before_retry(int attempt, std::chrono::milliseconds asked, Clock::time_point give_up);
  void warn(const char* what, const std::string& reason);
  void recovered();

  const std::unique_ptr<Exporter> exporter_;
  const TracerOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;  // the worker: something to do
  std::condition_variable idle_;  // flush(): something was settled
  std::deque<Chunk> waiting_;
  std::size_t waiting_spans_ = 0;
  std::size_t in_flight_ = 0;   // spans
  std::size_t bytes_held_ = 0;  // of both
  Clock::time_point oldest_;    // when the first of waiting_ came
  std::atomic<bool> full_{false};
  int flushing_ = 0;
  bool stopping_ = false;
  TracerStats stats_;

  // The worker's own.
  std::minstd_rand jitter_;
  bool troubled_ = false;
  int refusals_ = 0;  // in a row
  Clock::time_point warned_at_{};

  std::thread worker_;  // last: starts when all else is there
};

}  // namespace tocsin::trace
