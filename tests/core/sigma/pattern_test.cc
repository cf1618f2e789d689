// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/pattern.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

using tocsin::sigma::Part;
using tocsin::sigma::PartKind;
using tocsin::sigma::Pattern;

namespace {

Part literal(std::string_view text) { return {PartKind::kLiteral, std::string(text)}; }
const Part kMany{PartKind::kMany, {}};
const Part kOne{PartKind::kOne, {}};

}  // namespace

TEST_CASE("pattern: wildcards and escapes are read as the specification says") {
  struct Case {
    std::string_view text;
    std::vector<Part> want;
  };
  const Case cases[] = {
      {"", {}},
      {"plain", {literal("plain")}},
      {"a*b?c", {literal("a"), kMany, literal("b"), kOne, literal("c")}},
      {R"(escaped\*\?\\*?)", {literal(R"(escaped*?\)"), kMany, kOne}},
      {R"(escaped\nonspecial)", {literal(R"(escaped\nonspecial)")}},
      {R"(*Test*Str\*ing*)", {kMany, literal("Test"), kMany, literal("Str*ing"), kMany}},
      {R"(C:\Windows\*)", {literal(R"(C:\Windows*)")}},
      {R"(C:\Windows\\*)", {literal(R"(C:\Windows\)"), kMany}},
      {R"(a\\\*b)", {literal(R"(a\*b)")}},
      {R"(\\\\server)", {literal(R"(\\server)")}},
      {R"(\\server)", {literal(R"(\server)")}},
      {R"(finalescape\)", {literal(R"(finalescape\)")}},
      {"**", {kMany}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(Pattern::parse(c.text).parts() == c.want);
  }
}

TEST_CASE("pattern: matches the whole value") {
  struct Case {
    std::string_view pattern, value;
    bool want;
  };
  const Case cases[] = {
      {"abc", "abc", true},
      {"abc", "abcd", false},
      {"*", "", true},
      {"*", "anything", true},
      {"?", "", false},
      {"?", "x", true},
      {"?", "\xC3\xA9", true},
      {"??", "\xC3\xA9", false},
      {"a*c", "ac", true},
      {"a*c", "abbbc", true},
      {"a*c", "abcb", false},
      {"*foo", "foofoo", true},
      {"*foo*bar", "foobarfoobar", true},
      {"*a?c*", "xxabcxx", true},
      {"*a?c*", "xxacxx", false},
      {"*ab*ab*ab", "abab", false},
      {"*ab*ab*ab", "ababab", true},
      {"a*?", "a", false},
      {"a*?", "ab", true},
      {"*.exe", "x.exe.txt", false},
      // What is looked for behind a star is its longest literal; what stands before it is tried.
      {"* ?:\\temp*", "copy a b:\\temp", true},
      {"* ?:\\temp*", " :\\temp \xE2\x82\xAC:\\temp", true},
      {"* ?:\\temp*", " ab:\\temp", false},
      {"*a??bcd",
       "a\xC3\xA9\xF0\x9F\x98\x80"
       "bcd",
       true},
      {"*a??bcd",
       "a\xC3\xA9"
       "bcd",
       false},
      {"*??bcd",
       "\xE2\x82\xAC"
       "bcd",
       false},
      {"*aab?ab*", "aaabaab", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.value);
    CHECK(Pattern::parse(c.pattern).matches(c.value) == c.want);
  }
}

TEST_CASE("pattern: windash takes dashes that start a word, in all five forms") {
  Pattern p = Pattern::parse("* -param-1 /x a/b");
  p.make_windash();
  CHECK(p.matches("cmd -param-1 /x a/b"));
  CHECK(p.matches("cmd /param-1 -x a/b"));
  CHECK(p.matches("cmd \xE2\x80\x93param-1 \xE2\x80\x95x a/b"));
  CHECK_FALSE(p.matches("cmd -param/1 /x a/b"));
  CHECK_FALSE(p.matches("cmd -param-1 /x a-b"));
}

TEST_CASE("pattern: to_string() shows each dash that windash takes") {
  Pattern pattern = Pattern::parse("a -b*");
  pattern.make_windash();
  CHECK(pattern.to_string() == "a [-/\u2013\u2014\u2015]b*");
}

TEST_CASE("pattern: to_string() is read back as the same pattern") {
  for (const std::string_view text :
       {R"(\*)", R"(\\*)", R"(\\\*)", R"(\\\\*)", R"(a\b)", R"(a\\b)", R"(a\\\\b)", R"(a\)",
        R"(a\\)", R"(?\\?)", R"(\?*)", R"(*\\\\\**)"}) {
    CAPTURE(text);
    const Pattern pattern = Pattern::parse(text);
    CHECK(Pattern::parse(pattern.to_string()) == pattern);
  }
}
