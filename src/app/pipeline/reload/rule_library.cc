// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/reload/rule_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "app/pipeline/reload/rule_digest.h"
#include "app/pipeline/tuning/apply.h"

namespace tocsin::pipeline {

using sigma::Diagnostic;
using sigma::Rule;
using sigma::RuleSet;

// Puts back the last good version of rules whose file has an error now and which the set lacks, and
// of rules that lost a filter because the filter's file has one: a typing error in a filter must
// not let loose the alerts that it kept quiet. Returns how many.
std::size_t RuleLibrary::keep_broken(RuleSet& set, RuleChanges& changes) const {
  std::unordered_set<std::string_view> broken;
  for (const Diagnostic& d : set.diagnostics)
    if (d.severity == sigma::Severity::kError) broken.insert(d.path);
  if (broken.empty()) return 0;
  std::unordered_map<std::string_view, std::size_t> present;
  for (std::size_t i = 0; i < set.rules.size(); ++i) present.emplace(set.rules[i].id, i);
  const auto lost_filter = [&](const Rule& rule) {
    return std::any_of(rule.filters.begin(), rule.filters.end(),
                       [&](const auto& filter) { return broken.contains(filter.path); });
  };
  std::vector<std::pair<std::size_t, const Rule*>> kept;  // where: past the end for missing ones
  for (const Rule& rule : last_good_) {
    const auto found = present.find(rule.id);
    if (found == present.end() ? broken.contains(rule.path) : lost_filter(rule))
      kept.emplace_back(found == present.end() ? SIZE_MAX : found->second, &rule);
  }
  for (const auto& [where, rule] : kept) {
    changes.changes.push_back({ChangeKind::kKept, rule->id, rule->title, rule->path, ""});
    if (where == SIZE_MAX)
      set.rules.push_back(*rule);
    else
      set.rules[where] = *rule;
  }
  std::sort(set.rules.begin(), set.rules.end(),
            [](const Rule& a, const Rule& b) { return a.id < b.id; });
  return kept.size();
}

// `loaded`: the ids of all rules before overrides, sorted.
void RuleLibrary::compare(const std::vector<Rule>& rules, const std::vector<std::string>& loaded,
                          RuleChanges& changes) {
  std::map<std::string, InForce> now;
  for (const Rule& rule : rules)
    now[rule.id] = {digest_of(rule), rule.title, rule.path, rule.tuning};
  const bool first = number_ == 0;
  for (const auto& [id, rule] : now) {
    const auto before = in_force_.find(id);
    if (first || (before != in_force_.end() && before->second.digest == rule.digest)) continue;
    const ChangeKind kind = before == in_force_.end() ? ChangeKind::kAdded : ChangeKind::kChanged;
    changes.changes.push_back({kind, id, rule.title, rule.path, rule.tuning});
  }
  for (const auto& [id, rule] : in_force_) {
    if (now.contains(id)) continue;
    const bool disabled = std::binary_search(loaded.begin(), loaded.end(), id);
    changes.changes.push_back(
        {disabled ? ChangeKind::kDisabled : ChangeKind::kRemoved, id, rule.title, rule.path, ""});
  }
  in_force_ = std::move(now);
  std::sort(changes.changes.begin(), changes.changes.end(),
            [](const RuleChange& a, const RuleChange& b) {
              return std::tie(a.kind, a.id) < std::tie(b.kind, b.id);
            });
}

void RuleLibrary::tell_new(const std::vector<Diagnostic>& diagnostics, RuleChanges& changes) {
  std::set<std::string> told;
  for (const Diagnostic& d : diagnostics) {
    const bool override_problem = d.code.starts_with("override.");
    if (d.severity != sigma::Severity::kError && !override_problem) continue;
    const auto [text, fresh] = told.insert(to_text(d));
    if (fresh && !told_.contains(*text)) changes.new_problems.push_back(d);
  }
  told_ = std::move(told);
}

Result<std::shared_ptr<const RuleSnapshot>> RuleLibrary::load(RuleChanges& changes) {
  changes = {};
  TOCSIN_TRY(RuleSet set, sources_.rules());
  TOCSIN_TRY(const Tuning tuning, sources_.tuning());
  changes.kept = keep_broken(set, changes);
  if (set.rules.empty()) return fail(ErrorCode::kInvalid, sigma::why_no_rules(set));
  changes.files = set.files;
  changes.rejected = set.rejected - std::min(set.rejected, changes.kept);

  std::vector<Rule> good = set.rules;
  std::vector<std::string> loaded;
  for (const Rule& rule : good) loaded.push_back(rule.id);
  std::sort(loaded.begin(), loaded.end());
  const AppliedTuning applied = apply_tuning(tuning, set.rules);
  if (set.rules.empty()) return fail(ErrorCode::kInvalid, "the overrides disable every rule");
  changes.disabled = applied.disabled;
  changes.tuned = applied.changed;
  changes.in_force = set.rules.size();

  std::vector<Diagnostic> problems = std::move(set.diagnostics);
  problems.insert(problems.end(), applied.warnings.begin(), applied.warnings.end());
  tell_new(problems, changes);
  compare(set.rules, loaded, changes);
  last_good_ = std::move(good);

  auto snapshot = std::make_shared<RuleSnapshot>();
  snapshot->number = ++number_;
  snapshot->taxonomy = sources_.taxonomy;
  snapshot->engine = match::Engine::build(std::move(set.rules), *sources_.taxonomy);
  snapshot->suppression = std::make_shared<const SuppressionPlan>(tuning);
  return std::shared_ptr<const RuleSnapshot>(std::move(snapshot));
}

}  // namespace tocsin::pipeline
