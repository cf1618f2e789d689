// SPDX-License-Identifier: Apache-2.0
//
// Filters: to which rules they apply and what a rule with filters means.
#include "core/sigma/filter.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "rule_world.h"

using namespace tocsin;
using namespace tocsin::tests;

namespace {

constexpr std::string_view kRules =
    "title: login\nid: 00000000-0000-4000-8000-00000000000a\nname: login\n"
    "logsource: {product: windows, category: process_creation}\n"
    "detection: {selection: {A: x}, condition: selection}\n---\n"
    "title: other\nid: 00000000-0000-4000-8000-00000000000b\n"
    "logsource: {product: windows, service: security}\n"
    "detection: {selection_a: {A: x}, condition: 1 of selection*}\n---\n"
    "title: linux\nid: 00000000-0000-4000-8000-00000000000c\nlogsource: {product: linux}\n"
    "detection: {selection: {A: x}, condition: [selection, not selection]}\n";

std::string filter_text(std::string_view rules, std::string_view body,
                        std::string_view logsource = "{product: windows}") {
  return fmt::format(
      "---\ntitle: f\nid: 00000000-0000-4000-8000-0000000000ff\nlogsource: {}\n"
      "filter:\n  rules: {}\n  {}\n",
      logsource, rules, body);
}

struct World {
  std::vector<sigma::Rule> rules;
  std::vector<std::string> told;  // codes
};

World filtered(const std::string& filters, sigma::FilterMode mode = sigma::FilterMode::kPySigma) {
  const auto parsed = sigma::parse_rules(std::string(kRules) + filters, "f.yml");
  for (const auto& d : parsed.diagnostics) MESSAGE(to_text(d));
  REQUIRE(parsed.rules.size() == 3);
  World world{parsed.rules, {}};
  sigma::apply_filters(world.rules, parsed.filters, mode,
                       [&](const sigma::Diagnostic& d) { world.told.push_back(d.code); });
  return world;
}

std::vector<std::size_t> filters_of(const World& world) {
  std::vector<std::size_t> out;
  for (const auto& rule : world.rules) out.push_back(rule.filters.size());
  return out;
}

using Counts = std::vector<std::size_t>;
using Codes = std::vector<std::string>;

constexpr std::string_view kBody = "selection: {U|startswith: adm_}\n  condition: not selection";

}  // namespace

