// SPDX-License-Identifier: Apache-2.0
//
// The event that a rule is explained on: the chosen one of a file, an EVTX, an archive or standard
// input; else the first that the rule matches; else the first that it reads; else the first.
//
//   path, line + Rule -> choose_event() -> normalised event
#pragma once

#include <cstdint>
#include <string>

#include "app/insight/explain/trial.h"
#include "base/result.h"

namespace tocsin::cli::rules {

using insight::ExplainedEvent;
using insight::RuleTrial;

struct EventChoice {
  std::string path;
  std::uint64_t number = 0;  // line of a text, record id of an EVTX; 0: by what the rule says
};

// The trial then holds the chosen event.
[[nodiscard]] Result<ExplainedEvent> choose_event(const EventChoice& choice, RuleTrial& trial);

}  // namespace tocsin::cli::rules
