// SPDX-License-Identifier: Apache-2.0
//
// Detect: the consumer group that turns events into verdicts and alerts.
//
//   raw-events -> classify -> sinks (csv, sqlite)
//              -> topics alerts, verdicts, dead-letter and offsets
//
// Each worker is one member of the group with partitions of its own. A batch's offsets are
// committed only after every output of the batch is durable, so a crash repeats work and never
// loses an event. Sinks know how far they are and leave out what they have; records and offsets are
// one transaction of the bus (publisher.h). A batch that cannot be committed is undone and read
// again from the committed offsets, without a restart.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/publisher.h"
#include "app/pipeline/rule_account.h"
#include "app/pipeline/rule_switch.h"
#include "base/result.h"
#include "core/bus/bus.h"
#include "core/trace/tracer.h"
#include "stages/store/sink.h"

namespace tocsin::pipeline {

struct DetectOptions {
  std::string raw_topic = "raw-events";
  std::string alerts_topic = "alerts";
  std::string verdicts_topic;    // empty: verdicts go to sinks only
  bool detections_only = false;  // of the verdicts on their topic: only those with a match
  std::string dead_letter_topic = "dead-letter";
  std::string group = "tocsin-detect";
  Guarantee guarantee = Guarantee::kExactlyOnce;
  // Of this process, for exactly-once: the same after a restart, and no other process's.
  std::string transactional_id = "tocsin";
  std::string instance_id;  // not empty: workers are static members of the group
  std::size_t workers = 1;  // as many as the switch has seats
  std::size_t batch_messages_max = 10'000;
  std::int64_t session_timeout_ms = 10'000;  // a silent detector's partitions go to the others then
  // Leave once this many milliseconds have passed without a message and no lag is left; 0: run for
  // ever.
  std::int64_t idle_exit_ms = 0;
};

// Counters only grow; events and what is made of them count when they are committed. Threads: read
// from anywhere while the stage runs.
struct DetectStats {
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> detections{0};
  std::atomic<std::uint64_t> alerts{0};      // that went out
  std::atomic<std::uint64_t> suppressed{0};  // alerts held back
  std::atomic<std::uint64_t> dead_letters{0};
  std::atomic<std::uint64_t> repaired{0};
  std::atomic<std::uint64_t> retries{0};  // of writes that failed and were tried again
  std::atomic<std::uint64_t> lost_partitions{
      0};                                     // batches handed to another member before the commit
  std::atomic<std::uint64_t> undone{0};       // batches that were not committed and read again
  std::atomic<std::uint64_t> lost_events{0};  // deleted from the topic before they were read
  std::atomic<UnixNanos> first_batch_at{0};   // when the first one came; 0: none did
  std::atomic<UnixNanos> last_batch_done{0};  // when the last one was committed
};

class DetectMeter;

struct DetectParts {
  bus::Bus& bus;
  RuleSwitch& rules;  // with a seat for each worker
  std::vector<store::Sink*> sinks;
  trace::Tracer& tracer;
  DetectMeter& meter;              // of as many workers
  RuleAccount* account = nullptr;  // null: nobody counts what rules do
};

// Runs until `stop` turns true (then drains the batches under way), the idle time is over, or an
// output fails for good. Creates the topics that are missing. Errors: the first failure of a
// worker.
[[nodiscard]] Status run_detect(const DetectParts& parts, const DetectOptions& options,
                                const std::atomic<bool>& stop, DetectStats& stats);

}  // namespace tocsin::pipeline
