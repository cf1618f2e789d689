// SPDX-License-Identifier: Apache-2.0
//
// Most documents are read without libyaml. A text behind a line `---` is always read by it, and
// must give the same tree, one line further down.
#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded_files.h"
#include "base/yaml.h"
#include "base/yaml/block_reader.h"

using namespace tocsin;

namespace {

void append(std::string& out, const yaml::Node& node, std::size_t lines) {
  out += std::to_string(static_cast<int>(node.kind)) + (node.plain ? "p" : "q") + "@" +
         std::to_string(node.mark.line - lines) + ":" + std::to_string(node.mark.column) + " " +
         std::to_string(node.scalar.size()) + "=" + node.scalar + "(";
  for (const yaml::Node& item : node.items) append(out, item, lines);
  for (const auto& [key, value] : node.members) {
    append(out, key, lines);
    append(out, value, lines);
  }
  out += ")";
}

// Everything that the documents of a text hold; errors by their words and place.
std::string all_of(std::string_view text, std::size_t lines) {
  std::string out;
  yaml::for_each_document(text, [&](tl::expected<yaml::Node, yaml::ParseError> document) {
    if (document)
      append(out, *document, lines);
    else
      out += "error " + document.error().message + "@" +
             std::to_string(document.error().mark.line - lines) + ":" +
             std::to_string(document.error().mark.column);
    out += "\n";
    return true;
  });
  return out;
}

void same(const std::string& text) {
  CAPTURE(text);
  CHECK(all_of(text, 0) == all_of("---\n" + text, 1));
}

bool without_libyaml(std::string_view text) {
  return yaml::read_block_document(text, 0).has_value();
}

}  // namespace

TEST_CASE("yaml: the usual form of a rule is read as libyaml reads it") {
  constexpr std::array<std::string_view, 19> kTexts = {
      "a: b\n",
      "a: b",
      "# comment\n\na: b # comment\n  # comment\nc: 'd'# \n",
      "a: 'it''s' # c\nb: \"two words\"\nc: ''\nd: ' x '\n",
      "a:\n  - b\n  - 'c'\n  -  d \ne: f\n",
      "a:\n- b\n- c\ne: f\n",
      "a:\n    b:\n        c: d\n    e: f\ng: h\n",
      "a:\n  - b: c\n    d: e\n  - f|contains|all:\n      - '-x'\n      - -y\n",
      "a:\n  - b:\n    - c\n    - d\n",
      "a: |\n  one\n   two\n\n  three\n\n\nb: c\n",
      "a: |-\n  one\n  two\n",
      "a: |\n  one\n  # no comment\n # comment\nb: c\n",
      "a: |\n\n  one",
      "a: |\n  one\n     ",
      "a:\n  - |\n    one\n  - two\n",
      "author: J\xC3\xBCrgen, \xE2\x80\x9Cx\xE2\x80\x9D\nid: 1\n",
      "url: https://a.b/c#d\nf: C:\\x\\*\n",
      "a: null\nb: 1.5\nc: true\nd: ~\n",
      "a: b\nc:\n  d: |\n    e\nf: g   \n   \n",
  };
  for (const std::string_view text : kTexts) {
    same(std::string(text));
    if (text.find("# \n") == std::string_view::npos) CHECK(without_libyaml(text));
  }
}

TEST_CASE("yaml: what is of another form, or wrong, is left to libyaml") {
  constexpr std::array<std::string_view, 46> kTexts = {
      "a",
      "- a\n",
      "a:\n",
      "a:\nb: c\n",
      "a: b: c\n",
      "a: - b\n",
      "a: b\n  c\n",
      "a: b\n c: d\n",
      "a: 'b\n  c'\n",
      "a: 'b' c\n",
      "a: 'b'#c\n",
      "'a': b\n",
      "a: \"b\\n\"\n",
      "a: [b, c]\n",
      "a: {b: c}\n",
      "a: &x b\nc: *x\n",
      "a: !!str b\n",
      "a: >\n  b\n  c\n",
      "a: |+\n  b\n\nc: d\n",
      "a: |2\n   b\n",
      "a: |\n     \n  b\n",
      "a: |\nb: c\n",
      "a: |\n  b\n c\n",
      "a: b\na: c\n",
      "a : b\n",
      "? a\n: b\n",
      "a:\n  b\n",
      "a:\n  - b\n - c\n",
      "a:\n    b: c\n  d: e\n",
      "a:\n  -\n    b\n",
      "a:\n  - - b\n",
      "a:\n  b: c\n  - d\n",
      "a:\tb\n",
      "a: b\r\nc: d\r\n",
      "a: b\n---\nc: d\n",
      "a: b\n...\n",
      "%YAML 1.1\n---\na: b\n",
      "a: \xFF\n",
      "a: \xC2\x85\nb: c\n",
      "a: x\xE2\x80\xA8y\n",
      "a: @b\n",
      "a: `b`\n",
      "a: %b\n",
      "a: |\n  b\n   c\n d: e\n",
      "\xEF\xBB\xBF"
      "a: b\n",
      " a: b\n",
  };
  for (const std::string_view text : kTexts) {
    CAPTURE(text);
    CHECK_FALSE(without_libyaml(text));
    if (!text.starts_with('%') && !text.starts_with('\xEF')) same(std::string(text));
  }
}

TEST_CASE("yaml: rules, and what becomes of them when bytes and lines are changed at random") {
  std::vector<std::string> rules;
  std::size_t usual = 0;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with("rules/") || !file.path.ends_with(".yml") ||
        file.path.ends_with(".test.yml"))
      continue;
    rules.emplace_back(file.bytes);
    usual += without_libyaml(rules.back()) ? 1 : 0;
    same(rules.back());
  }
  REQUIRE(rules.size() > 20);
  CHECK(usual > rules.size() * 4 / 5);
  constexpr std::string_view kBytes = "  \n\n:-#'\"|>[]{},&*!?%@`\\ab1\t\r.~";
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = rules[below(rules.size())];
    const std::size_t from = below(text.size());
    text = text.substr(text.rfind('\n', from) + 1, 60 + below(300));
    if (text.empty()) continue;
    for (std::size_t changes = below(4); changes > 0; --changes) {
      const std::size_t at = below(text.size());
      const char byte = kBytes[below(kBytes.size())];
      switch (below(3)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1 + below(3), byte);
          break;
        default:
          text.erase(at, 1 + below(3));
      }
      if (text.empty()) text = "a: b";
    }
    const std::size_t indent = text.find_first_not_of(' ');
    if (indent != std::string::npos && below(2) == 0) text.erase(0, indent);
    if (!without_libyaml(text)) continue;
    ++read;
    same(text);
  }
  CHECK(read > 500);
}
