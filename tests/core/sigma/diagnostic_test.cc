// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/diagnostic.h"

#include <doctest/doctest.h>

#include <string>

#include "base/utf8.h"
#include "rule_world.h"

using namespace tocsin;
using namespace tocsin::tests;

namespace {

sigma::Diagnostic shown(std::string_view text, yaml::Mark mark) {
  sigma::Diagnostic d;
  d.mark = mark;
  sigma::SourceText(text).show(d);
  return d;
}

}  // namespace

TEST_CASE("diagnostic: the line and the caret") {
  const auto d = shown("first\n    second: bad\r\nthird", {2, 13});
  CHECK(d.excerpt == "second: bad");
  CHECK(d.caret == 8);
  CHECK(to_text(d).find("\n    second: bad\n            ^") != std::string::npos);
  CHECK(shown("a\n\xC3\xA9\xC3\xA9 x", {2, 4}).caret == 3);
  CHECK(shown("a\tb", {1, 3}).excerpt == "a b");
  CHECK(shown("abc", {1, 99}).caret == 3);
  CHECK(shown("abc", {7, 1}).excerpt.empty());
  CHECK(shown("", {1, 1}).excerpt.empty());
}

TEST_CASE("diagnostic: of a long line the part around the caret, whole characters only") {
  std::string line(1'000, 'x');
  line += "HERE" + std::string(1'000, 'y');
  const auto d = shown(line, {1, 1'001});
  CHECK(d.excerpt.size() == sigma::kExcerptBytesMax);
  CHECK(d.excerpt.substr(d.caret, 4) == "HERE");
  std::string umlauts;
  for (int i = 0; i < 1'000; ++i) umlauts += "\xC3\xA9";
  CHECK(is_utf8(shown(umlauts, {1, 500}).excerpt));
  CHECK(is_utf8(shown("bad \xFF\xC3 bytes", {1, 5}).excerpt));
}

TEST_CASE("diagnostic: places in conditions") {
  struct Case {
    std::string condition;
    std::size_t line, column;
  };
  const Case cases[] = {
      {"condition: s and nothing", 6, 20}, {"condition: 's and nothing'", 6, 21},
      {"condition: [s, nothing]", 6, 18},  {"condition: (s", 6, 16},
      {"condition: s and", 6, 19},         {"condition: s | count() > 5", 6, 16},
  };
  for (const Case& c : cases) {
    CAPTURE(c.condition);
    const auto parsed = sigma::parse_rules(rule_text("  s: {A: 1}\n  " + c.condition), "x.yml");
    REQUIRE_FALSE(parsed.diagnostics.empty());
    CHECK(parsed.diagnostics[0].mark.line == c.line);
    CHECK(parsed.diagnostics[0].mark.column == c.column);
  }
}

TEST_CASE("diagnostic: one that says what is meant, and no other") {
  struct Case {
    std::string text, code, message;
  };
  const std::string two = "  a: {A: 1}\n  b: {A: 2}\n  condition: ";
  const Case cases[] = {
      {rule_text(two + "1 of (a or b)"), "condition.syntax",
       "'1 of' takes a pattern or 'them', no parentheses"},
      {rule_text(two + "not all of (a and b)"), "condition.syntax",
       "'all of' takes a pattern or 'them', no parentheses"},
      {rule_text(two + "a or 1 of b?"), "condition.syntax", "'?' is no wildcard in a condition"},
      {rule_text("  s: {'A|neq|neq': x}\n  condition: s"), "modifier.combination",
       "'neq' is given twice"},
      {rule_text("  s: {'A|exists': [true, false]}\n  condition: s"), "modifier.exists_value",
       "'exists' takes one true or false, no list"},
      {rule_text("  s: {'A|hour': 18.5}\n  condition: s"), "modifier.time_value",
       "'18.5' is no whole number, and parts of a time are"},
      {in_rule("A|contains|windash: '" + repeated(" -a", 300) + "'"), "value.too_many_wildcards",
       "a value has more than 256 wildcards and dashes that windash changes"},
      {in_rule("A: '" + repeated("a*", 300) + "'"), "value.too_many_wildcards",
       "a value has more than 256 wildcards"},
      {"action: repeat\ntitle: x\nlevel: low\n", "collection.nothing_to_repeat",
       "'action: repeat' repeats the rule before it, and there is none in this file"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto parsed = sigma::parse_rules(c.text, "x.yml");
    CHECK(parsed.rejected == 1);
    REQUIRE_FALSE(parsed.diagnostics.empty());
    CHECK(parsed.diagnostics[0].code == c.code);
    CHECK(parsed.diagnostics[0].message == c.message);
    CHECK(parsed.diagnostics.size() == 1);
  }
}

TEST_CASE("diagnostic: an unknown modifier is pointed at in its key") {
  const auto parsed =
      sigma::parse_rules(rule_text("  s:\n    Field|contains|foo: x\n  condition: s"), "x.yml");
  REQUIRE(parsed.diagnostics.size() == 1);
  const auto& d = parsed.diagnostics[0];
  CHECK(d.mark.line == 6);
  CHECK(d.excerpt.substr(d.caret) == "foo: x");
}

TEST_CASE("diagnostic: YAML that is wrong is told with its place and what to do") {
  struct Case {
    std::string text;
    std::size_t line;
    std::string_view message, hint;
  };
  const Case cases[] = {
      {"a:\n  b: 1\n\tc: 2", 3, "tab character", "blanks"},
      {"a: 1\nb: *.exe\n", 2, "alias", "quote"},
      {"a: b: c\n", 1, "mapping values are not allowed", "quote"},
      {"a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a'", "rename"},
      {"a: 1\nb: \xFF\n", 2, "UTF-8", "UTF-8"},
      {"a: 'x\nb: 2\n", 1, "quoted scalar", "quotes"},
      {"a: *b\n", 1, "unknown alias 'b'", "&b"},
      {"<<: 5\n", 1, "'<<'", "quote"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto parsed = sigma::parse_rules(c.text, "y.yml");
    REQUIRE(parsed.diagnostics.size() == 1);
    const auto& d = parsed.diagnostics[0];
    CHECK(d.code == "yaml");
    CHECK(d.mark.line == c.line);
    CHECK(d.message.find(c.message) != std::string::npos);
    CHECK(d.hint.find(c.hint) != std::string::npos);
  }
}

TEST_CASE("diagnostic: a wrong document does not hide those around it") {
  const std::string good = rule_text("  s: {A: 1}\n  condition: s");
  const auto parsed =
      sigma::parse_rules("%YAML 1.1\n---\n" + good + "---\na: [1\n---\n# a comment\n---\n" + good +
                             "...\n---\n\tx\n" + "--- # with a comment\n" + good,
                         "d.yml");
  CHECK(parsed.rules.size() == 3);
  CHECK(parsed.rejected == 2);
  REQUIRE(parsed.diagnostics.size() == 2);
  CHECK(parsed.diagnostics[0].mark.line == 10);
  CHECK(parsed.rules[2].mark.line == 24);
}

TEST_CASE("diagnostic: legacy aggregations are told with the correlation to write") {
  struct Case {
    std::string_view condition, hint;
  };
  const Case cases[] = {
      {"s | count() > 5",
       "type: event_count, rules: [<this rule>], timespan: 5m, condition: {gt: 5}"},
      {"s | count() by Host, User >= 3",
       "group-by: [Host, User], timespan: 5m, condition: {gte: 3}"},
      {"s | count(Target) by Source > 10",
       "type: value_count, rules: [<this rule>], group-by: [Source], timespan: 5m, condition: "
       "{field: Target, gt: 10}"},
      {"s | near t", "type: temporal"},
      {"s | nonsense", "correlation rule"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.condition);
    const auto parsed = sigma::parse_rules(
        rule_text(fmt::format("  s: {{A: 1}}\n  timeframe: 5m\n  condition: {}", c.condition)),
        "a.yml");
    REQUIRE_FALSE(parsed.diagnostics.empty());
    CHECK(parsed.diagnostics[0].code == "condition.aggregation");
    CHECK(parsed.diagnostics[0].hint.find(c.hint) != std::string::npos);
  }
}

TEST_CASE("diagnostic: doubtful meta data and structure is told, and the rule is read") {
  struct Case {
    std::string_view meta, detection, code;
  };
  const Case cases[] = {
      {"status: nice\n", "s: {A: 1}\n  condition: s", "rule.status"},
      {"date: 1.2.2024\n", "s: {A: 1}\n  condition: s", "rule.date"},
      {"modified: 2024-1-2\n", "s: {A: 1}\n  condition: s", "rule.date"},
      {"tags: [attack]\n", "s: {A: 1}\n  condition: s", "rule.tag"},
      {"", "s: {A: 1}\n  t: {B: 1}\n  condition: s", "detection.unused"},
      {"", "s: {A: 1}\n  timeframe: 5m\n  condition: s", "detection.timeframe"},
      {"", "s: {A: 1}\n  condition: s or 1 of x*", "condition.empty_pattern"},
      {"", "s: {A: 1}\n  condition: NOT s", "condition.case"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.code);
    const std::string text = rule_text("  " + std::string(c.detection), c.meta);
    CHECK(warnings_of(text) == std::vector<std::string>{std::string(c.code)});
    CHECK(sigma::parse_rules(text, "w.yml").rules.size() == 1);
  }
  CHECK(error_of("title: x\nlogsource: {product: [a, b]}\n"
                 "detection: {s: {A: 1}, condition: s}") == "rule.logsource_value");
  CHECK(error_of(rule_text("  s: {A: 1}\n  condition: []")) == "rule.no_condition");
  CHECK(error_of(rule_text("  s: {A: 1}\n  condition: ''")) == "condition.empty");
  CHECK(error_of(rule_text("  s: {A: 1}\n  condition: null")) == "rule.no_condition");
  CHECK(error_of("action: rewind\ntitle: x") == "collection.action");
  CHECK(warnings_of("# nothing\n") == std::vector<std::string>{"rule.empty_file"});
}
