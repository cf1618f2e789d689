// SPDX-License-Identifier: Apache-2.0
//
// The shortest match of an expression: known cases, and against RE2 itself on random expressions.
#include "core/sigma/regex_length.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <random>
#include <string>
#include <vector>

#include "core/sigma/regex.h"
#include "seed.h"

using namespace tocsin;

TEST_CASE("shortest match: known expressions") {
  struct Case {
    const char* pattern;
    std::size_t characters;
  };
  const std::vector<Case> cases = {
      {"", 0},
      {"abc", 3},
      {"a|bcd|", 0},
      {"a|bcd", 1},
      {"a*b+c?d", 2},
      {"a{3}", 3},
      {"a{2,5}b", 3},
      {"a{4,}?", 4},
      {"a{,5}", 5},
      {"{}", 2},
      {"a{x}", 4},
      {"(ab|c){3}", 3},
      {"(?:ab){2,}", 4},
      {"(?P<name>abc)d", 4},
      {"(?i)set (?-i:x)", 5},
      {"(?i:ab)", 2},
      {"^\\bab\\z$", 2},
      {"[^/]{100,}$", 100},
      {"[]a][^]b][\\]c][[:alpha:]\\d]x", 5},
      {"[A-F0-9]{8}-[A-F0-9]{4}", 13},
      {"\\s[a-fA-F0-9]{64}\\s", 66},
      {"\\pN\\p{Greek}\\PN\\d\\W", 5},
      {"\\x41\\x{1F600}\\123\\.\\n", 5},
      {"é+", 1},
      {"日本{2}", 3},
      {"\\Qab*\\E", 0},  // not worked out
      {"a(?i)*", 0},
      {".*", 0},
      {"(?:\\n?\\z)", 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    REQUIRE(re2::RE2(c.pattern).ok());
    CHECK(sigma::shortest_match(c.pattern) == c.characters);
  }
  for (const char* no_expression : {"(", "a)", "[a", "\\", "(?<a", "\\x{41"})
    CHECK(sigma::shortest_match(no_expression) == 0);
}

TEST_CASE("shortest match: no shorter text matches, on random expressions") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {
      "a", "b",    "ab",    "(a|bb)", "(?:ab|b)", "[ab]", "[^a]", "é",   ".",   "\\w", "\\b", "^",
      "$", "(?i)", "\\x61", "(",      ")",        "|",    "[]a]", "\\.", "\\d", "{",   "a{",  "}"};
  const std::vector<std::string> quantifiers = {"",     "",      "",    "*",  "+",    "?", "{2}",
                                                "{3,}", "{1,2}", "{0}", "*?", "{,2}", "+?"};
  const std::vector<std::string> text_pieces = {"a", "b", "é", "1", ".", "{", "}", "", "A", "\n"};
  std::size_t accepted = 0, matched = 0;
  for (int i = 0; i < 4'000; ++i) {
    std::string pattern;
    for (std::size_t n = random() % 6; n > 0; --n)
      pattern += pieces[random() % pieces.size()] + quantifiers[random() % quantifiers.size()];
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    const re2::RE2 program(pattern, quiet);
    if (!program.ok()) continue;
    ++accepted;
    const std::size_t shortest = sigma::shortest_match(pattern);
    for (int t = 0; t < 20; ++t) {
      std::string text;
      for (std::size_t n = random() % 5; n > 0; --n)
        text += text_pieces[random() % text_pieces.size()];
      if (!re2::RE2::PartialMatch(text, program)) continue;
      ++matched;
      CAPTURE(pattern);
      CAPTURE(text);
      CHECK(text.size() >= shortest);
    }
  }
  CHECK(accepted > 1'000);
  CHECK(matched > 1'000);
}

TEST_CASE("required run: known expressions") {
  struct Case {
    const char* pattern;
    std::size_t count;
  };
  const std::vector<Case> cases = {
      {"\\s[a-fA-F0-9]{64}\\s[a-f]{16}", 64},
      {"x\\d{8,}y", 8},
      {"\\d{7}", 0},           // stands in many texts
      {"[a-z]{20}|b", 0},      // not needed
      {"(?:[a-z]{20})?b", 0},  // nor this
      {"[a-z]{20}*", 0},       // nor this
      {"(a[a-z]{20})", 0},     // not looked for in groups
      {"[^a]{20}", 0},         // nor in what is left over
      {"[a\\x41]{20}", 0},     // nor in what is not worked out
      {"[[:alpha:]]{20}", 0},
      {"[]a-]{9}", 9},
      {"[é]{9}", 0},
      {"[\\w.]{12}(?i)[b]{13}", 13},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CHECK(sigma::required_run(c.pattern).count == c.count);
  }
  const sigma::RequiredRun run = sigma::required_run("[a-c]{8}");
  CHECK(run.stands_in("xxabcabcabxx"));
  CHECK(run.stands_in("aabbccAB"));
  CHECK_FALSE(run.stands_in("aabbccA"));
  CHECK_FALSE(run.stands_in("abcabcaxabcabcaxabcabcax"));
  CHECK_FALSE(run.stands_in(""));
}

TEST_CASE("required run: stands in whatever matches, on random expressions") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[random() % from.size()];
  };
  const std::vector<std::string> classes = {"[ab]",     "[^a]", "[a-c1]", "\\d", "\\w",    "[]a]",
                                            "[\\d\\s]", "[k]",  "[^]k]",  ".",   "[a\\]]", "[ -~]"};
  const std::vector<std::string> counts = {"{8}", "{8,}", "{9}", "{8,9}?", "{0,8}", "+", "{2}{4}"};
  const std::vector<std::string> around = {"", "a", "(?i)", "^", "$", "|b", "(", ")", "(?:b|c)"};
  const std::vector<std::string> text_pieces = {"a", "b", "ab", "1", "k", "K", "\xE2\x84\xAA",
                                                "]", " "};
  std::size_t matched = 0, runs = 0;
  for (int i = 0; i < 6'000; ++i) {
    std::string pattern = pick(around);
    for (int n = 0; n < 2; ++n) pattern += pick(classes) + pick(counts) + pick(around);
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    const re2::RE2 program(pattern, quiet);
    if (!program.ok()) continue;
    const sigma::RequiredRun run = sigma::required_run(pattern);
    runs += run.count != 0 ? 1 : 0;
    for (int t = 0; t < 20; ++t) {
      std::string text;
      const std::string often = pick(text_pieces);
      for (std::size_t n = random() % 40; n > 0; --n)
        text += random() % 4 == 0 ? pick(text_pieces) : often;
      if (!re2::RE2::PartialMatch(text, program)) continue;
      ++matched;
      CAPTURE(pattern);
      CAPTURE(text);
      CHECK((run.count == 0 || run.stands_in(text)));
    }
  }
  CHECK(runs > 300);
  CHECK(matched > 1'000);
}

TEST_CASE("shortest match: a short value is no match, one that is long enough is looked at") {
  const auto regex = sigma::Regex::compile("(?i)[a-f0-9]{4} x", {});
  REQUIRE(regex);
  CHECK_FALSE((*regex)->found_in("BEEF "));
  CHECK((*regex)->found_in("BEEF X"));
}
