// SPDX-License-Identifier: Apache-2.0
//
// Rules from their text to their meaning, by the plain evaluator.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/sigma/detection/encoding.h"
#include "rule_world.h"

using namespace tocsin;
using namespace tocsin::tests;

TEST_CASE("rule: one item, every modifier") {
  struct Case {
    std::string_view name, item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"equality ignores case", "F: Net.EXE", "net.exe", true},
      {"equality is of the whole value", "F: net.exe", "net.exe x", false},
      {"an empty text is only the empty text", "F: ''", "", true},
      {"an empty text is not some text", "F: ''", "x", false},
      {"a number equals its text", "F: 4625", "4625", true},
      {"a float that is whole equals the integer", "F: 10.0", "10", true},
      {"a quoted hexadecimal stays text", "F: '0x17'", "0x17", true},
      {"a bool equals its text in any case", "F: true", "True", true},
      {"null: the value is there", "F: null", "x", false},
      {"contains", "F|contains: -ENC", "powershell -enc AA", true},
      {"contains, trailing backslash", "F|contains: 'foobar\\\\'", "a foobar\\ b", true},
      {"contains keeps inner wildcards", "F|contains: 'a*b'", "xxaZZbxx", true},
      {"startswith", "F|startswith: C:\\", "c:\\x", true},
      {"startswith, not inside", "F|startswith: C:\\", " c:\\x", false},
      {"endswith", "F|endswith: \\cmd.exe", "C:\\CMD.exe", true},
      {"list is any", "F: [a, b]", "b", true},
      {"all is every one", "F|contains|all: [ab, cd]", "xxcdab", true},
      {"all is not some", "F|contains|all: [ab, cd]", "xxab", false},
      {"neq of a list is none of them", "F|neq: [a, b]", "c", true},
      {"neq of a list, one equal", "F|neq: [a, b]", "b", false},
      {"cased", "F|cased: Abc", "Abc", true},
      {"cased, other case", "F|cased: Abc", "abc", false},
      {"cased contains", "F|contains|cased: BC", "aBCd", true},
      {"windash", "F|contains|windash: ' -enc'", "x /enc", true},
      {"windash en dash", "F|contains|windash: ' -enc'",
       "x \xE2\x80\x93"
       "enc",
       true},
      {"base64", "F|base64|contains: foobar", "x Zm9vYmFy y", true},
      {"base64offset", "F|base64offset|contains: foobar", "xxZvb2Jhcxx", true},
      {"wide base64offset", "F|wide|base64offset|contains: ping", "xxcABpAG4AZw==", true},
      {"regex is found inside", "F|re: 'a\\d+b'", "xxa123bxx", true},
      {"regex minds the case", "F|re: abc", "ABC", false},
      {"regex flag i", "F|re|i: abc", "ABC", true},
      {"regex flag s", "F|re|s: a.b", "a\nb", true},
      {"regex without s", "F|re: a.b", "a\nb", false},
      {"regex flag m", "F|re|m: ^b$", "a\nb\nc", true},
      {"regex inline flag", "F|re: (?i)abc", "ABC", true},
      {"regex with look-ahead", "F|re: 'a(?=b)'", "ab", true},
      {"cidr", "F|cidr: 10.0.0.0/8", "10.20.30.40", true},
      {"cidr, outside", "F|cidr: 10.0.0.0/8", "11.0.0.1", false},
      {"cidr of single bits", "F|cidr: 192.168.0.128/25", "192.168.0.127", false},
      {"cidr v6", "F|cidr: fe80::/10", "fe80::1%eth0", true},
      {"cidr v4 mapped into v6", "F|cidr: 10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"cidr, no address", "F|cidr: 10.0.0.0/8", "-", false},
      {"lt", "F|lt: 10", "9", true},
      {"lt, equal", "F|lt: 10", "10", false},
      {"gte", "F|gte: 10", "10", true},
      {"gt of text", "F|gt: 10", "many", false},
      {"exists true", "F|exists: true", "", true},
      {"exists false", "F|exists: false", "", false},
      {"hour", "F|hour|gte: 18", "2025-01-01T19:30:00Z", true},
      {"minute", "F|minute: 30", "2025-01-01T19:30:00Z", true},
      {"ISO week", "F|week: 1", "2024-12-30T00:00:00Z", true},
      {"Cyrillic ignores case", "F: '\xD0\x9F\xD0\xA0'", "\xD0\xBF\xD1\x80", true},
      {"final sigma", "F: '\xCE\xA3'", "\xCF\x82", true},
      {"dotless i", "F|contains: win", "W\xC4\xB1N", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string detection =
        fmt::format("  selection:\n    {}\n  condition: selection", c.item);
    CHECK(fires(detection, {{"F", std::string(c.value)}}) == c.want);
  }
}

TEST_CASE("rule: missing and null fields") {
  CHECK(fires("  s: {F: null}\n  condition: s", {}));
  CHECK(fires("  s: {F: null}\n  condition: s", {{"F", "<null>"}}));
  CHECK_FALSE(fires("  s: {F: null}\n  condition: s", {{"F", ""}}));
  CHECK(fires("  s: {F: [null, x]}\n  condition: s", {{"F", "x"}}));
  CHECK(fires("  s: {'F|exists': false}\n  condition: s", {}));
  CHECK(fires("  s: {'F|exists': true}\n  condition: s", {{"F", "<null>"}}));
  CHECK(fires("  s: {'F|neq': x}\n  condition: s", {}));
  CHECK_FALSE(fires("  s: {'F': '*'}\n  condition: s", {}));
}

TEST_CASE("rule: an array matches when one element does") {
  CHECK(fires("  s: {F: b}\n  condition: s", {{"F", "a"}, {"F", "b"}}));
  CHECK_FALSE(fires("  s: {F: b}\n  condition: not s", {{"F", "a"}, {"F", "b"}}));
}

TEST_CASE("rule: fieldref compares two fields of the event") {
  const std::string equal = "  s: {'A|fieldref': B}\n  condition: s";
  CHECK(fires(equal, {{"A", "x"}, {"B", "X"}}));
  CHECK_FALSE(fires(equal, {{"A", "x"}, {"B", "y"}}));
  CHECK_FALSE(fires(equal, {{"A", "x"}}));
  CHECK(fires("  s: {'A|fieldref|endswith': B}\n  condition: s", {{"A", "xy"}, {"B", "y"}}));
}

TEST_CASE("rule: keywords search every value") {
  CHECK(fires("  keywords: [mimikatz, other]\n  condition: keywords", {{"X", "run MimiKatz now"}}));
  CHECK_FALSE(fires("  keywords: [mimikatz]\n  condition: keywords", {{"X", "nothing"}}));
  CHECK(fires("  keywords:\n    '|all': [aa, bb]\n  condition: keywords",
              {{"X", "aa"}, {"Y", "bb"}}));
  CHECK_FALSE(fires("  keywords:\n    '|all': [aa, bb]\n  condition: keywords", {{"X", "aa"}}));
  CHECK(fires("  keywords: ['a*z']\n  condition: keywords", {{"X", "--a b z--"}}));
}

TEST_CASE("rule: structure of detections") {
  const std::string maps = "  s:\n    - {A: '1', B: '2'}\n    - {C: '3'}\n  condition: s";
  CHECK(fires(maps, {{"A", "1"}, {"B", "2"}}));
  CHECK(fires(maps, {{"C", "3"}}));
  CHECK_FALSE(fires(maps, {{"A", "1"}}));
  CHECK(fires("  s:\n    - {A: '1'}\n    - word\n  condition: s", {{"Z", "a word"}}));
}

TEST_CASE("rule: conditions") {
  struct Case {
    std::string_view condition;
    std::string_view letters;  // the fields that are set
    bool want;
  };
  const Case cases[] = {
      {"sel_a", "a", true},
      {"sel_a and sel_b", "a", false},
      {"sel_a or sel_b and sel_c", "a", true},
      {"(sel_a or sel_b) and sel_c", "a", false},
      {"not sel_a", "b", true},
      {"not sel_a and not sel_b", "a", false},
      {"not (sel_a and sel_b)", "a", true},
      {"1 of sel_*", "c", true},
      {"any of sel_*", "", false},
      {"all of sel_*", "abc", true},
      {"all of sel_*", "ab", false},
      {"1 of them", "f", true},
      {"sel_a and not 1 of filter_*", "af", false},
      {"sel_a and not 1 of filter_*", "a", true},
      {"1 of *_b", "b", true},
      {"1 of _*", "h", true},
      {"all of sel_a", "a", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.condition);
    CAPTURE(c.letters);
    std::string detection;
    for (const auto& [name, letter] : {std::pair{"sel_a", 'a'},
                                       {"sel_b", 'b'},
                                       {"sel_c", 'c'},
                                       {"filter_f", 'f'},
                                       {"_hidden", 'h'}})
      detection += fmt::format("  {}: {{{}: yes}}\n", name, letter);
    detection += fmt::format("  condition: {}", c.condition);
    Values event;
    for (const char letter : c.letters) event.emplace_back(std::string(1, letter), "yes");
    CHECK(fires(detection, event) == c.want);
  }
}

TEST_CASE("rule: a hidden detection is not among 'them'") {
  CHECK_FALSE(fires("  _x: {a: yes}\n  y: {b: yes}\n  condition: 1 of them", {{"a", "yes"}}));
}

TEST_CASE("rule: placeholders are values from a file, or the rule is rejected") {
  const std::string detection = "  s: {'F|expand': '%admins%'}\n  condition: s";
  CHECK(fires(detection, {{"F", "root"}}, {{"admins", {"adm", "root"}}}));
  CHECK(error_of(rule_text(detection)) == "placeholder.unresolved");
}

TEST_CASE("rule: what is wrong is told by a code") {
  struct Case {
    std::string_view detection, code;
  };
  const Case cases[] = {
      {"  s: {A: 1}", "rule.no_condition"},
      {"  s: {A: 1}\n  condition: t", "condition.unknown_detection"},
      {"  s: {A: 1}\n  condition: s and", "condition.syntax"},
      {"  s: {A: 1}\n  condition: (s", "condition.syntax"},
      {"  s: {A: 1}\n  condition: s s", "condition.syntax"},
      {"  s: {A: 1}\n  condition: s | count() > 5", "condition.aggregation"},
      {"  s: {A: 1}\n  condition: 3 of s*", "condition.quantifier"},
      {"  s: {'A|regex': x}\n  condition: s", "modifier.unknown"},
      {"  s: {'A|re': '('}\n  condition: s", "regex.invalid"},
      {"  s: {'A|cidr': 10.0.0.1/8}\n  condition: s", "modifier.cidr_host_bits"},
      {"  s: {'A|cidr': x}\n  condition: s", "modifier.cidr_value"},
      {"  s: {'A|exists': maybe}\n  condition: s", "modifier.exists_value"},
      {"  s: {'A|lt': x}\n  condition: s", "modifier.number"},
      {"  s: {'A|base64': 'a*b'}\n  condition: s", "modifier.wildcard"},
      {"  s: {'A|contains|re': x}\n  condition: s", "modifier.combination"},
      {"  s: {}\n  condition: s", "detection.empty"},
      {"  s: []\n  condition: s", "detection.empty"},
      {"  s: {A: 1}\n  s: {B: 1}\n  condition: s", "yaml"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.detection);
    CHECK(error_of(rule_text(c.detection)) == c.code);
  }
  CHECK(error_of("just text") == "rule.not_a_map");
  CHECK(error_of("title: [") == "yaml");
  CHECK(error_of("title: x\ndetection: {s: {a: b}, condition: s}") == "rule.no_logsource");
}

TEST_CASE("rule: a diagnostic names the line, the column and the text") {
  const auto parsed =
      sigma::parse_rules(rule_text("  s: {A: 1}\n  condition: s and nothing"), "dir/x.yml");
  REQUIRE(parsed.diagnostics.size() == 1);
  const auto& d = parsed.diagnostics[0];
  CHECK(d.mark.line == 6);
  CHECK(d.mark.column == 20);
  CHECK(d.excerpt == "condition: s and nothing");
  CHECK(to_text(d).starts_with("dir/x.yml:6:20: error: no detection is named 'nothing'"));
}

TEST_CASE("rule: collections apply global, reset and repeat") {
  const auto parsed = sigma::parse_rules(
      "action: global\ntitle: g\nlogsource: {product: windows}\nlevel: high\n---\n"
      "id: 00000000-0000-4000-8000-000000000001\ndetection: {s: {A: 1}, condition: s}\n---\n"
      "action: repeat\nid: 00000000-0000-4000-8000-000000000002\nlevel: low\n---\n"
      "action: reset\n---\n"
      "title: own\nid: 00000000-0000-4000-8000-000000000003\nlogsource: {product: linux}\n"
      "detection: {s: {B: 1}, condition: s}\n",
      "c.yml");
  REQUIRE(parsed.rules.size() == 3);
  CHECK(parsed.rules[0].title == "g");
  CHECK(parsed.rules[0].level == Level::kHigh);
  CHECK(parsed.rules[1].level == Level::kLow);
  CHECK(parsed.rules[1].predicates[0].field == "A");
  CHECK(parsed.rules[2].logsource.product == "linux");
  CHECK(parsed.rules[2].level == Level::kMedium);
}

TEST_CASE("rule: documents that share the id of 'global' are rules of their own") {
  const auto parsed = sigma::parse_rules(
      "action: global\ntitle: g\nid: 00000000-0000-4000-8000-000000000001\n"
      "logsource: {product: windows}\n---\ndetection: {s: {A: 1}, condition: s}\n---\n"
      "detection: {s: {A: 2}, condition: s}\n",
      "c.yml");
  REQUIRE(parsed.rules.size() == 2);
  CHECK(parsed.rules[0].id == "00000000-0000-4000-8000-000000000001");
  CHECK(parsed.rules[0].id != parsed.rules[1].id);
  REQUIRE(parsed.diagnostics.size() == 1);
  CHECK(parsed.diagnostics[0].code == "collection.inherited_id");
}

TEST_CASE("rule: tactics and techniques come from the tags, old names too") {
  const auto parsed =
      sigma::parse_rules(rule_text("  s: {A: 1}\n  condition: s") +
                             "tags: [attack.defense_evasion, attack.credential-access, "
                             "attack.t1003.001, attack.g0016, "
                             "attack.t9999, cve.2021-44228, attack.not-a-tactic]\n",
                         "t.yml");
  REQUIRE(parsed.rules.size() == 1);
  CHECK(parsed.rules[0].tactics ==
        std::vector<std::string>{"stealth", "credential-access", "not-a-tactic"});
  CHECK(parsed.rules[0].techniques == std::vector<std::string>{"T1003.001", "T9999"});
}

TEST_CASE("encoding: base64offset gives the three texts that do not depend on the neighbours") {
  const auto offsets = sigma::base64_offsets("foobar");
  CHECK(offsets[0] == "Zm9vYmFy");
  CHECK(offsets[1] == "Zvb2Jhc");
  CHECK(offsets[2] == "mb29iYX");
  for (const std::string_view before : {"", "x", "xy", "xyz", "\xFF\x80"})
    for (const std::string_view after : {"", "z", "zz", "zzz"}) {
      const std::string whole =
          sigma::base64(std::string(before) + "f\xC3\xB6o" + std::string(after));
      const auto parts = sigma::base64_offsets("f\xC3\xB6o");
      CHECK(whole.find(parts[before.size() % 3]) != std::string::npos);
    }
}
