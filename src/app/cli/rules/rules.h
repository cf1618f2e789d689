// SPDX-License-Identifier: Apache-2.0
//
// What the subcommands of `tocsin rules` share: which rules they read, and how they print.
//
//   add_<subcommand>(rules, context) -> its callback -> exit code
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/rule_options.h"
#include "app/cli/tables.h"
#include "base/result.h"
#include "core/sigma/rule_set.h"

namespace tocsin::cli::rules {

// The rules of a subcommand: DIR... wins over --rules, which wins over the starter rules.
struct RulePaths {
  RuleOptions options;
  std::vector<std::string> dirs;

  [[nodiscard]] RuleOptions chosen() const;
};
void add_rule_paths(CLI::App& command, RulePaths& paths);

void print(std::string_view text);
// Tells the error and returns the exit code of wrong usage.
int usage_error(const Error& error);
// True when written in full.
[[nodiscard]] bool write_file(const std::string& path, std::string_view text);

[[nodiscard]] std::string joined(const std::vector<std::string>& items,
                                 std::string_view separator = ", ");
[[nodiscard]] std::string lower_ascii(std::string_view text);
[[nodiscard]] std::string logsource_text(const sigma::Logsource& logsource);  // "windows/dns_query"
[[nodiscard]] Tint level_tint(Level level);
// printable(), but its line ends stay.
[[nodiscard]] std::string printable_lines(std::string_view text, const Style& style);
[[nodiscard]] bool is_rule_path(std::string_view text);

// The one rule that `wanted` names: an id, the beginning of an id, a title or a part of one. Fails
// with the candidates when there are several, or with what was wrong with the rejected rule.
[[nodiscard]] Result<const sigma::Rule*> find_rule(const sigma::RuleSet& set,
                                                   const std::string& wanted);

void add_check(CLI::App& rules, Context& context);
void add_list(CLI::App& rules, Context& context);
void add_explain(CLI::App& rules, Context& context);
void add_test(CLI::App& rules, Context& context);
void add_coverage(CLI::App& rules, Context& context);
void add_fetch(CLI::App& rules, Context& context);
void add_stats(CLI::App& rules, Context& context);

}  // namespace tocsin::cli::rules
