// SPDX-License-Identifier: Apache-2.0
//
// What the filter leaves out must not match: against RE2 itself, on values made of the pieces that
// the expressions are about.
#include "stages/match/literals/regex_filter.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "seed.h"

using namespace tocsin;

namespace {

const std::vector<std::string> kExpressions = {R"(\s-k\s)",
                                               R"(:[^\\])",
                                               R"(\+.*\+.*\+)",
                                               R"(`.*`)",
                                               R"((?i)\s(-u|--user)\s*:)",
                                               R"( [0-7]{7,13})",
                                               R"("(?:\{\d\})+"\s*-f)",
                                               R"([Rr][Uu]n)",
                                               R"(a|b)",
                                               R"(x?)",
                                               R"(^$)",
                                               R"(powershell)",
                                               R"((?i)K-\d)",
                                               R"((?:ab|-o).+)",
                                               R"([^a-z])",
                                               R"(net\s+user)",
                                               R"(\(\()",
                                               R"(é`)",
                                               R"((?i)ſ:)",
                                               R"((?i)net.*(user|power|:\+))",
                                               R"((user|net).*(power|run).*rUn)"};

std::vector<std::uint32_t> passed(const match::RegexFilter& filter,
                                  const std::vector<std::string>& atoms, const std::string& value) {
  const std::string folded_value = folded(value);
  std::vector<int> found;
  for (std::size_t i = 0; i < atoms.size(); ++i)
    if (folded_value.find(folded(atoms[i])) != std::string::npos)
      found.push_back(static_cast<int>(i));
  std::vector<std::uint32_t> out;
  filter.candidates(found, folded_value, out);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("regex filter: what matches is never left out") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {
      " ", "-k", "-K",  ":",      "\\",  "+",          "`",        "-u",  "--USER",
      "7", "\"", "{1}", "-f",     "rUn", "a",          "b",        "net", "user",
      "(", "é",  "ſ",   "\u212A", "\t",  "powershell", "12345670", "-o"};
  for (int world = 0; world < 40; ++world) {
    match::RegexFilter filter;
    std::vector<sigma::Predicate> predicates;
    for (const std::string& expression : kExpressions) {
      if (random() % 3 == 0) continue;
      sigma::Predicate p;
      p.op = sigma::Op::kRegex;
      p.text = expression;
      p.regex_ignore_case = random() % 4 == 0;
      predicates.push_back(p);
    }
    for (std::size_t i = 0; i < predicates.size(); ++i)
      filter.add(predicates[i], static_cast<std::uint32_t>(i));
    const std::vector<std::string> atoms = filter.build();
    for (int v = 0; v < 300; ++v) {
      std::string value;
      for (std::size_t n = random() % 8; n > 0; --n) value += pieces[random() % pieces.size()];
      CAPTURE(value);
      const auto out = passed(filter, atoms, value);
      CHECK(std::adjacent_find(out.begin(), out.end()) == out.end());
      for (std::size_t i = 0; i < predicates.size(); ++i) {
        re2::RE2::Options options;
        options.set_case_sensitive(!predicates[i].regex_ignore_case);
        CAPTURE(predicates[i].text);
        if (re2::RE2::PartialMatch(value, re2::RE2(predicates[i].text, options)))
          CHECK(std::binary_search(out.begin(), out.end(), static_cast<std::uint32_t>(i)));
      }
    }
  }
}

TEST_CASE("regex filter: a literal that is always needed, and one of several") {
  for (const auto& [value, passes] :
       std::vector<std::pair<std::string, bool>>{{"set a && set environment && b", true},
                                                 {"SET a && set Invoke && b", true},
                                                 {"set a && set b && c", false},
                                                 {"environment invoke input", false},
                                                 {"set", false}}) {
    CAPTURE(value);
    sigma::Predicate p;
    p.op = sigma::Op::kRegex;
    p.text = R"((?i)(set).*&&\s?set.*(environment|invoke|\$?\{?input).*&&.*)";
    match::RegexFilter filter;
    filter.add(p, 7);
    const auto atoms = filter.build();
    CHECK(passed(filter, atoms, value).size() == (passes ? 1 : 0));
  }
}

TEST_CASE(
    "regex filter: an expression without a long literal is left out for want of a short one") {
  struct Case {
    std::string expression, value;
    bool passes;
  };
  const std::vector<Case> cases = {
      {R"(\s-k\s)", "curl-kx", false},
      {R"(\s-k\s)", "curl -k x", true},
      {R"(:[^\\])", "no colon", false},
      {R"(:[^\\])", "c:\\x", true},
      {R"(\+.*\+)", "a b", false},
      {R"((?:-u|-p).)", "-x 1", false},
      {R"((?:-u|-p).)", "-P1", true},
      {R"(\d)", "abc", false},
      {R"(\d)", "a1", true},
      {R"([^a])", "a", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.expression);
    CAPTURE(c.value);
    sigma::Predicate p;
    p.op = sigma::Op::kRegex;
    p.text = c.expression;
    match::RegexFilter filter;
    filter.add(p, 7);
    const auto atoms = filter.build();
    CHECK(passed(filter, atoms, c.value).size() == (c.passes ? 1 : 0));
  }
}
