// SPDX-License-Identifier: Apache-2.0
//
// Condition: the `condition` text to an expression over the rule's named detections (Sigma
// specification 2.1, "condition").
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::sigma {

inline constexpr std::size_t kConditionBytesMax = 1 << 20;
inline constexpr int kConditionDepthMax = 200;  // parentheses and `not`

struct ConditionError {
  std::size_t at = 0;  // byte in the text
  std::string code;
  std::string message;
  std::string hint;
};

struct NamedDetection {
  std::string name;
  Expr expr;
  std::size_t nodes = 1;  // of `expr`
  bool used = false;      // by a condition
};

// The lowered detections of a rule, in the order written.
struct Detections {
  std::vector<NamedDetection> all;
  std::unordered_map<std::string_view, std::size_t> index;  // views the names in `all`
  std::size_t steps_left = 0;  // names that patterns may still be compared with

  void build_index();
};

struct ConditionInput {
  std::string_view text;
  Detections& detections;
  std::size_t& nodes_left;     // how large conditions may still become
  std::string_view timeframe;  // of the rule, for the hint on a legacy aggregation
  // Things that are accepted but doubtful.
  std::function<void(ConditionError)> warn;
};

// Precedence from low to high: or, and, not, `x of pattern`, parentheses. Names that start with `_`
// are left out of `them` and of patterns that do not start with `_` themselves.
[[nodiscard]] tl::expected<Expr, ConditionError> parse_condition(const ConditionInput& input);

}  // namespace tocsin::sigma
