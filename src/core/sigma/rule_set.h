// SPDX-License-Identifier: Apache-2.0
//
// RuleSet: all rules of the given files and folders, and what was wrong with the others.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/sigma/parse.h"

namespace tocsin::sigma {

struct RuleSet {
  std::vector<Rule> rules;  // ordered by id: the order does not depend on the file system
  std::vector<Diagnostic> diagnostics;
  std::size_t files = 0;
  std::size_t rejected = 0;
  std::size_t filters = 0;  // applied to the rules that they name
  std::size_t ignored = 0;  // correlation rules: counted, not evaluated yet
};

// Reads every *.yml and *.yaml below the paths (files named *.test.yml are test cases, not rules).
// One bad rule never stops the others. Two rules with one id: the second is told and left out.
// Filters, from these paths and from options.filter_paths, become part of the rules they name.
// Fails only when a path does not exist.
[[nodiscard]] Result<RuleSet> load_rules(const std::vector<std::string>& paths,
                                         const ParseOptions& options = {});

// For people, of a set without rules: none is there, or what is wrong with the first of them.
[[nodiscard]] std::string why_no_rules(const RuleSet& set);

// The starter rules that the program carries (rules/ of the repository).
[[nodiscard]] RuleSet built_in_rules();
// The same with filters and placeholders.
[[nodiscard]] Result<RuleSet> built_in_rules(const ParseOptions& options);

// A YAML file of `name: [value, ...]` for `%name%` in rules with the modifier expand.
[[nodiscard]] Result<Placeholders> load_placeholders(const std::string& path);

}  // namespace tocsin::sigma
