// SPDX-License-Identifier: Apache-2.0
//
// Any text as a rule file: documents, collections, filters. What is refused is told with a place, a
// hint and a readable excerpt; what is taken has a sound expression that can be evaluated, with its
// filters in both modes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "core/sigma/evaluate.h"
#include "core/sigma/parse.h"

namespace {

using namespace tocsin;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_expr(const sigma::Expr& expr, std::size_t predicates) {
  using Kind = sigma::Expr::Kind;
  if (expr.kind == Kind::kPredicate) check(expr.predicate < predicates);
  if (expr.kind == Kind::kNot) check(expr.children.size() == 1);
  if (expr.kind == Kind::kPredicate) check(expr.children.empty());
  for (const sigma::Expr& child : expr.children) check_expr(child, predicates);
}

void check_diagnostic(const sigma::Diagnostic& d) {
  check(!d.code.empty() && !d.message.empty() && !d.hint.empty());
  check(d.mark.line > 0 && d.mark.column > 0);
  check(is_utf8(d.excerpt) && d.excerpt.find('\n') == std::string::npos);
  check(d.caret <= d.excerpt.size());
  (void)to_text(d);
}

void evaluate(const std::vector<sigma::Rule>& rules, std::string_view text) {
  const std::string value = repair_utf8(text.substr(0, 64));
  for (const sigma::Rule& rule : rules) {
    check_expr(rule.condition, rule.predicates.size());
    if (rule.predicates.size() > 100) continue;  // evaluate() compiles each anew
    FieldTable fields;
    std::vector<FieldValue> values;
    for (const sigma::Predicate& p : rule.predicates)
      if (!p.is_keyword()) values.push_back({fields.intern(p.field), ValueKind::kString, value});
    (void)sigma::matches(rule, fields, values);
    (void)sigma::matches(rule, fields, {});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sigma::ParseOptions options;
  options.placeholders = {{"one", {"x"}}, {"two", {"a*", "b\\"}}};
  const sigma::ParsedFile parsed = sigma::parse_rules(text, "fuzz.yml", options);
  const bool has_error =
      std::any_of(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                  [](const auto& d) { return d.severity == sigma::Severity::kError; });
  check(has_error == (parsed.rejected > 0));
  for (const sigma::Diagnostic& d : parsed.diagnostics) check_diagnostic(d);
  evaluate(parsed.rules, text);
  for (const auto mode : {sigma::FilterMode::kPySigma, sigma::FilterMode::kExclude}) {
    if (parsed.filters.empty()) break;
    std::vector<sigma::Rule> rules = parsed.rules;
    sigma::apply_filters(rules, parsed.filters, mode, [](const sigma::Diagnostic& d) {
      check(!d.code.empty() && !d.hint.empty() && d.mark.line > 0);
    });
    for (const sigma::Rule& rule : rules)
      check(rule.filters.empty() || rule.condition.children.size() == rule.filters.size() + 1);
    evaluate(rules, text);
  }
  return 0;
}
