// SPDX-License-Identifier: Apache-2.0
#include "stages/match/program.h"

#include <algorithm>
#include <unordered_set>

namespace tocsin::match {

using sigma::Expr;

void append_program(std::vector<ProgramNode>& nodes, const Expr& expr,
                    const std::vector<PredicateId>& ids, const std::vector<Settled>& settled) {
  const std::size_t at = nodes.size();
  nodes.push_back({.kind = expr.kind});
  if (expr.kind == Expr::Kind::kPredicate) {
    nodes[at].argument = ids[expr.predicate];
    nodes[at].settled = settled[nodes[at].argument];
  }
  std::unordered_set<PredicateId> there;  // of `and` and `or`: what is named again says nothing
  for (const Expr& child : expr.children)
    if (child.kind != Expr::Kind::kPredicate || there.insert(ids[child.predicate]).second)
      append_program(nodes, child, ids, settled);
  nodes[at].end = static_cast<std::uint32_t>(nodes.size());
}

std::optional<Witness> choose_witness(
    const Expr& expr, const std::vector<PredicateId>& ids,
    const std::function<std::optional<double>(PredicateId)>& cost_of) {
  switch (expr.kind) {
    case Expr::Kind::kPredicate: {
      const PredicateId id = ids[expr.predicate];
      if (const auto cost = cost_of(id)) return Witness{{id}, *cost};
      return std::nullopt;
    }
    case Expr::Kind::kNot:
      return std::nullopt;
    case Expr::Kind::kAnd: {
      std::optional<Witness> best;
      for (const Expr& child : expr.children) {
        auto witness = choose_witness(child, ids, cost_of);
        if (witness && (!best || witness->cost < best->cost)) best = std::move(witness);
      }
      return best;
    }
    case Expr::Kind::kOr: {
      Witness all;  // an empty `or` never matches: an empty witness is right
      for (const Expr& child : expr.children) {
        auto witness = choose_witness(child, ids, cost_of);
        if (!witness) return std::nullopt;
        all.cost += witness->cost;
        all.predicates.insert(all.predicates.end(), witness->predicates.begin(),
                              witness->predicates.end());
      }
      std::sort(all.predicates.begin(), all.predicates.end());
      all.predicates.erase(std::unique(all.predicates.begin(), all.predicates.end()),
                           all.predicates.end());
      return all;
    }
  }
  return std::nullopt;
}

}  // namespace tocsin::match
