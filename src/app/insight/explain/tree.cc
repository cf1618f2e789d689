// SPDX-License-Identifier: Apache-2.0
#include "app/insight/explain/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "base/utf8.h"
#include "core/sigma/evaluate.h"

namespace tocsin::insight {
namespace {

std::string_view text_of(const FieldValue& value) {
  return value.kind == ValueKind::kContainer ? std::string_view("(an object or an empty list)")
                                             : value.text;
}

using sigma::Expr;
using sigma::Op;
using sigma::Predicate;

constexpr std::size_t kKeywordValuesMax = 10;

std::string_view time_part_name(sigma::TimePart part) {
  static constexpr std::array<std::string_view, 7> kNames = {"",     "minute", "hour", "day",
                                                             "week", "month",  "year"};
  return kNames[static_cast<std::size_t>(part)];
}

std::string_view op_words(const Predicate& p) {
  static constexpr std::array<std::string_view, 15> kOps = {"is",
                                                            "starts with",
                                                            "ends with",
                                                            "contains",
                                                            "matches",
                                                            "matches the regex",
                                                            "is in",
                                                            "<",
                                                            "<=",
                                                            ">",
                                                            ">=",
                                                            "=",
                                                            "equals the field",
                                                            "exists",
                                                            "is null or absent"};
  static constexpr std::array<std::string_view, 4> kRefs = {
      "equals the field", "starts with the field", "ends with the field", "contains the field"};
  if (p.op == Op::kFieldRef) return kRefs[static_cast<std::size_t>(p.ref_op)];
  return kOps[static_cast<std::size_t>(p.op)];
}

std::string operand(const Predicate& p) {
  if (p.op == Op::kFieldRef) return p.other_field;
  if (p.op == Op::kWildcard) return "'" + p.pattern.to_string() + "'";
  if (p.op >= Op::kLess && p.op <= Op::kNumberEqual) return p.text;
  if (p.op < Op::kExists) return "'" + p.text + "'";
  return {};
}

std::string quoted_as_written(const Predicate& p, const std::string& text) {
  if (p.op == Op::kEquals && text.empty()) return "''";
  if (p.op == Op::kNull || p.op == Op::kExists || p.op == Op::kFieldRef) return text;
  if (p.op >= Op::kLess && p.op <= Op::kNumberEqual) return text;
  return "'" + text + "'";
}

std::string words_of(const Predicate& p) {
  std::string out;
  if (p.time_part != sigma::TimePart::kNone)
    out += fmt::format("has a {} that ", time_part_name(p.time_part));
  out += op_words(p);
  const std::string what = operand(p);
  if (!what.empty()) out += " " + what;
  if (p.cased && p.op <= Op::kWildcard) out += " (exact case)";
  return out;
}

class Builder {
 public:
  Builder(const sigma::Rule& rule, const WrittenRule& written, const EventView* event)
      : rule_(rule), written_(written), event_(event), known_(rule.predicates.size()) {}

  // The rule's own condition, then one child for each filter.
  Explained build_all() {
    const Expr& top = rule_.condition;
    const std::size_t filters = rule_.filters.size();
    if (filters == 0 || top.children.size() != filters + 1) return build(top, "");
    Explained out;
    out.holds = holds(top);
    out.children.push_back(build(top.children.front(), ""));
    for (std::size_t i = 0; i < filters; ++i) {
      Explained& filter = out.children.emplace_back();
      filter.name = rule_.filters[i].title;
      filter.is_filter = true;
      filter.holds = holds(top.children[i + 1]);
      filter.children.push_back(build(top.children[i + 1], ""));
    }
    return out;
  }

  Explained build(const Expr& expr, std::string_view around) {
    const std::string name = selection_of(expr);
    if (expr.kind == Expr::Kind::kNot && name != around && !is_key_negation(expr))
      return group(expr, around);
    const bool named = !name.empty() && name != around;
    Explained out = folds(expr, !name.empty()) ? item(expr) : group(expr, name);
    if (named) out.name = name;
    return out;
  }

 private:
  bool predicate_holds(std::uint32_t index) {
    if (event_ == nullptr) return false;
    std::optional<bool>& known = known_[index];
    if (!known)
      known = sigma::predicate_matches(sigma::compile(rule_.predicates[index]), event_->fields,
                                       event_->event.values);
    return *known;
  }

  bool holds(const Expr& expr) {
    const auto is_true = [this](const Expr& child) { return holds(child); };
    switch (expr.kind) {
      case Expr::Kind::kAnd:
        return event_ != nullptr &&
               std::all_of(expr.children.begin(), expr.children.end(), is_true);
      case Expr::Kind::kOr:
        return std::any_of(expr.children.begin(), expr.children.end(), is_true);
      case Expr::Kind::kNot:
        return event_ != nullptr && !holds(expr.children.front());
      case Expr::Kind::kPredicate:
        return predicate_holds(expr.predicate);
    }
    return false;
  }

  static void each_predicate(const Expr& expr, const std::function<void(std::uint32_t)>& body) {
    if (expr.kind == Expr::Kind::kPredicate) body(expr.predicate);
    for (const Expr& child : expr.children) each_predicate(child, body);
  }

