// SPDX-License-Identifier: Apache-2.0
//
// Files whose documents are each within the limits, and hostile together or in what they make of
// small values: each file has a budget.
#include <doctest/doctest.h>
#include <time.h>

#include <functional>
#include <string>
#include <string_view>

#include "core/sigma/filter.h"
#include "rule_world.h"

using namespace tocsin;
using namespace tocsin::tests;

namespace {

std::string list(std::size_t count, const std::function<std::string(std::size_t)>& value) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i) out += "'" + value(i) + "',";
  return out + "]";
}

// 50,000 nodes when it is written out.
std::string aliases() {
  return "title: x\na: &a [" + repeated("x,", 100) + "]\nb: &b [" + repeated("*a,", 100) +
         "]\nc: [*b, *b, *b]\n";
}

std::string utf16(std::string_view text) {
  std::string out = "\xFF\xFE";
  for (const char c : text) out += {c, '\0'};
  return out;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Case {
  std::string_view name;
  std::string text;
  std::string_view code;
  std::string_view message;
};

}  // namespace

TEST_CASE("hostile file: the budget of a file is named, and a rule behind it is read") {
  const auto big = [](std::size_t i) { return std::string(16'000, 'x') + std::to_string(i); };
  const Case cases[] = {
      {"a large text, many times",
       "a: &a " + std::string(1'000'000, 'x') + "\nb: [" + repeated("*a,", 5'000) + "]\n", "yaml",
       "repeat more than 100,000 nodes in one document"},
      {"many documents with aliases", repeated("---\n" + aliases(), 300), "yaml",
       "repeat more than 1,000,000 nodes in this file"},
      {"a name of a megabyte and a pattern for it",
       rule_text("  ? " + std::string(400'000, 'a') + "\n  : {F: x}\n  condition: 1 of *" +
                 repeated("a*", 200'000) + "b"),
       "condition.too_large", "20,000,000"},
      {"values that are encoded again and again",
       in_rule("F|base64offset|base64offset|contains: " + list(600, big)), "rule.too_large",
       "64 MiB"},
      {"values that are refused after much work",
       in_rule("F|utf16|utf16|utf16|utf16|utf16|utf16|utf16|utf16|utf16|base64: " + list(600, big)),
       "modifier.too_many_values", "256 MiB"},
      {"dashes in every value",
       in_rule("F|windash|base64offset|contains: " +
               list(2'000, [](std::size_t i) { return " -a -b -c -d -e" + std::to_string(i); })),
       "rule.too_large", "200,000"},
      {"expressions that are too large, many times",
       in_rule("F|re: " + list(300,
                               [](std::size_t i) {
                                 return repeated("(?i)[\\p{L}]{8}", 1'000) + std::to_string(i);
                               })),
       "regex.budget", "2,000,000"},
      {"look-ahead in every value",
       in_rule("F|re: " + list(190'000, [](std::size_t i) { return "(?=a)" + std::to_string(i); })),
       "regex.budget", "2,000,000"},
      {"directives behind carriage returns",
       "a: b\r...\r" + repeated("%TAG !a! tag:x,2000:\r", 50'000) + "---\ra: b\n", "yaml",
       "100 YAML directives"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const double start = cpu_seconds();
    const auto parsed = sigma::parse_rules(c.text + "\n---\n" + in_rule("G: y"), "h.yml");
    MESSAGE(c.name << ": " << cpu_seconds() - start << " s");
    bool told = false;
    for (const auto& d : parsed.diagnostics)
      told |= d.code == c.code && d.message.find(c.message) != std::string::npos;
    CHECK(told);
    REQUIRE(parsed.rules.size() == 1);
    CHECK(parsed.rules[0].predicates[0].field == "G");
  }
}

TEST_CASE("hostile file: documents without aliases are read when the aliases of others are not") {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "---\n" + aliases() + "---\n" + in_rule(fmt::format("F: v{}", i));
  const auto parsed = sigma::parse_rules(text, "h.yml");
  CHECK(parsed.rules.size() == 40);
}

TEST_CASE("hostile file: more nodes than a file may have") {
  const std::string text = repeated("---\na: [" + repeated("x,", 990'000) + "]\n", 9);
  const auto parsed = sigma::parse_rules(text, "h.yml");
  REQUIRE_FALSE(parsed.diagnostics.empty());
  CHECK(parsed.diagnostics.back().message.find("8,000,000 nodes in one file") != std::string::npos);
}

TEST_CASE("hostile file: UTF-16 is held to the same limits") {
  const auto directives = sigma::parse_rules(
      utf16(repeated("%TAG !a! tag:x,2000:\n", 50'000) + "---\na: b\n"), "h.yml");
  REQUIRE(directives.diagnostics.size() == 1);
  CHECK(directives.diagnostics[0].message == "more than 100 YAML directives");

  const auto good = sigma::parse_rules(utf16("title: [\n---\n" + in_rule("F: x")), "h.yml");
  CHECK(good.rules.size() == 1);
  REQUIRE_FALSE(good.diagnostics.empty());
  CHECK(good.diagnostics[0].excerpt == "---");

  const std::string half(
      "\xFF\xFE"
      "a\0\x00\xD8"
      "b\0",
      8);
  CHECK(sigma::parse_rules(half, "h.yml").diagnostics.at(0).message.find("half of a character") !=
        std::string::npos);
  const std::string pair("\xFE\xFF\0#\xD8\x3D\xDE\x00\0\n\0a\0:\0 \0b", 18);
  CHECK(sigma::parse_rules(pair, "h.yml").diagnostics.at(0).code != "yaml");
}

TEST_CASE("hostile file: what filters copy into rules is counted") {
  std::vector<sigma::Rule> rules;
  for (int i = 0; i < 1'000; ++i) {
    auto parsed = sigma::parse_rules(in_rule("F: x"), "r.yml");
    rules.push_back(std::move(parsed.rules.at(0)));
    rules.back().id = std::to_string(i);
    rules.back().name = "same";
  }
  const auto apply = [&](const std::string& text) {
    const auto parsed = sigma::parse_rules(text, "f.yml");
    REQUIRE(parsed.filters.size() == 1);
    std::vector<sigma::Rule> filtered = rules;
    std::vector<std::string> messages;
    sigma::apply_filters(filtered, parsed.filters, sigma::FilterMode::kPySigma,
                         [&](const sigma::Diagnostic& d) { messages.push_back(d.message); });
    return messages;
  };
  const auto filter = [](const std::string& title, const std::string& which,
                         const std::string& condition) {
    return fmt::format(
        "title: {}\nlogsource: {{product: windows}}\nfilter: {{rules: {}, s: {{U: u}}, condition: "
        "not s{}}}\n",
        title, which, condition);
  };
  const auto refused = [](const std::vector<std::string>& messages, std::string_view what) {
    return messages.size() == 1 && messages[0].find(what) != std::string::npos;
  };
  CHECK(apply(filter("t", "any", "")).empty());
  CHECK(
      refused(apply(filter("t", "any", repeated(" and not s", 50'000))), "filters add more than"));
  CHECK(refused(apply(filter(std::string(200'000, 't'), "any", "")), "filters add more than"));
  CHECK(refused(apply(filter("t", "[" + repeated("same,", 3'000) + "]", "")),
                "references of filters"));
  const auto unknown = apply(filter("t", "[" + repeated("nobody,", 5'000) + "]", ""));
  CHECK(unknown.size() == 1'001);
}

TEST_CASE("hostile file: an expression that tries much at each place of a long value ends") {
  const auto parsed = sigma::parse_rules(in_rule("F|re: '(?:(?:a|a){18}b)(?=x)'"), "h.yml");
  REQUIRE(parsed.rules.size() == 1);
  const double start = cpu_seconds();
  CHECK_FALSE(matches(parsed.rules[0], {{"F", std::string(50'000, 'a') + "bc"}}));
  CHECK(cpu_seconds() - start < 10);
  CHECK(matches(parsed.rules[0], {{"F", std::string(18, 'a') + "bx"}}));
}
