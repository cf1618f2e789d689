// SPDX-License-Identifier: Apache-2.0
//
// A rule as text and an event as pairs of texts: does it fire, and if not read, why not.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/sigma/evaluate.h"
#include "core/sigma/parse.h"

namespace tocsin::tests {

inline constexpr std::string_view kRuleId = "11111111-2222-4333-8444-555555555555";

inline std::string rule_text(std::string_view detection, std::string_view meta = "") {
  return fmt::format(
      "title: a rule\nid: {}\nlogsource: {{product: windows}}\n{}"
      "detection:\n{}\n",
      kRuleId, meta, detection);
}

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// With one selection, `s`.
inline std::string in_rule(const std::string& item, std::string_view condition = "s") {
  return rule_text("  s:\n    " + item + "\n  condition: " + std::string(condition));
}

using Values = std::vector<std::pair<std::string, std::string>>;

// The fields of the rule are all that the event is asked for; "<null>" is null.
inline bool matches(const sigma::Rule& rule, const Values& event) {
  FieldTable fields;
  for (const auto& p : rule.predicates) {
    if (!p.field.empty()) fields.intern(p.field);
    if (!p.other_field.empty()) fields.intern(p.other_field);
  }
  std::vector<FieldValue> values;
  for (const auto& [name, text] : event)
    values.push_back({fields.find(name), text == "<null>" ? ValueKind::kNull : ValueKind::kString,
                      text == "<null>" ? std::string_view() : std::string_view(text)});
  return sigma::matches(rule, fields, values);
}

inline bool fires(std::string_view detection, const Values& event,
                  const sigma::Placeholders& placeholders = {}) {
  sigma::ParseOptions options;
  options.placeholders = placeholders;
  const auto parsed = sigma::parse_rules(rule_text(detection), "test.yml", options);
  for (const auto& d : parsed.diagnostics)
    if (d.severity == sigma::Severity::kError) MESSAGE(to_text(d));
  REQUIRE(parsed.rules.size() == 1);
  return matches(parsed.rules[0], event);
}

// "  s: {item}\n  condition: s" fires for an event with one field F.
inline bool item_fires(std::string_view item, const std::string& value,
                       const sigma::Placeholders& placeholders = {}) {
  return fires(fmt::format("  s:\n    {}\n  condition: s", item), {{"F", value}}, placeholders);
}

// The code of the first error, or "".
inline std::string error_of(const std::string& text) {
  const auto parsed = sigma::parse_rules(text, "test.yml");
  for (const auto& d : parsed.diagnostics)
    if (d.severity == sigma::Severity::kError) return d.code;
  return "";
}

inline std::vector<std::string> warnings_of(const std::string& text) {
  std::vector<std::string> out;
  for (const auto& d : sigma::parse_rules(text, "test.yml").diagnostics)
    if (d.severity == sigma::Severity::kWarning) out.push_back(d.code);
  return out;
}

}  // namespace tocsin::tests
