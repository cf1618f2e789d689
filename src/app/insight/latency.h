// SPDX-License-Identifier: Apache-2.0
//
// Where the time of events goes: percentiles of each step, of the wait in the topic and in the
// batch, and which of them is the bottleneck.
//
//   spans -> LatencyCollector -> Latency -> a table, JSON
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/trace/span_store.h"

namespace tocsin::insight {

struct LatencyRow {
  std::string step;     // "send raw-events", "(waiting in topic)"
  std::string service;  // empty for waits and the whole
  std::size_t count = 0;
  std::int64_t p50 = 0, p95 = 0, p99 = 0, max = 0;  // nanoseconds; exact, of all spans read
  double share = -1;  // of the time from reading to durable; -1: not a part of it
};

struct Latency {
  std::vector<LatencyRow> rows;  // in the order of an event's life
  std::size_t traces = 0;        // with both the producer's and the detector's part
  std::string bottleneck;        // a row's step; empty without such traces
  std::string advice;
};

// Takes spans in any order; those of one trace belong together whenever they come.
class LatencyCollector {
 public:
  void add(const trace::SpanTimes& span);
  [[nodiscard]] Latency result() const;

 private:
  struct Event {  // of one trace; 0: not seen
    UnixNanos read = 0, sent = 0, acknowledged = 0, received = 0, done = 0;
    std::int64_t classify = 0, writes = 0;
  };
  struct Step {
    std::string service;
    std::vector<std::int64_t> durations;
  };
  struct HashTrace {
    std::size_t operator()(const trace::TraceId& id) const;
  };

  std::map<std::string, Step> steps_;
  std::unordered_map<trace::TraceId, Event, HashTrace> events_;
};

}  // namespace tocsin::insight
