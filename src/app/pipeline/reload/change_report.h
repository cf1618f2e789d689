// SPDX-License-Identifier: Apache-2.0
//
// What the operator is told of a load of rules: each rule that changed, each new problem, one line
// in sum.
//
//   RuleChanges -> log lines
#pragma once

#include <string>

#include "app/pipeline/reload/rule_library.h"

namespace tocsin::pipeline {

// Of one kind so many rules are named; the others are counted (and named with --verbose).
inline constexpr std::size_t kNamedMax = 20;

// "12 in force (1 added, 2 changed, 1 kept as it was, ...)"
[[nodiscard]] std::string summary_of(const RuleChanges& changes);
// Line by line; of what is wrong as warnings.
void log_changes(const RuleChanges& changes);

}  // namespace tocsin::pipeline
