// SPDX-License-Identifier: Apache-2.0
//
// Source: where events come from. Files, archives, stdin, EVTX and the simulator look the same to
// what publishes them (`tocsin produce`) and to what scans them in place (`tocsin scan`).
//
//   evtx/ files/ synthetic/ -> Source::next() -> RawEvent | Problem
#pragma once

#include <cstdint>
#include <string>

#include "core/event/raw_event.h"

namespace tocsin::produce {

// Something in the input that is not an event. The rest of the input goes on.
struct Problem {
  Origin origin;
  std::uint64_t byte_offset = 0;  // in the file, where known
  std::string code;               // "evtx.bad_chunk", "file.unreadable", "line.too_long", ...
  std::string message;            // one sentence for people: what is wrong and what to do
  std::string bytes;              // the original bytes that could not be read; cut at 64 KiB
  bool skipped_only = false;  // a file that is not a log at all: told, but not counted as an error
};

enum class Next : std::uint8_t {
  kEvent,    // `event` holds the next event
  kProblem,  // `problem` holds what went wrong; call again
  kIdle,     // nothing now, more may come (a followed file); call again later
  kEnd,      // no more, ever
};

struct SourceProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0 when unknown (stdin, follow, simulator)
};

// Ownership: owns its files.
// Threads:   one thread.
class Source {
 public:
  virtual ~Source() = default;
  // Reuses the buffers of `event`; only the one that the return value names is meaningful.
  [[nodiscard]] virtual Next next(RawEvent& event, Problem& problem) = 0;
  [[nodiscard]] virtual SourceProgress progress() const = 0;
};

}  // namespace tocsin::produce
