// SPDX-License-Identifier: Apache-2.0
//
// Rule cases: events that a rule must and must not match, in NAME.test.yml beside the rule.
//
//   rule: <rule id>
//   cases:
//     - name: a sentence
//       match: true
//       event: {Event: {System: ..., EventData: ...}}
#pragma once

#include <string>
#include <vector>

#include "app/pipeline/classifier.h"
#include "base/result.h"
#include "base/yaml.h"

namespace tocsin::cli {

struct RuleCase {
  std::string path;
  yaml::Mark mark;
  std::string rule_id;
  std::string name;
  bool match = true;
  std::string event_json;
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

// Every *.test.yml below the paths.
[[nodiscard]] Result<RuleCases> load_cases(const std::vector<std::string>& paths);
[[nodiscard]] RuleCases parse_cases(std::string_view yaml_text, const std::string& path);

// YAML to JSON: a map is an object, a plain scalar is what YAML 1.2 says it is.
void append_json(std::string& out, const yaml::Node& node);

}  // namespace tocsin::cli
