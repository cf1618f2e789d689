// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/fetch/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/cli/rules/rules.h"
#include "app/insight/explain/written.h"

namespace tocsin::cli::rules {
namespace {

void append_list(std::string& out, const char* mark, Tint tint,
                 const std::vector<ChangedRule>& rules, std::size_t most, const Style& style) {
  for (std::size_t i = 0; i < std::min(rules.size(), most); ++i)
    out += fmt::format("{} {}  {}\n", tinted(mark, tint, style), printable(rules[i].id, style),
                       printable(rules[i].title, style));
  if (rules.size() > most) out += fmt::format("{} ... and {} more\n", mark, rules.size() - most);
}

}  // namespace

RuleChanges compare_rules(const sigma::RuleSet& before, const sigma::RuleSet& after) {
  RuleChanges out;
  std::map<std::string_view, const sigma::Rule*> old;
  for (const sigma::Rule& rule : before.rules) old[rule.id] = &rule;
  for (const sigma::Rule& rule : after.rules) {
    const auto found = old.find(rule.id);
    if (found == old.end()) {
      out.added.push_back({rule.id, rule.title});
      continue;
    }
    if (insight::rule_file_text(found->second->path) == insight::rule_file_text(rule.path))
      ++out.same;
    else
      out.changed.push_back({rule.id, rule.title});
    old.erase(found);
  }
  for (const auto& entry : old) out.removed.push_back({entry.second->id, entry.second->title});
  return out;
}

std::string render_changes(const RuleChanges& changes, std::size_t most, const Style& style) {
  std::string out;
  append_list(out, "+", Tint::kGreen, changes.added, most, style);
  append_list(out, "~", Tint::kYellow, changes.changed, most, style);
  append_list(out, "-", Tint::kRed, changes.removed, most, style);
  return out + fmt::format("{} rules added, {} changed, {} removed, {} as before\n",
                           changes.added.size(), changes.changed.size(), changes.removed.size(),
                           changes.same);
}

}  // namespace tocsin::cli::rules
