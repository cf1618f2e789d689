// SPDX-License-Identifier: Apache-2.0
//
// The producer stage: every event of a source becomes one record of raw-events, every problem one
// of dead-letter.
//
//   Source -> publish() -> raw-events (key: host; headers: event_id, traceparent, source,
//   content-type, ...)
//                       -> dead-letter (what is not an event: original bytes, error.*, origin)
//                       -> spans produce_event > send raw-events
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/spool/spooled_producer.h"
#include "core/metrics/cells.h"
#include "core/trace/tracer.h"
#include "stages/produce/pacer.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

struct PublishStats {
  std::uint64_t read = 0;          // events that the source gave
  std::uint64_t sent = 0;          // handed to the bus
  std::uint64_t acknowledged = 0;  // durable
  std::uint64_t failed = 0;        // refused by the bus, or not acknowledged in time
  std::uint64_t spooled = 0;       // of this run, on this machine's disk and not on the bus yet
  std::uint64_t recovered = 0;     // of earlier runs, delivered from the spool now
  std::uint64_t problems = 0;      // in the input, each in dead-letter
  std::uint64_t unreadable = 0;    // of these: files that could not be read
  std::uint64_t skipped = 0;       // files that are no logs
  std::uint64_t bytes = 0;         // of the events sent
  double seconds = 0;
  SourceProgress source;
  bus::spool::SpooledProducerStats spool;
  bool stopped = false;  // by the stop flag, before the end of the source

  [[nodiscard]] double rate() const {
    return seconds > 0 ? static_cast<double>(sent) / seconds : 0;
  }
};

// Live numbers of a run, for whoever watches it from another thread. What publish() does not know
// is who exports them.
struct PublishCells {
  metrics::Counter &read, &bytes;  // of events
  metrics::Counter& acknowledged;
  metrics::Counter &failed, &refused;   // records not stored: as the bus told later, and at once
  metrics::Histogram& send_seconds;     // from send() to the acknowledgement
  metrics::Counter sent{}, answered{};  // of events: given to the bus, and either of the above
};

struct PublishOptions {
  std::string topic = "raw-events";
  std::string dead_letter_topic = "dead-letter";
  Pace pace;
  std::uint64_t count = 0;  // stop after so many events; 0: no bound
  // Where events wait while the bus is away, and how much of the disk they may take. Without it the
  // bus's own producer is used, which waits.
  std::optional<bus::spool::SpoolOptions> spool;
  // With `spool` (which may have an empty folder: nothing on disk): done before anything is sent,
  // until it succeeds.
  std::function<Status()> prepare;
  std::string compression = "lz4";  // of Kafka's batches
  bool loop = false;  // start the source anew at its end; the same events have the same ids
  std::chrono::milliseconds flush_timeout{30'000};
  std::function<bool()> stop;                            // asked between events
  std::function<void(const PublishStats&)> on_progress;  // some ten times a second
  std::function<void(const Problem&)> on_problem;        // told to people
  PublishCells* cells = nullptr;                         // counted in as well
};

using OpenSource = std::function<Result<std::unique_ptr<Source>>()>;

// Runs until the source ends, `count` is reached or `stop` says so; then waits until everything
// sent is durable, on the bus or in the spool. Fails when the source or the producer cannot be
// opened; what fails later is in the figures. A record is never dropped: when the bus takes no
// more, reading waits.
[[nodiscard]] Result<PublishStats> publish(const OpenSource& open_source, bus::Bus& bus,
                                           trace::Tracer& tracer, PublishOptions options);

}  // namespace tocsin::produce
