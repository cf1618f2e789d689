// SPDX-License-Identifier: Apache-2.0
//
// Modifiers: `Field|modifier|modifier: values` to an expression of predicates (Sigma
// specification 2.1, appendix "Modifiers").
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "core/sigma/diagnostic.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

using Placeholders = std::map<std::string, std::vector<std::string>, std::less<>>;

// What a lowering step needs: where predicates go, what `%name%` stands for, whom to tell.
struct Lowering {
  Rule& rule;
  const Placeholders& placeholders;
  std::function<void(Severity, std::string code, yaml::Mark, std::string message, std::string hint)>
      tell;
  bool failed = false;

  void error(std::string code, yaml::Mark mark, std::string message, std::string hint = {}) {
    failed = true;
    tell(Severity::kError, std::move(code), mark, std::move(message), std::move(hint));
  }
  void warning(std::string code, yaml::Mark mark, std::string message, std::string hint = {}) {
    tell(Severity::kWarning, std::move(code), mark, std::move(message), std::move(hint));
  }
  [[nodiscard]] Expr add(Predicate predicate);
};

// `key` is "Field|mod|mod" ("" or "|mod": a keyword), `value` a scalar or a sequence of scalars.
[[nodiscard]] Expr lower_item(Lowering& lowering, const std::string& key, yaml::Mark key_mark,
                              const yaml::Node& value);

}  // namespace tocsin::sigma
