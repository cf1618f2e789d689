// SPDX-License-Identifier: Apache-2.0
//
// Lowering: what the steps from YAML to predicates share: where predicates go, what `%name%` stands
// for, whom to tell, and how much a file may cost.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/yaml.h"
#include "core/sigma/diagnostic.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

using Placeholders = std::map<std::string, std::vector<std::string>, std::less<>>;

inline constexpr std::size_t kRulePredicatesMax = 200'000;
inline constexpr std::size_t kFilePredicatesMax = 1'000'000;
// Nodes of the conditions of one rule, and of all rules of a file. A pattern such as `1 of *`
// repeats what it selects.
inline constexpr std::size_t kRuleExprNodesMax = 1'000'000;
inline constexpr std::size_t kFileExprNodesMax = 4'000'000;
// Texts of all values of a file, as the modifiers make them.
inline constexpr std::size_t kFileValueBytesMax = 64 << 20;
// What the modifiers and placeholders of a file make on the way, also of values that are refused.
inline constexpr std::size_t kFileExpansionBytesMax = 256 << 20;
// Names that the patterns of all conditions of a file are compared with.
inline constexpr std::size_t kFileConditionStepsMax = 20'000'000;
// Instructions of all compiled regular expressions of a file.
inline constexpr std::size_t kFileRegexCostMax = 2'000'000;
inline constexpr std::size_t kValueBytesMax = 16'384;
inline constexpr std::size_t kValueWildcardsMax = 256;
inline constexpr std::size_t kExpansionsMax = 10'000;  // of one value
inline constexpr std::size_t kExpansionBytesMax = 4 << 20;
inline constexpr std::size_t kModifiersMax = 16;

// What is left of the limits of one file.
struct Budget {
  std::size_t predicates = kFilePredicatesMax;
  std::size_t expr_nodes = kFileExprNodesMax;
  std::size_t value_bytes = kFileValueBytesMax;
  std::size_t expansion_bytes = kFileExpansionBytesMax;
  std::size_t condition_steps = kFileConditionStepsMax;
  std::size_t regex_cost = kFileRegexCostMax;
};

using Tell = std::function<void(Severity, std::string code, yaml::Mark, std::string message,
                                std::string hint)>;

struct Lowering {
  std::vector<Predicate>& predicates;
  const Placeholders& placeholders;
  Budget& budget;
  Tell tell;
  bool failed = false;
  bool full = false;

  void error(std::string code, yaml::Mark mark, std::string message, std::string hint) {
    failed = true;
    tell(Severity::kError, std::move(code), mark, std::move(message), std::move(hint));
  }
  void warning(std::string code, yaml::Mark mark, std::string message, std::string hint) {
    tell(Severity::kWarning, std::move(code), mark, std::move(message), std::move(hint));
  }
  // Beyond the limits: an error, once, and an empty expression; `full` from then on.
  [[nodiscard]] Expr add(Predicate predicate);
  // Counts what a value was expanded to; false beyond the limit, which is told once.
  [[nodiscard]] bool spend_expansion(std::size_t bytes, yaml::Mark mark);
};

[[nodiscard]] Expr join(Expr::Kind kind, std::vector<Expr> children);
[[nodiscard]] Expr negate(Expr expr);
[[nodiscard]] std::size_t count_nodes(const Expr& expr);
// A-Z only.
[[nodiscard]] std::string lower_ascii(std::string_view text);

}  // namespace tocsin::sigma
