// SPDX-License-Identifier: Apache-2.0
//
// Tuning: what a site wants of rules that others wrote: overrides by rule id, and suppression.
//
//   overrides file -> read_tuning() -> Tuning -> apply_tuning(rules), AlertFilter
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "core/event/level.h"

namespace tocsin::pipeline {

// Of alerts with the same key within `window_ns` only the first goes out.
struct Suppression {
  bool any_rule = false;                   // the key leaves out the rule
  std::vector<std::string> by = {"host"};  // "host", "user", or the name of a field
  std::int64_t window_ns = 0;              // 0: nothing is held back

  bool operator==(const Suppression&) const = default;
};

struct RuleReference {
  std::string id;
  yaml::Mark mark;
};

struct Override {
  std::string path;  // of the file that says it
  std::vector<RuleReference> rules;
  std::optional<bool> disable;
  std::optional<Level> level;
  std::vector<std::string> tags;          // are added
  std::vector<std::string> only_hosts;    // globs
  std::vector<std::string> except_hosts;  // globs
  std::optional<Suppression> suppress;
};

struct Tuning {
  std::vector<Override> overrides;      // in order; of two that contradict the later wins
  std::optional<Suppression> suppress;  // of rules without one of their own
};

}  // namespace tocsin::pipeline
