// SPDX-License-Identifier: Apache-2.0
//
// Tracer: takes finished spans from the pipeline and exports them aside; the pipeline never waits
// for it.
//
//   stage -> Tracer::record() -> bounded queue -> worker -> OTLP/HTTP, OTLP JSON lines, SQLite span
//   store
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace/span.h"

namespace tocsin::trace {

struct TracerOptions {
  std::string service;  // resource service.name: "tocsin-produce", "tocsin-detect"
  // Where the spans go, any number: "http://host:4318/v1/traces" or "http://host:4318" (OTLP/HTTP
  // protobuf), "FILE.db" (SQLite span store, read by `tocsin trace`), any other FILE (OTLP JSON
  // lines).
  std::vector<std::string> destinations;
  std::size_t queue_spans_max = 65'536;  // beyond it spans are dropped and counted
  std::size_t batch_spans_max = 2'048;
  std::chrono::milliseconds linger{200};
  std::chrono::milliseconds request_timeout{5'000};
  std::chrono::milliseconds retry_for{30'000};     // a batch that finds no taker is then dropped
  std::chrono::milliseconds close_timeout{3'000};  // how long the destructor waits for the rest
};

// Summed over the destinations: a span that goes to two of them counts twice.
struct TracerStats {
  std::uint64_t exported = 0;
  std::uint64_t dropped =
      0;                     // queue full, or the collector refused or stayed away past the retries
  std::uint64_t queued = 0;  // waiting or under way
};

// Ownership: owns a queue and a worker thread for each destination: a slow one does not hold back
// another. Threads:   thread-safe; record() never waits for a destination. Errors:    open() fails
// when a destination cannot be used at all (bad URL, unwritable file); a
//            collector that is away is not an error: retried with back-off, then counted as
//            dropped.
class Tracer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Tracer>> open(TracerOptions options);
  virtual ~Tracer() = default;

  // Moves the spans into the queue; all or none of them (none: they count as dropped).
  virtual void record(std::vector<Span> spans) = 0;
  // False when there is no destination: then building spans is a waste.
  [[nodiscard]] virtual bool enabled() const = 0;
  // Exports what is queued, waiting at most `timeout`; false when something is still left.
  virtual bool flush(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual TracerStats stats() const = 0;
};

}  // namespace tocsin::trace
