// SPDX-License-Identifier: Apache-2.0
//
// WorkerMeter: what one worker of a detector counts, and what its health depends on.
//
//   the steps of a batch -> cells of this worker -> Registry; pulse and conditions -> Health
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "app/pipeline/metrics/lag.h"
#include "base/result.h"
#include "core/bus/bus.h"
#include "core/event/level.h"
#include "core/metrics/health.h"
#include "core/metrics/registry.h"
#include "core/trace/span.h"
#include "stages/match/engine.h"

namespace tocsin::pipeline {

// Ownership: borrows registry and health.
// Threads:   one thread: its worker's; but answer() and partitions().
// Cost:      classified() and settled(), once an event: a few stores each. The rest once a batch.
class WorkerMeter {
 public:
  WorkerMeter(metrics::Registry& registry, metrics::Health& health, std::size_t number);

  // The loop comes round; once a second it looks where the consumer stands.
  // `unacknowledged`: records handed to the bus.
  void turn(bus::Consumer& consumer, std::size_t unacknowledged);
  void poll_failed(const Error& error);
  // Before the first poll: what is needed is not there yet.
  void waits_for_bus(const Error& error) { bus_.fail(error.message); }
  // A poll came back, perhaps empty.
  void taken(bus::Consumer& consumer, const bus::Batch& batch, UnixNanos received);

  // Retention deleted these before this worker had read them.
  void lost(std::uint64_t records) { skipped_.add(records); }

  void classified(std::int64_t nanoseconds) {
    classify_seconds_.observe(static_cast<double>(nanoseconds) * 1e-9);
  }
  // It counts from 0 on: an increase is seen only of what was there before.
  void may_dead_letter(std::string_view code) { dead_letters(code); }
  void dead_letter(std::string_view code) { dead_letters(code).add(); }
  void matched(Level level, bool alert) { matches_[static_cast<std::size_t>(level)][alert]->add(); }

  void wrote(std::string_view output, std::int64_t nanoseconds);
  // The worker waits and tries again, and is alive meanwhile; else it gives up.
  void write_failed(std::string_view output, const Error& error, bool again);

  // The event's outputs are durable. `trace` becomes an exemplar; null: nobody keeps it.
  void settled(const bus::Message& message, const trace::TraceId* trace, UnixNanos done);
  // The batch is committed.
  void committed(UnixNanos received, UnixNanos now);
  void remembered(const match::Matcher::MemoUse& use);

  // This worker will not work: nothing is to be heard from it.
  void excuse();
  // The worker has left the group.
  void rest();

  void answer(metrics::Answers& answers) const { lag_.answer(answers); }
  [[nodiscard]] std::size_t partitions() const { return lag_.partitions(); }
  // Since when the bus answers and gives no partitions, or before that; nothing while it is away.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> idle_since() const;

 private:
  struct Output {
    metrics::Histogram& seconds;
    metrics::Counter& failures;
    metrics::Counter& retries;
  };
  Output& output_of(std::string_view name);
  metrics::Counter& dead_letters(std::string_view code);
  metrics::Counter& memo(const char* name, const char* result);

  metrics::Registry& registry_;
  const std::string name_;  // "worker 1"
  metrics::Pulse& pulse_;
  metrics::Condition& bus_;
  metrics::Condition& outputs_;
  metrics::Histogram &classify_seconds_, &batch_seconds_, &wait_seconds_, &latency_seconds_;
  metrics::Counter &skipped_, &poll_errors_;
  metrics::Gauge& queue_;
  metrics::Counter* matches_[5][2];  // by level; suppressed, alert
  metrics::Counter &value_hits_, &value_misses_, &outcome_hits_, &outcome_misses_;
  match::Matcher::MemoUse memo_before_;
  std::map<std::string, Output, std::less<>> outputs_by_name_;
  std::map<std::string, metrics::Counter*, std::less<>> dead_letters_;
  Lag lag_;
  std::chrono::steady_clock::time_point next_look_{};
  std::atomic<std::int64_t> idle_since_{0};  // of the steady clock; 0: the bus is away
};

}  // namespace tocsin::pipeline
