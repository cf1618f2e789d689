// SPDX-License-Identifier: Apache-2.0
//
// SpooledProducer: a producer that keeps what the bus cannot take, on disk, and delivers it in
// order when the bus is back.
//
//   send() -> the bus's producer ............................ -> acknowledged
//          -> spool, while the bus is away or drains the spool -> the bus's producer ->
//          acknowledged
//
// The bus counts as away when something waits and nothing was acknowledged for `patience`. What was
// under way then goes to the spool first, so that the order is kept. Where the bus refuses for now
// (a topic is missing, an ACL was taken away, a client is spent), everything refused is sent again,
// in order, with growing pauses; only what no retry mends (a record too large) is given back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/spool/record_bytes.h"
#include "core/bus/spool/spool.h"

namespace tocsin::bus::spool {

struct SpooledProducerOptions {
  SpoolOptions spool;  // an empty folder: nothing goes to disk, send() waits while the bus is away
  Milliseconds patience{3'000};
  // Done before anything is sent, until it succeeds, and again after a topic was missing: creates
  // topics, for instance. Called from a thread of the producer's.
  std::function<Status()> prepare;
  // Asked while send() waits: true ends the wait; a record that nobody can keep is refused then.
  std::function<bool()> stop;
  // A record from the spool is on the bus, or (with an error) was refused for good. `recovered`: an
  // earlier process left it. Same rules as ProducerOptions::on_delivery, which is called for
  // records that come to the spool with Delivery::spooled.
  std::function<void(const SpooledRecord&, const Delivery&, bool recovered)> on_drained;
};

struct SpooledProducerStats {
  std::uint64_t waiting = 0;        // records in the spool, not yet acknowledged by the bus
  std::uint64_t waiting_bytes = 0;  // on disk
  std::uint64_t bytes_max = 0;
  UnixNanos oldest = 0;         // when the first of them was spooled; 0: none
  std::uint64_t spooled = 0;    // records that went to the spool, since the start
  std::uint64_t drained = 0;    // that were acknowledged from it
  std::uint64_t recovered = 0;  // of these: left by an earlier process
  std::uint64_t retries = 0;    // times that refused records were sent again
  bool away = false;            // the bus takes nothing
  bool full = false;            // and the spool neither: send() waits
};

// Threads: thread-safe.
class SpooledProducer : public Producer {
 public:
  // Takes over spools that earlier processes left below the folder; they are drained first.
  // Fails when the spool cannot be opened; an absent bus is no failure.
  [[nodiscard]] static Result<std::unique_ptr<SpooledProducer>> open(
      Bus& bus, ProducerOptions producer, SpooledProducerOptions options);
  // flush() returns kUnavailable when something is left, which is then all in the spool (or,
  // without one, in memory).
  [[nodiscard]] virtual SpooledProducerStats stats() const = 0;
};

}  // namespace tocsin::bus::spool
