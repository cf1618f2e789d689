// SPDX-License-Identifier: Apache-2.0
//
// Which of the rules are meant: by tactic, level, log source, text. Options of one kind are
// alternatives, kinds are joined by "and".
//
//   --tactic, --level, ... -> RuleFilter -> passes(rule)
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/sigma/rule.h"

namespace tocsin::cli::rules {

struct RuleFilter {
  std::vector<std::string> tactics;     // slug, id or name
  std::vector<std::string> techniques;  // T1003 also means its sub-techniques
  std::vector<std::string> levels;
  std::string min_level;
  std::vector<std::string> products, categories, services, statuses;
  std::vector<std::string> texts;    // every one is found in id, title, description, tags or author
  std::vector<std::string> sources;  // ruleset, or a part of the path

  // Brings the words to the form of rules: tactics to slugs, techniques to upper case, the rest to
  // lower case. Fails on a tactic or level that does not exist. Call once before passes().
  [[nodiscard]] Status prepare();
  [[nodiscard]] bool passes(const sigma::Rule& rule) const;
};

// Alerts are chosen by what they tell of their rule: kInvalid names a choice that asks for more.
[[nodiscard]] Status usable_for_alerts(const RuleFilter& filter);

void add_filter_options(CLI::App& command, RuleFilter& filter);

// The rules that pass, in the order of `sort`: "id", "title", "level", "tactic", "path".
[[nodiscard]] std::vector<const sigma::Rule*> select_rules(const std::vector<sigma::Rule>& rules,
                                                           const RuleFilter& filter,
                                                           const std::string& sort);

}  // namespace tocsin::cli::rules
