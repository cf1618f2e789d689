// SPDX-License-Identifier: Apache-2.0
//
// Rule cases: events that a rule must and must not match, in NAME.test.yml beside the rule.
//
//   rule: <rule id>
//   cases:
//     - name: a sentence
//       match: true
//       event: {Event: {System: ..., EventData: ...}}
//     - name: a recorded attack
//       match: true
//       event_file: samples/attack.evtx      # relative to this file: JSON lines, EVTX, .gz, .zip
//       line: 12                             # only this line, or record of an EVTX
//       count: 2                             # exactly so many events match
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"

namespace tocsin::cli::rules {

struct RuleCase {
  std::string path;
  yaml::Mark mark;
  std::string rule_id;
  std::string name;
  bool match = true;
  std::string event_json;              // or
  std::string event_file;              // as it can be opened
  std::uint64_t line = 0;              // of event_file; 0: all its events
  std::optional<std::uint64_t> count;  // empty: at least one, or none
};

struct CaseProblem {
  std::string path;
  yaml::Mark mark;
  std::string message;
};

struct RuleCases {
  std::vector<RuleCase> cases;
  std::vector<CaseProblem> problems;
};

// Every *.test.yml and *.test.yaml below the paths; beside a rule file its own NAME.test.yml.
// Without paths: the cases of the starter rules, which the program carries.
[[nodiscard]] Result<RuleCases> load_cases(const std::vector<std::string>& paths);
[[nodiscard]] RuleCases parse_cases(std::string_view yaml_text, const std::string& path);

// YAML to JSON: a map is an object, a plain scalar is what YAML 1.2 says it is.
void append_json(std::string& out, const yaml::Node& node);

}  // namespace tocsin::cli::rules
