// SPDX-License-Identifier: Apache-2.0
//
// StoreMeter: the metrics and the health of the stage that feeds sinks from the log.
//
//   SinkMeter of each sink, Tracer -> Registry, Health
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "app/pipeline/metrics/lag.h"
#include "base/result.h"
#include "core/bus/bus.h"
#include "core/metrics/health.h"
#include "core/metrics/registry.h"
#include "core/trace/tracer.h"

namespace tocsin::pipeline {

// Ownership: borrows registry and health.
// Threads:   one thread: its sink's; but answer().
class SinkMeter {
 public:
  SinkMeter(metrics::Registry& registry, metrics::Health& health, std::string name);

  // The loop comes round; once a second it looks where the consumer stands.
  void turn(bus::Consumer& consumer);
  void poll_failed(const Error& error);
  // Before the first poll: what is needed is not there yet.
  void waits_for_bus(const Error& error) { bus_.fail(error.message); }
  void taken(bus::Consumer& consumer, const bus::Batch& batch);
  // Retention deleted these before they were read.
  void lost(std::uint64_t records) { skipped_.add(records); }
  // It counts from 0 on: an increase is seen only of what was there before.
  void may_dead_letter(std::string_view code) { dead_letters(code); }
  void dead_letter(std::string_view code) { dead_letters(code).add(); }
  void wrote(std::int64_t nanoseconds);
  // The sink waits and tries again, and is alive meanwhile.
  void write_failed(const Error& error);
  void refused_commit() { refused_commits_.add(); }
  void committed(std::size_t verdicts, std::size_t alerts, UnixNanos received, UnixNanos now);
  void rest();

  void answer(metrics::Answers& answers) const;

 private:
  metrics::Counter& dead_letters(std::string_view code);

  metrics::Registry& registry_;
  const std::string name_;
  metrics::Pulse& pulse_;
  metrics::Condition &bus_, &output_;
  metrics::Counter &verdicts_, &alerts_;
  metrics::Histogram &batch_seconds_, &write_seconds_;
  metrics::Counter &failures_, &retries_, &skipped_, &poll_errors_, &refused_commits_;
  std::map<std::string, metrics::Counter*, std::less<>> dead_letters_;
  Lag lag_;
  std::chrono::steady_clock::time_point next_look_{};
};

// Ownership: borrows registry and health, which must outlive it; whoever serves them must end
// first.
class StoreMeter {
 public:
  StoreMeter(metrics::Registry& registry, metrics::Health& health);

  // Before the endpoint is asked for the first time, or while it is not asked.
  [[nodiscard]] SinkMeter& add(const std::string& sink);
  // All sinks do.
  void wait_for_bus(const Error& error);

  // Exports all of it, until what is returned is gone.
  [[nodiscard]] metrics::Registry::Asking watch(const trace::Tracer& tracer);

 private:
  metrics::Registry& registry_;
  metrics::Health& health_;
  std::deque<SinkMeter> sinks_;
};

}  // namespace tocsin::pipeline
