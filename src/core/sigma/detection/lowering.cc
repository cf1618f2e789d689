// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/lowering.h"

#include <algorithm>

namespace tocsin::sigma {

namespace {

std::size_t bytes_of(const Predicate& predicate) {
  std::size_t bytes = predicate.text.size() + predicate.field.size() + predicate.other_field.size();
  for (const Part& part : predicate.pattern.parts()) bytes += part.text.size() + sizeof(Part);
  return bytes;
}

}  // namespace

Expr Lowering::add(Predicate predicate) {
  Expr expr;
  const std::size_t bytes = bytes_of(predicate);
  std::string_view beyond;
  if (predicates.size() >= kRulePredicatesMax)
    beyond = "the rule has more than 200,000 values to compare with";
  else if (budget.predicates == 0)
    beyond = "the rules of this file have more than 1,000,000 values to compare with";
  else if (bytes > budget.value_bytes)
    beyond = "the values of this file's rules take more than 64 MiB";
  if (!beyond.empty()) {
    if (!full)
      error("rule.too_large", predicate.mark, std::string(beyond),
            "split it; lists of indicators belong into a lookup, not into a rule");
    full = true;
    return expr;
  }
  --budget.predicates;
  budget.value_bytes -= bytes;
  expr.kind = Expr::Kind::kPredicate;
  expr.predicate = static_cast<std::uint32_t>(predicates.size());
  predicates.push_back(std::move(predicate));
  return expr;
}

bool Lowering::spend_expansion(std::size_t bytes, yaml::Mark mark) {
  if (full) return false;
  if (bytes <= budget.expansion_bytes) {
    budget.expansion_bytes -= bytes;
    return true;
  }
  full = true;
  budget.expansion_bytes = 0;
  error("modifier.too_many_values", mark,
        "the modifiers and placeholders of this file make more than 256 MiB of values",
        "use fewer encodings, dashes and placeholders, or split the file");
  return false;
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
