// SPDX-License-Identifier: Apache-2.0
//
// Store: feeds sinks from the log, each by itself.
//
//   topics alerts, verdicts -> group tocsin-store-NAME -> sink NAME -> commit of its offsets
//                                      `-> what cannot be read, or is refused -> dead-letter
//
// A sink is a thread and a consumer group of its own, so it has a position of its own: one that
// fails, or is slow, holds up nobody; its lag grows, and shrinks when it is back.
// Offsets are committed after a batch is durable in the sink. What comes again after a crash is
// left out by sinks with positions, and overwritten or refused by id by the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/trace/tracer.h"
#include "stages/store/sink.h"

namespace tocsin::pipeline {

class StoreMeter;

struct StoreSink {
  std::string name;  // "opensearch": of the group and of metrics
  std::unique_ptr<store::Sink> sink;
  bool alerts = true;  // which topics it reads
  bool verdicts = true;
};

struct StoreOptions {
  std::string alerts_topic = "alerts";
  std::string verdicts_topic = "verdicts";
  std::string dead_letter_topic = "dead-letter";
  std::string group_prefix = "tocsin-store";  // a sink's group is PREFIX-NAME
  std::string instance_id;                    // not empty: static members of their groups
  std::size_t batch_messages_max = 2'000;
  std::int64_t session_timeout_ms = 10'000;
  // Leave once this many milliseconds have passed without a message and no lag is left; 0: run for
  // ever.
  std::int64_t idle_exit_ms = 0;
  // How long a batch under way may still try when the stage is told to stop.
  std::int64_t grace_ms = 10'000;
};

// Of one sink; they count when they are committed. Threads: read from anywhere.
struct StoreStats {
  std::string sink;
  std::atomic<std::uint64_t> verdicts{0};
  std::atomic<std::uint64_t> alerts{0};
  std::atomic<std::uint64_t> dead_letters{0};
  std::atomic<std::uint64_t> retries{0};  // of batches that failed
  std::atomic<std::uint64_t> undone{0};   // batches that another member took over
  std::atomic<std::uint64_t> lost{0};     // records that were deleted before they were read
};

struct StoreParts {
  bus::Bus& bus;
  std::vector<StoreSink>& sinks;
  trace::Tracer& tracer;
  StoreMeter& meter;
};

[[nodiscard]] std::string group_of(const StoreOptions& options, const StoreSink& sink);

// Runs until `stop` turns true (then the batches under way are finished) or the idle time is over.
// Makes the topics that are missing. `stats`: one for each sink, in their order.
// Errors: the first failure of the bus that no retry mends, or a batch that was given up because
// the stage was told to stop; it comes again.
[[nodiscard]] Status run_store(const StoreParts& parts, const StoreOptions& options,
                               const std::atomic<bool>& stop, std::deque<StoreStats>& stats);

}  // namespace tocsin::pipeline
