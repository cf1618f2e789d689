// SPDX-License-Identifier: Apache-2.0
//
// Everything that a Source has to say, in lists.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stages/produce/evtx/evtx.h"

namespace tocsin::produce::evtx::test {

struct Outcome {
  std::vector<RawEvent> events;
  std::vector<Problem> problems;
  std::string error;  // of opening

  [[nodiscard]] std::vector<std::uint64_t> ids() const {
    std::vector<std::uint64_t> all;
    for (const RawEvent& event : events) all.push_back(event.origin.record_id);
    return all;
  }
};

inline Outcome read_all(Result<std::unique_ptr<Source>> opened) {
  Outcome outcome;
  if (!opened) {
    outcome.error = opened.error().message;
    return outcome;
  }
  RawEvent event;
  Problem problem;
  for (;;) {
    const Next next = (*opened)->next(event, problem);
    if (next == Next::kEvent) outcome.events.push_back(event);
    if (next == Next::kProblem) outcome.problems.push_back(problem);
    if (next == Next::kEnd || next == Next::kIdle) return outcome;
  }
}

inline Outcome read_bytes(std::string bytes) {
  return read_all(open_evtx_bytes("test.evtx", std::move(bytes)));
}

}  // namespace tocsin::produce::evtx::test
