// SPDX-License-Identifier: Apache-2.0
//
// Program: a rule's condition as a flat array, and its witness: predicates of which at least one
// must hold for the rule to match, chosen so that they seldom do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/sigma/rule.h"

namespace tocsin::match {

using PredicateId = std::uint32_t;

// When the truth of a predicate is known.
enum class Settled : std::uint8_t {
  kByValue,     // a test of one value: part of what ValueMemo remembers
  kByPresence,  // whether the field is there, or null
  kDeferred,    // the same, but made only when a candidate asks for the field's
  kLate,        // asked by itself: of the whole event, or too dear to be asked for nothing
};

// Nodes in prefix order: a node's children follow it, up to `end`. What most tests need stands
// here: a look at tables by predicate for each costs more than all else of a large rule set.
struct ProgramNode {
  sigma::Expr::Kind kind;
  Settled settled = Settled::kByValue;  // kPredicate
  std::uint32_t argument = 0;           // kPredicate: its id
  std::uint32_t end = 0;                // index behind the node's subtree
};

struct Witness {
  std::vector<PredicateId> predicates;
  double cost = 0;  // how often some event makes it hold, in no particular unit
};

// Appends the program of `expr` to `nodes`; `ids` maps the rule's own predicate numbers, `settled`
// is by id.
void append_program(std::vector<ProgramNode>& nodes, const sigma::Expr& expr,
                    const std::vector<PredicateId>& ids, const std::vector<Settled>& settled);

// `cost_of` gives a predicate's cost, or nothing when its truth is not known before the rule is
// evaluated. Empty when the rule can match without any such predicate (then it is always a
// candidate).
[[nodiscard]] std::optional<Witness> choose_witness(
    const sigma::Expr& expr, const std::vector<PredicateId>& ids,
    const std::function<std::optional<double>(PredicateId)>& cost_of);

enum class Truth : std::uint8_t { kNo, kYes, kUnknown };

// What is known of the subtree at `at`; `test(ProgramNode)` gives a predicate's. Kleene's logic: an
// unknown part that cannot change the result does not make it unknown.
template <class Test>
Truth evaluate_partly(const std::vector<ProgramNode>& nodes, std::uint32_t at, Test&& test) {
  const ProgramNode& node = nodes[at];
  if (node.kind == sigma::Expr::Kind::kPredicate) return test(node);
  if (node.kind == sigma::Expr::Kind::kNot) {
    const Truth truth = evaluate_partly(nodes, at + 1, test);
    if (truth == Truth::kUnknown) return truth;
    return truth == Truth::kYes ? Truth::kNo : Truth::kYes;
  }
  const bool is_and = node.kind == sigma::Expr::Kind::kAnd;
  const Truth ends = is_and ? Truth::kNo : Truth::kYes;
  Truth result = is_and ? Truth::kYes : Truth::kNo;
  for (std::uint32_t child = at + 1; child < node.end; child = nodes[child].end) {
    const bool is_leaf = nodes[child].kind == sigma::Expr::Kind::kPredicate;  // most are
    const Truth truth = is_leaf ? test(nodes[child]) : evaluate_partly(nodes, child, test);
    if (truth == ends) return truth;
    if (truth == Truth::kUnknown) result = truth;
  }
  return result;
}

// Evaluates the subtree at `at`; `test(ProgramNode)` tells whether a predicate holds.
template <class Test>
bool evaluate(const std::vector<ProgramNode>& nodes, std::uint32_t at, Test&& test) {
  const ProgramNode& node = nodes[at];
  switch (node.kind) {
    case sigma::Expr::Kind::kPredicate:
      return test(node);
    case sigma::Expr::Kind::kNot:
      return !evaluate(nodes, at + 1, test);
    case sigma::Expr::Kind::kAnd:
      for (std::uint32_t child = at + 1; child < node.end; child = nodes[child].end)
        if (!evaluate(nodes, child, test)) return false;
      return true;
    case sigma::Expr::Kind::kOr:
      for (std::uint32_t child = at + 1; child < node.end; child = nodes[child].end)
        if (evaluate(nodes, child, test)) return true;
      return false;
  }
  return false;
}

}  // namespace tocsin::match
