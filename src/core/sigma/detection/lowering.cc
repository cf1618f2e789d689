// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/lowering.h"

#include <algorithm>

namespace tocsin::sigma {

Expr Lowering::add(Predicate predicate) {
  Expr expr;
  if (predicates.size() >= kRulePredicatesMax || budget.predicates == 0) {
    if (!full)
      error("rule.too_large", predicate.mark,
            predicates.size() >= kRulePredicatesMax
                ? "the rule has more than 200,000 values to compare with"
                : "the rules of this file have more than 1,000,000 values to compare with",
            "split it; lists of indicators belong into a lookup, not into a rule");
    full = true;
    return expr;
  }
  --budget.predicates;
  expr.kind = Expr::Kind::kPredicate;
  expr.predicate = static_cast<std::uint32_t>(predicates.size());
  predicates.push_back(std::move(predicate));
  return expr;
}

Expr join(Expr::Kind kind, std::vector<Expr> children) {
  if (children.size() == 1) return std::move(children.front());
  Expr expr;
  expr.kind = kind;
  expr.children = std::move(children);
  return expr;
}

Expr negate(Expr expr) {
  Expr negated;
  negated.kind = Expr::Kind::kNot;
  negated.children.push_back(std::move(expr));
  return negated;
}

std::size_t count_nodes(const Expr& expr) {
  std::size_t nodes = 1;
  for (const Expr& child : expr.children) nodes += count_nodes(child);
  return nodes;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace tocsin::sigma
