// SPDX-License-Identifier: Apache-2.0
//
// The options that say which rules apply, and their loading with a summary for people.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/tuning/tuning.h"
#include "base/result.h"
#include "core/sigma/rule_set.h"
#include "core/sigma/taxonomy.h"
#include "stages/match/engine.h"

namespace tocsin::cli {

struct RuleOptions {
  std::vector<std::string> paths;       // empty: the starter rules that the program carries
  std::string placeholders;             // file
  std::vector<std::string> filters;     // files and folders of Sigma filters
  std::string filter_mode = "pysigma";  // or "exclude"
  std::string logsource;                // what events of an unknown shape count as
  std::vector<std::string> overrides;   // files
  const CLI::App* command = nullptr;    // for the file of --config, which may hold overrides, too
};

void add_rule_options(CLI::App& command, RuleOptions& options);

// With the user's overrides; what they name and no rule has is among the diagnostics.
[[nodiscard]] Result<sigma::RuleSet> load_rules(const RuleOptions& options);
// As their authors wrote them.
[[nodiscard]] Result<sigma::RuleSet> load_untuned_rules(const RuleOptions& options);
[[nodiscard]] Result<pipeline::Tuning> load_tuning(const RuleOptions& options);
[[nodiscard]] Result<sigma::Taxonomy> load_taxonomy(const RuleOptions& options);

struct LoadedRules {
  std::shared_ptr<const sigma::Taxonomy> taxonomy;
  std::shared_ptr<const match::Engine> engine;
};
// The files and folders that these come from: a change in one is a reason to load again.
[[nodiscard]] std::vector<std::string> watched_paths(const RuleOptions& options);
// For the log: of overrides as warnings (the first of them), rejected rules with --verbose only.
void tell_problems(const std::vector<sigma::Diagnostic>& diagnostics);
// Loads and compiles; tells how many rules, and warns of the rejected ones (each with --verbose).
[[nodiscard]] Result<LoadedRules> compile_rules(const RuleOptions& options);

}  // namespace tocsin::cli