TEST_CASE("filter: which rules it is for") {
  struct Case {
    std::string_view rules, logsource;
    Counts want;
    Codes told;
  };
  const Case cases[] = {
      {"any", "{product: windows}", {1, 1, 0}, {}},
      {"Any", "{product: windows}", {1, 1, 0}, {}},
      {"any", "{product: windows, category: process_creation}", {1, 0, 0}, {}},
      {"any", "{category: process_creation}", {1, 0, 0}, {}},
      {"any", "{product: macos}", {0, 0, 0}, {"filter.no_rule"}},
      {"login", "{product: windows}", {1, 0, 0}, {}},
      {"[login]", "{product: windows}", {1, 0, 0}, {}},
      {"[00000000-0000-4000-8000-00000000000B]", "{product: windows}", {0, 1, 0}, {}},
      {"[login, 00000000-0000-4000-8000-00000000000a]", "{product: windows}", {1, 0, 0}, {}},
      {"[login, nobody]", "{product: windows}", {1, 0, 0}, {"filter.unknown_rule"}},
      {"all", "{product: windows}", {0, 0, 0}, {"filter.unknown_rule"}},
      {"[login]", "{product: linux}", {0, 0, 0}, {"filter.logsource"}},
      {"[Login]", "{product: windows}", {0, 0, 0}, {"filter.unknown_rule"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rules);
    CAPTURE(c.logsource);
    const World world = filtered(filter_text(c.rules, kBody, c.logsource));
    CHECK(filters_of(world) == c.want);
    CHECK(world.told == c.told);
  }
}

TEST_CASE("filter: an empty list is every rule, with a warning") {
  const auto text = std::string(kRules) + filter_text("[]", kBody);
  CHECK(warnings_of(text) == Codes{"filter.empty_rules"});
  const auto parsed = sigma::parse_rules(text, "f.yml");
  REQUIRE(parsed.filters.size() == 1);
  CHECK(parsed.filters[0].any);
}

TEST_CASE("filter: what a rule with it means, in both modes") {
  using sigma::FilterMode;
  struct Case {
    std::string_view condition;
    FilterMode mode;
    bool admin_fires, user_fires;
    Codes told;
  };
  const Case cases[] = {
      {"not selection", FilterMode::kPySigma, false, true, {}},
      {"not (  selection )", FilterMode::kPySigma, false, true, {}},
      {"not 1 of selection*", FilterMode::kPySigma, false, true, {}},
      {"not 1 of them", FilterMode::kPySigma, false, true, {}},
      {"selection", FilterMode::kPySigma, true, false, {"filter.no_not"}},
      {"selection", FilterMode::kExclude, false, true, {}},
      {"1 of them", FilterMode::kExclude, false, true, {}},
      {"not selection", FilterMode::kExclude, true, false, {"filter.double_not"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.condition);
    const World world = filtered(
        filter_text("login",
                    fmt::format("selection: {{U|startswith: adm_}}\n  condition: {}", c.condition)),
        c.mode);
    CHECK(matches(world.rules[0], {{"A", "x"}, {"U", "adm_1"}}) == c.admin_fires);
    CHECK(matches(world.rules[0], {{"A", "x"}, {"U", "bob"}}) == c.user_fires);
    CHECK_FALSE(matches(world.rules[0], {{"A", "y"}, {"U", "bob"}}));
    CHECK_FALSE(matches(world.rules[0], {{"A", "y"}, {"U", "adm_1"}}));
    CHECK(world.told == c.told);
  }
}

TEST_CASE("filter: a rule's patterns do not catch the filter's detections, nor the reverse") {
  const World world = filtered(filter_text(
      "any", "selection_z: {U: bob}\n  selection_y: {U: eve}\n  condition: not 1 of selection_*"));
  // `1 of selection*` of the rule is still its own selection only.
  CHECK_FALSE(matches(world.rules[1], {{"U", "bob"}}));
  CHECK(matches(world.rules[1], {{"A", "x"}, {"U", "tom"}}));
  CHECK_FALSE(matches(world.rules[1], {{"A", "x"}, {"U", "eve"}}));
  // A filter that names a detection of the rule names nothing.
  CHECK(error_of(filter_text("any", "f: {U: bob}\n  condition: not selection")) ==
        "condition.unknown_detection");
}

TEST_CASE("filter: several on one rule, each remembered") {
  const std::string two = filter_text("login", kBody) +
                          "---\ntitle: g\nlogsource: {category: process_creation}\n"
                          "filter: {rules: any, s: {H: [h1, h2]}, condition: not s}\n";
  const World world = filtered(two);
  const sigma::Rule& rule = world.rules[0];
  REQUIRE(rule.filters.size() == 2);
  CHECK(rule.filters[0].id == "00000000-0000-4000-8000-0000000000ff");
  CHECK(rule.filters[0].first_predicate == 1);
  CHECK(rule.filters[1].title == "g");
  CHECK(rule.filters[1].path == "f.yml");
  CHECK(rule.filters[1].first_predicate == 2);
  CHECK(rule.condition.kind == sigma::Expr::Kind::kAnd);
  CHECK(rule.condition.children.size() == 3);
  CHECK(matches(rule, {{"A", "x"}, {"U", "bob"}, {"H", "h3"}}));
  CHECK_FALSE(matches(rule, {{"A", "x"}, {"U", "adm_"}, {"H", "h3"}}));
  CHECK_FALSE(matches(rule, {{"A", "x"}, {"U", "bob"}, {"H", "h2"}}));
}

TEST_CASE("filter: a rule with several conditions is filtered as a whole") {
  const World world = filtered(filter_text("any", kBody, "{product: linux}"));
  CHECK(matches(world.rules[2], {{"A", "y"}}));
  CHECK_FALSE(matches(world.rules[2], {{"A", "y"}, {"U", "adm_"}}));
}

TEST_CASE("filter: fields that say what is let through need no 'not'") {
  for (const std::string_view item : {"'U|neq': bob", "U: null", "'U|exists': false"}) {
    CAPTURE(item);
    const World world =
        filtered(filter_text("login", fmt::format("s: {{{}}}\n  condition: s", item)));
    CHECK(world.told.empty());
  }
}

TEST_CASE("filter: what is wrong is told by a code") {
  const std::string head = "title: f\nlogsource: {product: windows}\nfilter: ";
  struct Case {
    std::string text;
    std::string_view code;
  };
  const Case cases[] = {
      {head + "null", "filter.no_map"},
      {head + "[a]", "filter.no_map"},
      {head + "{selection: {A: x}, condition: selection}", "filter.no_rules"},
      {head + "{rules: null, s: {A: x}, condition: not s}", "filter.no_rules"},
      {head + "{rules: {a: b}, s: {A: x}, condition: not s}", "filter.no_rules"},
      {head + "{rules: [[a]], s: {A: x}, condition: not s}", "filter.no_rules"},
      {head + "{rules: any, s: {A: x}}", "rule.no_condition"},
      {head + "{rules: any, s: {A: x}, condition: [s, not s]}", "filter.condition"},
      {head + "{rules: any, s: {A: x}, condition: null}", "rule.no_condition"},
      {head + "{rules: any, condition: not s}", "detection.empty"},
      {head + "{rules: any, s: {A|foo: x}, condition: not s}", "modifier.unknown"},
      {"title: f\nfilter: {rules: any, s: {A: x}, condition: not s}", "rule.no_logsource"},
      {"logsource: {product: a}\nfilter: {rules: any, s: {A: x}, condition: not s}",
       "rule.no_title"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == c.code);
  }
}

TEST_CASE("filter: neither filters nor correlations take part in a collection") {
  const auto parsed = sigma::parse_rules(
      "action: global\ntitle: g\nlogsource: {product: windows}\n---\n"
      "id: 00000000-0000-4000-8000-000000000001\ndetection: {s: {A: 1}, condition: s}\n---\n"
      "title: f\nlogsource: {product: windows}\n"
      "filter: {rules: any, s: {A: 2}, condition: not s}\n---\n"
      "title: c\ncorrelation: {type: event_count}\n---\n"
      "action: repeat\nid: 00000000-0000-4000-8000-000000000002\n",
      "c.yml");
  REQUIRE(parsed.rules.size() == 2);
  CHECK(parsed.filters.size() == 1);
  CHECK(parsed.correlations == 1);
  CHECK(parsed.rejected == 0);
  CHECK(parsed.rules[1].predicates.at(0).text == "1");
}
