// SPDX-License-Identifier: Apache-2.0
//
// Oracle: does a rule match an event? Read from the rule's YAML and the event's JSON directly, each
// time anew, in the words of the specification. Slow and plain on purpose; shares no code with
// core/sigma, stages/normalize or stages/match, whose results it judges.
//
//   YAML tree + Observed event -> oracle -> true or false
//
// Standard: Sigma specification 2.1.0. Where it leaves something open the decision is ours, stated
// in docs/proof.md and marked "decision" here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "differential/json_value.h"

namespace tocsin::differential {

// An event as rules see it: every scalar with its name, and which log it is of.
struct Observed {
  struct Fact {
    std::string field;
    JsonValue::Kind kind;
    std::string text;  // a number in its one form
  };
  std::vector<Fact> facts;
  std::string channel, event_id;
};

// Knows three shapes: {"Event":{"System":..,"EventData":..}}, {"winlog":{..}} and flat.
[[nodiscard]] Observed observe(const JsonValue& event);

using Placeholders = std::map<std::string, std::vector<std::string>>;

// Whether the rule's logsource takes in the event's log; knows only the logs that generators use.
[[nodiscard]] bool reads(const yaml::Node& rule, const Observed& event);
// Whether the rule's detection holds for the event.
[[nodiscard]] bool detects(const yaml::Node& rule, const Observed& event,
                           const Placeholders& placeholders);

}  // namespace tocsin::differential
