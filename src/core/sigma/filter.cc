// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

namespace tocsin::sigma {
namespace {

void shift(Expr& expr, std::uint32_t by) {
  if (expr.kind == Expr::Kind::kPredicate) expr.predicate += by;
  for (Expr& child : expr.children) shift(child, by);
}

// Whether something in it says what is let through.
bool negates(const Filter& filter, const Expr& expr) {
  if (expr.kind == Expr::Kind::kNot) return true;
  if (expr.kind == Expr::Kind::kPredicate) return filter.predicates[expr.predicate].op == Op::kNull;
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [&](const Expr& child) { return negates(filter, child); });
}

class Application {
 public:
  Application(std::vector<Rule>& rules, FilterMode mode,
              const std::function<void(Diagnostic)>& tell)
      : rules_(rules), mode_(mode), tell_(tell) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      by_name_[rules[i].id].push_back(i);
      if (!rules[i].name.empty() && rules[i].name != rules[i].id)
        by_name_[rules[i].name].push_back(i);
    }
  }

  void apply(const Filter& filter) {
    check_meaning(filter);
    std::set<std::size_t> chosen;
    if (filter.any)
      for (std::size_t i = 0; i < rules_.size(); ++i)
        if (contains(filter.logsource, rules_[i].logsource)) chosen.insert(i);
    for (const Filter::Reference& reference : filter.references) resolve(filter, reference, chosen);
    if (filter.any && chosen.empty())
      warn(filter, "filter.no_rule", filter.mark, "no rule is inside the filter's logsource",
           "load the rules that it is for, or remove it");
    for (const std::size_t i : chosen)
      if (!add(filter, rules_[i])) return;
  }

 private:
  void warn(const Filter& filter, std::string code, yaml::Mark mark, std::string message,
            std::string hint) {
    tell_({Severity::kWarning, std::move(code), filter.path, mark,
           filter.id.empty() ? filter.title : filter.id, std::move(message), std::move(hint), "",
           0});
  }

  void check_meaning(const Filter& filter) {
    if (mode_ == FilterMode::kPySigma && !negates(filter, filter.condition))
      warn(filter, "filter.no_not", filter.condition_mark,
           "the filter has no 'not': its rules fire only where it matches",
           "write 'not selection' to leave out what matches, or use --filter-mode exclude");
    if (mode_ == FilterMode::kExclude && filter.condition.kind == Expr::Kind::kNot)
      warn(filter, "filter.double_not", filter.condition_mark,
           "the filter excludes what does not match it: its rules fire only where it matches",
           "leave 'not' out, or use --filter-mode pysigma");
  }

  void resolve(const Filter& filter, const Filter::Reference& reference,
               std::set<std::size_t>& chosen) {
    const auto found = by_name_.find(reference.rule);
    if (found == by_name_.end()) {
      warn(filter, "filter.unknown_rule", reference.mark,
           fmt::format("no rule has the id or name '{:.80}'", reference.rule),
           "load the rule, mend the reference, or write 'rules: any'");
      return;
    }
    for (const std::size_t i : found->second) {
      if (contains(filter.logsource, rules_[i].logsource)) {
        chosen.insert(i);
        continue;
      }
      warn(filter, "filter.logsource", reference.mark,
           fmt::format("the rule '{:.80}' is not inside the filter's logsource, so the filter is "
                       "not applied to it",
                       reference.rule),
           "give the filter the logsource of the rule, or fewer attributes of it");
    }
  }

  bool add(const Filter& filter, Rule& rule) {
    added_ += filter.predicates.size();
    if (added_ > kFilterPredicatesMax) {
      tell_({Severity::kError, "filter.too_large", filter.path, filter.mark,
             filter.id.empty() ? filter.title : filter.id,
             "filters add more than 2,000,000 values to the rules; this one is applied in part",
             "name fewer rules, or fewer values", "", 0});
      return false;
    }
    const auto first = static_cast<std::uint32_t>(rule.predicates.size());
    rule.predicates.insert(rule.predicates.end(), filter.predicates.begin(),
                           filter.predicates.end());
    Expr part = filter.condition;
    shift(part, first);
    if (mode_ == FilterMode::kExclude) {
      Expr negated;
      negated.kind = Expr::Kind::kNot;
      negated.children.push_back(std::move(part));
      part = std::move(negated);
    }
    if (rule.filters.empty()) {
      Expr all;
      all.children.push_back(std::move(rule.condition));
      rule.condition = std::move(all);
    }
    rule.condition.children.push_back(std::move(part));
    rule.filters.push_back({filter.id, filter.title, filter.path, first});
    return true;
  }

  std::vector<Rule>& rules_;
  FilterMode mode_;
  const std::function<void(Diagnostic)>& tell_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;
  std::size_t added_ = 0;
};

}  // namespace

bool contains(const Logsource& outer, const Logsource& inner) {
  const auto fits = [](const std::string& wanted, const std::string& given) {
    return wanted.empty() || wanted == given;
  };
  return fits(outer.category, inner.category) && fits(outer.product, inner.product) &&
         fits(outer.service, inner.service);
}

void apply_filters(std::vector<Rule>& rules, const std::vector<Filter>& filters, FilterMode mode,
                   const std::function<void(Diagnostic)>& tell) {
  Application application(rules, mode, tell);
  for (const Filter& filter : filters) application.apply(filter);
}

}  // namespace tocsin::sigma
