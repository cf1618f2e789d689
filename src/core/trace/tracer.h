// SPDX-License-Identifier: Apache-2.0
//
// Tracer: takes finished spans from the pipeline and exports them aside; the pipeline never waits
// for it.
//
//   stage -> SpanWriter -> Tracer::record() -> bounded queue -> worker -> OTLP/HTTP, OTLP JSON
//   lines, SQLite span store
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/trace/sampling.h"
#include "core/trace/span.h"
#include "core/trace/span_writer.h"

namespace tocsin::trace {

// How an OTLP/HTTP collector is spoken to.
struct HttpOptions {
  std::vector<std::pair<std::string, std::string>> headers;  // secret: never told to anybody
  bool gzip = false;
  std::string ca_file;      // PEM; empty: the system's authorities
  std::string certificate;  // PEM of ours, for mutual TLS
  std::string key;
};

struct TracerOptions {
  std::string service;  // resource service.name: "tocsin-produce", "tocsin-detect"
  // Where the spans go, any number: "http://host:4318/v1/traces" or "http://host:4318" (OTLP/HTTP
  // protobuf), "FILE.db" (SQLite span store, read by `tocsin trace`), any other FILE (OTLP JSON
  // lines).
  std::vector<std::string> destinations;
  Sampling sampling = {};
  std::vector<Attribute> resource = {};          // attributes beside ours, or in their place
  std::vector<std::string> other_services = {};  // SpanChunk::resource 1, 2, ... are theirs
  std::size_t queue_spans_max = 65'536;     // beyond either bound spans are dropped and counted
  std::size_t queue_bytes_max = 64u << 20;  // of each destination
  std::size_t batch_spans_max = 2'048;
  HttpOptions http = {};
  std::chrono::milliseconds linger{200};
  std::chrono::milliseconds request_timeout{5'000};
  std::chrono::milliseconds retry_for{30'000};     // a batch that finds no taker is then dropped
  std::chrono::milliseconds close_timeout{3'000};  // how long the destructor waits for the rest
};

// Summed over the destinations: a span that goes to two of them counts twice.
struct TracerStats {
  std::uint64_t exported = 0;
  std::uint64_t dropped = 0;  // all that follow
  std::uint64_t queue_full = 0;
  std::uint64_t rejected = 0;  // by the collector: the whole request, or some spans of it
  std::uint64_t no_taker = 0;  // it stayed away past the retries, or past the end of the process
  std::uint64_t queued = 0;    // now: waiting, or on their way
};

// Ownership: owns a queue and a worker thread for each destination: a slow one does not hold back
//            another.
// Threads:   thread-safe; record() never waits for a destination, but takes a lock: hand over many
//            spans at once.
// Errors:    open() fails when a destination cannot be used at all (bad URL, unwritable file); a
//            collector that is away is not an error: retried with back-off, then counted as
//            dropped.
class Tracer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Tracer>> open(TracerOptions options);
  virtual ~Tracer() = default;

  // Moves the spans into the queue; all or none of them (none: they count as dropped).
  virtual void record(SpanChunk chunk) = 0;
  // For a few spans where speed does not matter.
  void record(const std::vector<Span>& spans);
  // False while every destination's queue is full: then making spans is a waste, and the stage says
  // instead how many it would have made. Costs next to nothing.
  [[nodiscard]] virtual bool has_room() const { return true; }
  virtual void count_dropped(std::size_t /*spans*/) {}
  // False when there is no destination, or sampling is off: then building spans is a waste.
  [[nodiscard]] virtual bool enabled() const = 0;
  [[nodiscard]] virtual const Sampler& sampler() const = 0;
  // Exports what is queued, waiting at most `timeout`; false when something is still left.
  virtual bool flush(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual TracerStats stats() const = 0;
};

}  // namespace tocsin::trace
