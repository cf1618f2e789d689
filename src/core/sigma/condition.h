// SPDX-License-Identifier: Apache-2.0
//
// Condition: the `condition` text to an expression over the rule's named detections (Sigma
// specification 2.1, "condition").
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::sigma {

struct ConditionError {
  std::size_t at = 0;  // byte in the text
  std::string code;
  std::string message;
  std::string hint;
};

struct ConditionInput {
  std::string_view text;
  // Names of the detections, in the order written.
  const std::vector<std::string>& names;
  // The lowered detection of a name out of `names`.
  std::function<Expr(const std::string&)> detection;
  // Things that are accepted but doubtful.
  std::function<void(ConditionError)> warn;
};

// Precedence from low to high: or, and, not, `x of pattern`, parentheses. Names that start with `_`
// are left out of `them` and of patterns that do not start with `_` themselves.
[[nodiscard]] tl::expected<Expr, ConditionError> parse_condition(const ConditionInput& input);

}  // namespace tocsin::sigma
