// SPDX-License-Identifier: Apache-2.0
//
// Rules made to hurt: each is refused by a limit that has a name, or costs little; the rules beside
// it are read.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <string_view>

#include "rule_world.h"

using namespace tocsin;
using namespace tocsin::tests;

namespace {

std::string many_selections(std::size_t count, std::string_view condition) {
  std::string detection;
  for (std::size_t i = 0; i < count; ++i) detection += fmt::format("  s{}: {{A: v{}}}\n", i, i);
  return rule_text(detection + "  condition: " + std::string(condition));
}

std::string alias_bomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i)
    text += fmt::format("a{0}: &a{0} [{1}]\n", i, repeated(fmt::format("*a{},", i - 1), 10));
  return text;
}

// Every level is anchored: kept again at each.
std::string anchor_bomb() {
  std::string text = "a: ";
  for (int i = 0; i < 90; ++i) text += fmt::format("&a{} [", i);
  return text + repeated("x,", 50'000) + std::string(90, ']');
}

std::string growing_collection() {
  std::string text = "action: global\ntitle: g\nlogsource: {product: windows}\nreferences: [" +
                     repeated("x,", 5'000) + "]\ndetection: {s: {F: v}, condition: s}\n";
  for (int i = 0; i < 2'000; ++i) text += "---\nid: " + std::to_string(i) + "\n";
  return text;
}

}  // namespace

TEST_CASE("hostile: refused by a limit that has a name") {
  struct Case {
    std::string_view name;
    std::string text;
    std::string_view code;
  };
  const Case cases[] = {
      {"aliases of aliases", alias_bomb(), "yaml"},
      {"anchors inside anchors", anchor_bomb(), "yaml"},
      {"an alias inside what it names", "title: x\na: &a [*a]\n", "yaml"},
      {"brackets without end", std::string(200'000, '['), "yaml"},
      {"maps in maps", repeated("{a: ", 5'000), "yaml"},
      {"lists in lists", repeated("- ", 5'000) + "x", "yaml"},
      {"directives", repeated("%TAG !a! tag:x,2000:\n", 50'000) + "---\na: b\n", "yaml"},
      {"nodes", "a: [" + repeated("x,", 1'100'000) + "]", "yaml"},
      {"a regular expression of 1 MB", in_rule("F|re: '" + std::string(1 << 20, 'a') + "'"),
       "value.too_long"},
      {"a text of 10 MB", in_rule("F|contains: " + std::string(10 << 20, 'a')), "value.too_long"},
      {"repeat counts", in_rule("F|re: '((a{100}){100}){100}'"), "regex.too_large"},
      {"wildcards", in_rule("F: '" + repeated("?*", 200) + "'"), "value.too_many_wildcards"},
      {"encodings of encodings",
       in_rule("F|base64offset|base64offset|base64offset|base64offset|base64offset|base64offset|"
               "base64offset|base64offset|base64offset|base64offset: abc"),
       "modifier.too_many_values"},
      {"windash before an encoding",
       in_rule("F|windash|base64offset|contains: '" + repeated(" -a", 20) + "'"),
       "modifier.too_many_dashes"},
      {"modifiers", in_rule("F" + repeated("|base64", 100) + ": abc"), "modifier.too_many"},
      {"parentheses", in_rule("F: x", repeated("(", 5'000) + "s" + repeated(")", 5'000)),
       "condition.depth"},
      {"not not not", in_rule("F: x", repeated("not ", 50'000) + "s"), "condition.depth"},
      {"a long condition", in_rule("F: x", "s" + repeated(" or s", 300'000)), "condition.too_long"},
      {"patterns that repeat all",
       many_selections(10'000, "1 of *" + repeated(" or all of *", 1'000)), "condition.too_large"},
      {"patterns that match nothing",
       many_selections(10'000, "1 of x*" + repeated(" or 1 of x*", 5'000)), "condition.too_large"},
      {"values", in_rule("F: [" + repeated("x,", 250'000) + "]"), "rule.too_large"},
      {"a collection that grows", growing_collection(), "collection.too_large"},
      {"invalid UTF-8", "title: \xFF\xFE\xFA\n", "yaml"},
      {"NUL", std::string("title: a\0b\n", 11), "yaml"},
      {"tabs", "title: x\nlogsource:\n\tproduct: windows\n", "yaml"},
      {"control characters", "title: \x01\x02\n", "yaml"},
      {"half of a UTF-16 file", std::string("\xFF\xFEt\0i\0t", 7), "yaml"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    // The rule beside it is read all the same.
    const auto parsed = sigma::parse_rules(c.name == std::string_view("half of a UTF-16 file")
                                               ? c.text
                                               : c.text + "\n---\n" + in_rule("G: y"),
                                           "h.yml");
    REQUIRE_FALSE(parsed.diagnostics.empty());
    std::string code;
    for (const auto& d : parsed.diagnostics) {
      if (code.empty() && d.severity == sigma::Severity::kError) code = d.code;
      CHECK_FALSE(d.hint.empty());
      CHECK(d.mark.line > 0);
      CHECK(d.excerpt.size() <= 3 * sigma::kExcerptBytesMax);
    }
    CHECK(code == c.code);
    CHECK(parsed.rejected >= 1);
    if (c.code != "collection.too_large" && c.name != "half of a UTF-16 file") {
      REQUIRE(parsed.rules.size() == 1);
      CHECK(parsed.rules[0].predicates[0].field == "G");
    }
  }
}

TEST_CASE("hostile: absurd, but small enough to be taken") {
  struct Case {
    std::string_view name;
    std::string text;
  };
  const Case cases[] = {
      {"100,000 selections", many_selections(100'000, "1 of *")},
      {"1 of them and all of them", many_selections(20'000, "1 of them and not all of them")},
      {"100,000 values", in_rule("F: [" + repeated("x,", 100'000) + "]")},
      {"groups in groups",
       in_rule("F|re: '" + std::string(5'000, '(') + std::string(5'000, ')') + "'")},
      {"nested quantifiers", in_rule("F|re: '(a+)+(a*)*(a|a)*b$'")},
      {"200 dashes", in_rule("F|contains|windash: '" + repeated(" -a", 200) + "'")},
      {"carriage returns",
       "title: a\r\nid: 1\r\nlogsource: {product: x}\r\ndetection:\r\n"
       "  s:\r\n    F: v\r\n  condition: s\r\n"},
      {"byte order mark", "\xEF\xBB\xBF" + in_rule("F: x")},
      {"10 MB of comments", repeated("# nothing to see\n", 600'000) + in_rule("F: x")},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto parsed = sigma::parse_rules(c.text, "h.yml");
    for (const auto& d : parsed.diagnostics)
      if (d.severity == sigma::Severity::kError) MESSAGE(to_text(d));
    CHECK(parsed.rules.size() == 1);
    CHECK(parsed.diagnostics.size() <= sigma::kDocumentDiagnosticsMax + 1);
  }
}

TEST_CASE("hostile: placeholders that multiply are refused before they do") {
  sigma::ParseOptions options;
  options.placeholders["p"] = std::vector<std::string>(5'000, "value");
  const auto parsed =
      sigma::parse_rules(in_rule("F|expand: '%p%%p%%p%%p%%p%%p%'"), "h.yml", options);
  REQUIRE(parsed.diagnostics.size() == 1);
  CHECK(parsed.diagnostics[0].code == "placeholder.too_many");
}

TEST_CASE("hostile: a rule with thousands of mistakes tells the first of them") {
  std::string detection = "  s:\n";
  for (int i = 0; i < 5'000; ++i) detection += fmt::format("    F{}|foo: x\n", i);
  const auto parsed = sigma::parse_rules(rule_text(detection + "  condition: s"), "h.yml");
  CHECK(parsed.rejected == 1);
  REQUIRE(parsed.diagnostics.size() == sigma::kDocumentDiagnosticsMax + 1);
  CHECK(parsed.diagnostics.back().code == "rule.more_problems");
}

TEST_CASE("hostile: a regular expression that backtracks ends within its match limit") {
  const auto parsed = sigma::parse_rules(in_rule("F|re: '(?=(a+)+$)x|^(a|aa)+\\1$'"), "h.yml");
  REQUIRE(parsed.rules.size() == 1);
  CHECK_FALSE(matches(parsed.rules[0], {{"F", std::string(50'000, 'a') + "b"}}));
}

TEST_CASE("hostile: many small expressions share one budget") {
  // Each is close to what one may cost.
  std::string values;
  for (int i = 0; i < 80; ++i) values += fmt::format("'x{}{}',", i, repeated("[ab]{1000}", 80));
  const auto parsed = sigma::parse_rules(in_rule("F|re: [" + values + "]"), "h.yml");
  CHECK(parsed.rejected == 1);
  REQUIRE_FALSE(parsed.diagnostics.empty());
  CHECK(parsed.diagnostics[0].code == "regex.budget");
}
