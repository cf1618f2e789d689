// SPDX-License-Identifier: Apache-2.0
//
// Dead letters: what could not be read, and a second chance for it after a fix.
//
//   topic dead-letter -> visit_letters()
//   replay_letters() -> topic raw-events, or whence it came (stage store)
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::insight {

// Empty members let everything pass.
struct LetterFilter {
  std::vector<std::string> which;  // PARTITION/OFFSET
  std::string stage, code;         // exactly
  std::string reason;              // a part of error.message
  UnixNanos since = 0, until = 0;

  [[nodiscard]] bool passes(const bus::Message& message) const;
};

// "0/12"
[[nodiscard]] std::string place_of(const bus::Message& message);
// How often it was sent again already.
[[nodiscard]] std::uint64_t replays_of(const bus::Message& message);

using LetterVisit = std::function<Status(const bus::Message&)>;

// Every letter that passes, up to the end that the topic has now, until `visit` fails or `stopped`
// is true. No topic: no letters.
[[nodiscard]] Status visit_letters(bus::Bus& bus, const std::string& topic,
                                   const LetterFilter& filter, const std::function<bool()>& stopped,
                                   const LetterVisit& visit);

struct ReplayRequest {
  std::string dead_letter_topic, raw_topic;
  LetterFilter filter;
  bool again = false;                                // also those that came back from a replay
  bool dry_run = false;                              // send nothing
  std::function<bool()> stopped;                     // needed
  std::function<void(const bus::Message&)> on_sent;  // of each that is, or would be, sent
};

struct Replay {
  std::uint64_t sent = 0, failed = 0;
  std::uint64_t cut = 0;        // hold only the beginning of their bytes: left out
  std::uint64_t came_back = 0;  // were replayed before and failed again: left out
  std::uint64_t missing = 0;    // were named, and are not on the topic
  std::string first_failure;
  std::set<std::string> topics;  // to which some were, or would be, sent
};

// Sends the events as they were first, and verdicts and alerts that a store refused back to their
// topics; durable on return. A letter that the filter names is sent
// even when it came back from a replay.
[[nodiscard]] Result<Replay> replay_letters(bus::Bus& bus, const ReplayRequest& request);

}  // namespace tocsin::insight
