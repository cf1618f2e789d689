// SPDX-License-Identifier: Apache-2.0
//
// InFlight: the events handed to the bus and not yet acknowledged, and the spans that end with
// that.
//
//   publish() -> add() ... bus -> on_delivery() -> spans produce_event and send raw-events ->
//   Tracer
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "core/bus/bus.h"
#include "core/trace/span.h"
#include "core/trace/tracer.h"
#include "stages/produce/producer_spans.h"

namespace tocsin::produce {

// One event on its way.
struct Flight {
  Uuid event_id;
  trace::TraceId trace{};
  trace::SpanId parent = trace::kNoSpan;  // an agent's own span
  UnixNanos started = 0;                  // before the event was read
  UnixNanos sent = 0;                     // before it was given to the bus
  UnixNanos handed_over = 0;              // when the bus had taken it
  std::string key;
  std::shared_ptr<const std::string> path;
  std::uint64_t line = 0;
  std::uint64_t record_id = 0;
  std::size_t bytes = 0;
  bool sampled = true;  // its spans are recorded; those of a failure always are
};

[[nodiscard]] std::string origin_text(const std::string& path, std::uint64_t line,
                                      std::uint64_t record_id);

struct PublishCells;

// Dead letters carry no flight; only their failures are counted. Flights are numbered from 1.
inline constexpr std::uint64_t kDeadLetterToken = 0;

// Threads: thread-safe; add() and handed_over() from the sending thread, on_delivery() from the
// bus's.
class InFlight {
 public:
  // `cells`, when there are any, must outlive it.
  InFlight(trace::Tracer& tracer, std::string_view system, std::string_view topic,
           PublishCells* cells)
      : tracer_(tracer), spans_(system, topic), cells_(cells) {}

  // The token for send().
  [[nodiscard]] std::uint64_t add(Flight flight);
  // send() returned. The spans go out with this or with the delivery, whichever is later.
  void handed_over(std::uint64_t token, UnixNanos now);
  // send() refused the record.
  void refused(std::uint64_t token, const Error& error);
  void on_delivery(const bus::Delivery& delivery);
  // Spans are handed to the tracer many at once, or when nothing is in flight any more; this does
  // it now.
  void flush_spans();

  [[nodiscard]] std::uint64_t acknowledged() const;
  // Went to the spool. They end without spans; those come with a flight of their own when the
  // record is on the bus.
  [[nodiscard]] std::uint64_t spooled() const;
  [[nodiscard]] std::uint64_t failed() const;

 private:
  struct Slot {
    Flight flight;
    std::optional<bus::Delivery> delivery;
    bool done = false;
  };

  [[nodiscard]] Slot* find(std::uint64_t token);
  void finish(Slot& slot, std::unique_lock<std::mutex>& lock);
  void count(const Slot& slot) const;
  void record_spans(const Flight& flight, const bus::Delivery& delivery);

  trace::Tracer& tracer_;
  const ProducerSpans spans_;
  PublishCells* const cells_;

  mutable std::mutex mutex_;
  std::deque<Slot> slots_;  // by token, from first_token_ on
  std::uint64_t first_token_ = 1;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t spooled_ = 0;
  trace::SpanWriter writer_;
  std::string origin_;
  UnixNanos oldest_span_ = 0;  // when the first span of writer_ was written
};

}  // namespace tocsin::produce