  // The selection that everything below the node belongs to; empty when there are several.
  std::string selection_of(const Expr& expr) const {
    std::string name;
    bool first = true;
    each_predicate(expr, [&](std::uint32_t index) {
      const WrittenItem* item = written_.at(rule_, index);
      const std::string here = item == nullptr ? "" : item->selection;
      if (first) name = here;
      if (here != name) name.clear();
      first = false;
    });
    return name;
  }

  // Whether the node is one key of the rule. Outside of a known selection a `not` is rather the
  // condition's than the key's.
  bool folds(const Expr& expr, bool in_selection) const {
    std::optional<yaml::Mark> mark;
    bool same = true;
    each_predicate(expr, [&](std::uint32_t index) {
      const yaml::Mark here = rule_.predicates[index].mark;
      if (!mark) mark = here;
      same = same && mark->line == here.line && mark->column == here.column;
    });
    if (!mark || !same) return false;
    const std::function<bool(const Expr&)> has_not = [&](const Expr& e) {
      return e.kind == Expr::Kind::kNot ||
             std::any_of(e.children.begin(), e.children.end(), has_not);
    };
    return in_selection || !has_not(expr);
  }

  // Whether a `not` is a key's own (neq, exists: false), not the condition's.
  bool is_key_negation(const Expr& expr) const {
    const Expr& child = expr.children.front();
    if (child.kind == Expr::Kind::kNot || !folds(expr, true)) return false;
    bool negates = false;
    each_predicate(child, [&](std::uint32_t index) {
      const WrittenItem* item = written_.at(rule_, index);
      negates = item != nullptr && (item->key.find("|neq") != std::string::npos ||
                                    item->key.find("|exists") != std::string::npos);
    });
    return negates;
  }

  Explained group(const Expr& expr, std::string_view around) {
    static constexpr std::array<Explained::Kind, 3> kKinds = {
        Explained::Kind::kAll, Explained::Kind::kAny, Explained::Kind::kNot};
    Explained out;
    out.kind = expr.kind == Expr::Kind::kPredicate ? Explained::Kind::kAll
                                                   : kKinds[static_cast<std::size_t>(expr.kind)];
    out.holds = holds(expr);
    if (expr.kind == Expr::Kind::kPredicate) out.children.push_back(item(expr));
    for (const Expr& child : expr.children) out.children.push_back(build(child, around));
    return out;
  }

  Explained item(const Expr& expr) {
    Explained out;
    out.kind = Explained::Kind::kItem;
    out.holds = holds(expr);
    const Expr* inner = &expr;
    while (inner->children.size() == 1) {
      out.negated = out.negated != (inner->kind == Expr::Kind::kNot);
      inner = &inner->children.front();
    }
    out.all = inner->kind == Expr::Kind::kAnd;
    std::vector<std::uint32_t> predicates;
    each_predicate(expr, [&](std::uint32_t index) { predicates.push_back(index); });
    const Predicate& first = rule_.predicates[predicates.front()];
    const WrittenItem* written = written_.at(rule_, predicates.front());
    out.field = first.field;
    out.key = written != nullptr ? written->key : first.field;
    const bool one_to_one = written != nullptr && written->values.size() == predicates.size();
    for (std::size_t i = 0; i < predicates.size(); ++i) {
      const Predicate& p = rule_.predicates[predicates[i]];
      ExplainedPattern& pattern = out.patterns.emplace_back();
      pattern.words = words_of(p);
      pattern.text = one_to_one ? quoted_as_written(p, written->values[i])
                                : (operand(p).empty() ? std::string(op_words(p)) : operand(p));
      pattern.holds = predicate_holds(predicates[i]);
    }
    if (event_ != nullptr) add_values(out, predicates);
    return out;
  }

  void add_values(Explained& out, const std::vector<std::uint32_t>& predicates) {
    const FieldTable& fields = event_->fields;
    std::vector<sigma::CompiledPredicate> compiled;
    std::vector<FieldId> read;
    for (const std::uint32_t index : predicates) {
      const Predicate& p = rule_.predicates[index];
      compiled.push_back(sigma::compile(p));
      for (const std::string& field : {p.field, p.other_field})
        if (!field.empty() && fields.find(field) != kNoField) read.push_back(fields.find(field));
    }
    for (const FieldValue& value : event_->event.values) {
      const bool reads = std::find(read.begin(), read.end(), value.field) != read.end();
      if (!reads && !out.field.empty()) continue;
      const std::string text = folded(value.text);
      const bool yes = std::any_of(compiled.begin(), compiled.end(), [&](const auto& p) {
        if (p.predicate->op == Op::kExists) return true;
        return sigma::value_holds(p, value, text);
      });
      if (out.field.empty() && (!yes || out.values.size() >= kKeywordValuesMax)) continue;
      out.values.push_back({value.field == kNoField ? "" : fields.name(value.field),
                            std::string(text_of(value)), value.kind == ValueKind::kNull, yes});
    }
  }

  const sigma::Rule& rule_;
  const WrittenRule& written_;
  const EventView* event_;
  std::vector<std::optional<bool>> known_;
};

}  // namespace

Explained explain_rule(const sigma::Rule& rule, const WrittenRule& written,
                       const EventView* event) {
  return Builder(rule, written, event).build_all();
}

}  // namespace tocsin::insight
