// SPDX-License-Identifier: Apache-2.0
//
// World: some rules and some events, judged by the compiled engine, by the plain evaluator and by
// the oracle, which must agree on every pair.
//
//   rules (YAML) + events (JSON text) -> normalize -> match, evaluate -> Outcome
//                                     -> oracle ---------------------->
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "differential/json_value.h"
#include "differential/oracle.h"
#include "seed.h"

namespace tocsin::differential {

struct World {
  std::vector<std::string> rules;  // one YAML document each
  std::vector<JsonValue> events;
  Placeholders placeholders;
  // Chooses how each event is written down (json_value.h); none: always plainly.
  std::function<unsigned(unsigned)> choose;
};

struct Outcome {
  std::size_t pairs = 0;    // (event, rule) compared
  std::size_t matched = 0;  // of them the rule matches
  std::size_t differences = 0;
  std::string first;  // the first few differences, for people: rule, event, who says what
};

[[nodiscard]] Outcome judge(const World& world);

// The rule `number` with this detection (flow or block YAML, two blanks before each line).
[[nodiscard]] std::string rule_text(std::size_t number, const std::string& logsource,
                                    const std::string& detection);
// A flat event of the log that all rules of "product: windows" read.
[[nodiscard]] JsonValue sysmon_event(std::vector<JsonMember> members);
// In single quotes, as YAML wants it.
[[nodiscard]] std::string yaml_quoted(const std::string& text);

// $TOCSIN_TEST_CASES, else the given number: how many (event, rule) pairs a random test should do.
[[nodiscard]] std::size_t cases_wanted(std::size_t otherwise);
using tests::seed_wanted;

}  // namespace tocsin::differential
