// SPDX-License-Identifier: Apache-2.0
//
// Sampling: which traces are kept.
//
//   all        every trace
//   ratio:X    the share X of them (0 to 1), the same ones in every stage
//   tail:N     one of N, and each event that turns out to matter: an alert, an error, a slow one
//   off        none
//
// The choice by share is the consistent probability sampling of OpenTelemetry and W3C Trace Context
// level 2: a trace has 56 random bits (the last ones of its id), and is kept when they are at least
// the threshold 2^56 * (1 - share). So every stage chooses the same traces by itself, and a smaller
// share chooses a part of what a larger one does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/trace/span.h"

namespace tocsin::trace {

struct Sampling {
  enum class Kind : std::uint8_t { kOff, kAll, kRatio, kTail };
  Kind kind = Kind::kAll;
  double share = 1;           // kRatio, kTail: of the traces chosen by their id
  bool heeds_parent = false;  // the sampled flag of the context that an event came with decides
  UnixNanos slow_ns = 1'000'000'000;  // kTail: an event that took as long from its source to its
                                      // verdict matters, and one that took a tenth to classify
};

// "all", "off", "ratio:0.05", "tail:100". kInvalid says what is wanted.
[[nodiscard]] Result<Sampling> parse_sampling(std::string_view text);
// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, the names of OpenTelemetry's SDKs.
[[nodiscard]] Result<Sampling> sampling_of_otel(std::string_view sampler,
                                                std::string_view argument);

// The last 56 bits of the trace id where they are random, which W3C asks of whoever sets the random
// flag: those of UUIDs of versions 3, 4, 5, 7 and 8. Other ids (a UUIDv1 ends with a MAC address)
// are hashed.
[[nodiscard]] std::uint64_t randomness_of(const TraceId& trace);

// Threads: a value; const calls from anywhere.
class Sampler {
 public:
  explicit Sampler(const Sampling& sampling = {});

  // Whether a trace is recorded from its beginning. `parent`: the context that the event came with,
  // if any.
  [[nodiscard]] bool keeps(const TraceId& trace, const Context* parent) const;
  // Whether what turns out to matter is kept although keeps() said no.
  [[nodiscard]] bool decides_late() const { return sampling_.kind == Sampling::Kind::kTail; }
  [[nodiscard]] bool off() const { return sampling_.kind == Sampling::Kind::kOff; }
  [[nodiscard]] const Sampling& sampling() const { return sampling_; }

 private:
  Sampling sampling_;
  std::uint64_t threshold_ = 0;
};

// When a stage that did not record an event's spans did its part, for the stage that finds the
// event worth a trace after all. Travels as the entry `tocsin` of W3C tracestate, in microseconds:
// "tocsin=65f1c2b3a4d50-1f" (hexadecimal; when the event was sent, and how long before that its
// reading began).
struct ProducerTimes {
  UnixNanos started = 0;
  UnixNanos sent = 0;
};
[[nodiscard]] std::string format_tracestate(const ProducerTimes& times);
// Finds the entry among others'. Empty when there is none, or none that can be read.
[[nodiscard]] std::optional<ProducerTimes> parse_tracestate(std::string_view tracestate);

}  // namespace tocsin::trace
