// SPDX-License-Identifier: Apache-2.0
//
// What a new set of rules changes: by id, whatever the files are called. Pure but for reading the
// rules' files.
#pragma once

#include <string>
#include <vector>

#include "app/cli/tables.h"
#include "core/sigma/rule_set.h"

namespace tocsin::cli::rules {

struct ChangedRule {
  std::string id, title;
};

struct RuleChanges {
  std::vector<ChangedRule> added, removed, changed;
  std::size_t same = 0;
};

// A rule has changed when the text of its file has.
[[nodiscard]] RuleChanges compare_rules(const sigma::RuleSet& before, const sigma::RuleSet& after);
// The lists, each cut after `most` rules, and a line of figures.
[[nodiscard]] std::string render_changes(const RuleChanges& changes, std::size_t most,
                                         const Style& style);

}  // namespace tocsin::cli::rules
