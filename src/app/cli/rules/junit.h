// SPDX-License-Identifier: Apache-2.0
//
// Outcomes of rule cases as JUnit XML, which CI servers show. Pure.
#pragma once

#include <span>
#include <string>

#include "app/cli/rules/cases.h"

namespace tocsin::cli::rules {

struct CaseOutcome {
  const RuleCase* rule_case = nullptr;
  std::string failure;  // one line; empty: passed
  std::string details;  // the explained condition
};

// A suite for each case file; what could not be read is an error of its own.
[[nodiscard]] std::string junit_xml(std::span<const CaseOutcome> outcomes,
                                    std::span<const CaseProblem> problems);

}  // namespace tocsin::cli::rules
