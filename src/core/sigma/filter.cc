// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {
namespace {

constexpr std::size_t kTextBytesPerCopy = 64;
constexpr std::size_t kFilterWarningsMax = 1'000;

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
    if (added_ > kFilterCopiesMax) return too_large(filter);
    std::set<std::size_t> chosen;
    if (filter.any)
      for (std::size_t i = 0; i < rules_.size(); ++i)
        if (contains(filter.logsource, rules_[i].logsource)) chosen.insert(i);
    for (const Filter::Reference& reference : filter.references)
      if (!resolve(filter, reference, chosen)) break;
    if (filter.any && chosen.empty())
      warn(filter, "filter.no_rule", filter.mark, "no rule is inside the filter's logsource",
           "load the rules that it is for, or remove it");
    const std::size_t size = filter.predicates.size() + count_nodes(filter.condition) +
                             (filter.title.size() + filter.id.size()) / kTextBytesPerCopy;
    for (const std::size_t i : chosen)
      if (!add(filter, size, rules_[i])) return;
  }

 private:
  void warn(const Filter& filter, std::string code, yaml::Mark mark, std::string message,
            std::string hint) {
    if (warned_ == kFilterWarningsMax) {
      code = "rule.more_problems";
      message = "there are more problems with filters than are told here";
      hint = "mend these first";
    }
    if (warned_++ > kFilterWarningsMax) return;
    tell_({Severity::kWarning, std::move(code), filter.path, mark,
           filter.id.empty() ? filter.title : filter.id, std::move(message), std::move(hint), "",
           0});
  }

  void error(const Filter& filter, yaml::Mark mark, std::string message, std::string hint) {
    tell_({Severity::kError, "filter.too_large", filter.path, mark,
           filter.id.empty() ? filter.title : filter.id, std::move(message), std::move(hint), "",
           0});
  }

  void too_large(const Filter& filter) {
    error(
        filter, filter.mark,
        "filters add more than 2,000,000 values and parts of conditions to the rules; this one is "
        "not applied, or only in part",
        "name fewer rules, or fewer values");
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

  // False beyond the limit.
  bool resolve(const Filter& filter, const Filter::Reference& reference,
               std::set<std::size_t>& chosen) {
    const auto found = by_name_.find(reference.rule);
    if (found == by_name_.end()) {
      warn(filter, "filter.unknown_rule", reference.mark,
           fmt::format("no rule has the id or name '{:.80}'", reference.rule),
           "load the rule, mend the reference, or write 'rules: any'");
      return true;
    }
    found_ += found->second.size();
    if (found_ > kFilterReferencesMax) {
      error(filter, reference.mark,
            "the references of filters find more than 2,000,000 rules; the rest is left out",
            "write each reference once, and give each rule a name of its own");
      return false;
    }
    bool outside = false;
    for (const std::size_t i : found->second) {
      const bool inside = contains(filter.logsource, rules_[i].logsource);
      if (inside) chosen.insert(i);
      outside |= !inside;
    }
    if (outside)
      warn(filter, "filter.logsource", reference.mark,
           fmt::format("the rule '{:.80}' is not inside the filter's logsource, so the filter is "
                       "not applied to it",
                       reference.rule),
           "give the filter the logsource of the rule, or fewer attributes of it");
    return true;
  }

  bool add(const Filter& filter, std::size_t size, Rule& rule) {
    added_ += size;
    if (added_ > kFilterCopiesMax) {
      too_large(filter);
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
  std::size_t added_ = 0;  // copies of parts of filters
  std::size_t found_ = 0;  // rules behind references
  std::size_t warned_ = 0;
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
