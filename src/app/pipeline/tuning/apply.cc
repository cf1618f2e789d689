// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/tuning/apply.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "base/utf8.h"
#include "core/sigma/attack.h"

namespace tocsin::pipeline {
namespace {

using sigma::Diagnostic;
using sigma::Rule;

// A rule's changes, in words.
void note(Rule& rule, const std::string& text) {
  if (!rule.tuning.empty()) rule.tuning += "; ";
  rule.tuning += text;
}

// Host names hold no backslash, so a pattern's escapes are no trap here.
std::vector<sigma::Pattern> globs(const std::vector<std::string>& texts) {
  std::vector<sigma::Pattern> out;
  for (const std::string& text : texts) out.push_back(sigma::Pattern::parse(text).folded());
  return out;
}

void add_tags(const std::vector<std::string>& tags, Rule& rule) {
  for (const std::string& tag : tags) {
    const std::string lower = folded(tag);
    if (std::find(rule.tags.begin(), rule.tags.end(), lower) != rule.tags.end()) continue;
    rule.tags.push_back(lower);
    note(rule, "tag " + lower);
  }
  sigma::AttackTags attack = sigma::read_attack_tags(sigma::Attack::built_in(), rule.tags);
  rule.tactics = std::move(attack.tactics);
  rule.techniques = std::move(attack.techniques);
}

void change(const Override& over, Rule& rule) {
  if (over.level && *over.level != rule.level) {
    note(rule, fmt::format("level {} -> {}", to_string(rule.level), to_string(*over.level)));
    rule.level = *over.level;
  }
  if (!over.tags.empty()) add_tags(over.tags, rule);
  if (!over.only_hosts.empty()) {
    rule.only_hosts = globs(over.only_hosts);
    note(rule, fmt::format("only hosts {}", fmt::join(over.only_hosts, ", ")));
  }
  if (!over.except_hosts.empty()) {
    rule.except_hosts = globs(over.except_hosts);
    note(rule, fmt::format("except hosts {}", fmt::join(over.except_hosts, ", ")));
  }
  if (over.suppress)
    note(rule, over.suppress->window_ns == 0 ? "never suppressed" : "suppressed when it repeats");
}

Diagnostic unknown_rule(const Override& over, const RuleReference& reference) {
  return {sigma::Severity::kWarning,
          "override.unknown_rule",
          over.path,
          reference.mark,
          reference.id,
          fmt::format("no rule has the id '{}'", reference.id),
          "perhaps the rule was removed or rejected: `tocsin rules check` lists those",
          ""};
}

}  // namespace

AppliedTuning apply_tuning(const Tuning& tuning, std::vector<Rule>& rules) {
  AppliedTuning applied;
  if (tuning.overrides.empty()) return applied;
  std::unordered_map<std::string, std::size_t> by_id;
  for (std::size_t i = 0; i < rules.size(); ++i) by_id.emplace(folded(rules[i].id), i);
  std::vector<bool> disabled(rules.size());
  for (const Override& over : tuning.overrides) {
    for (const RuleReference& reference : over.rules) {
      const auto found = by_id.find(folded(reference.id));
      if (found == by_id.end()) {
        applied.warnings.push_back(unknown_rule(over, reference));
        continue;
      }
      if (over.disable) disabled[found->second] = *over.disable;
      change(over, rules[found->second]);
    }
  }
  std::vector<Rule> kept;
  kept.reserve(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    applied.disabled += disabled[i];
    if (disabled[i]) continue;
    applied.changed += !rules[i].tuning.empty();
    kept.push_back(std::move(rules[i]));
  }
  rules = std::move(kept);
  return applied;
}

bool reads_host(const Rule& rule, std::string_view host) {
  if (rule.only_hosts.empty() && rule.except_hosts.empty()) return true;
  const std::string name = folded(host);
  const std::string_view first_label = std::string_view(name).substr(0, name.find('.'));
  const auto among = [&](const std::vector<sigma::Pattern>& patterns) {
    return !name.empty() && std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
      return pattern.matches(name) || pattern.matches(first_label);
    });
  };
  return (rule.only_hosts.empty() || among(rule.only_hosts)) && !among(rule.except_hosts);
}

}  // namespace tocsin::pipeline
