// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/keyword_filter.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"

using tocsin::folded;
using tocsin::match::KeywordFilter;
using tocsin::match::KeywordHint;

namespace {

KeywordFilter filter_of(const std::vector<std::string>& keywords) {
  KeywordFilter filter;
  for (const std::string& keyword : keywords) filter.add(folded(keyword));
  filter.build();
  return filter;
}

}  // namespace

TEST_CASE("keyword filter: a keyword is found in any case and at any place") {
  const KeywordFilter filter =
      filter_of({"sekurlsa::", "gentilkiwi.com", "\\mimilib.dll", "Kiwi \"Legit\" Printer"});
  for (std::size_t before = 0; before < 70; ++before) {
    for (std::size_t after : {0u, 1u, 2u, 3u, 31u, 40u}) {
      CAPTURE(before);
      CAPTURE(after);
      const std::string lead(before, 'x'), tail(after, 'y');
      CHECK(filter.scan(lead + "SEKURLSA::" + tail) == KeywordHint::kSome);
      CHECK(filter.scan(lead + "GentilKiwi.com" + tail) == KeywordHint::kSome);
      CHECK(filter.scan(lead + R"(C:\\mimiLIB.dll)" + tail) == KeywordHint::kSome);
      CHECK(filter.scan(lead + R"(kiwi \"Legit\" Printer)" + tail) == KeywordHint::kSome);
      CHECK(filter.scan(lead + "sekurlsa:" + tail) == KeywordHint::kNone);
    }
  }
}

TEST_CASE("keyword filter: what can hide a keyword is told") {
  const KeywordFilter filter = filter_of({"sekurlsa::"});
  struct Case {
    const char* text;
    KeywordHint hint;
  };
  const Case cases[] = {
      {R"({"a":"s\u0065kurlsa::"})", KeywordHint::kOdd},
      {R"({"a":"C:\\users\\up"})", KeywordHint::kNone},  // an escaped backslash, then u
      {R"({"a":"C:\\\u0041"})", KeywordHint::kOdd},      // a backslash, then an escape
      {"{\"a\":\"\xC5\xBF"
       "ekurlsa::\"}",
       KeywordHint::kOdd},                                       // long s folds to s
      {"{\"a\":\"se\xE2\x84\xAAurlsa::\"}", KeywordHint::kOdd},  // Kelvin sign folds to k
      {"{\"a\":\"gr\xC3\xBC\xC3\x9F\"}", KeywordHint::kNone},
      {"", KeywordHint::kNone},
      {R"(\u)", KeywordHint::kOdd},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(filter.scan(c.text) == c.hint);
    if (c.hint == KeywordHint::kOdd) CHECK(KeywordFilter::is_odd(c.text));
  }
}

TEST_CASE("keyword filter: keywords that it cannot look for make it say perhaps") {
  CHECK(filter_of({"ab"}).scan("nothing here") == KeywordHint::kSome);
  CHECK(filter_of({R"(\\)", "sekurlsa"}).scan("nothing here") == KeywordHint::kSome);
  const KeywordFilter cyrillic = filter_of({"\xD0\xBF\xD1\x80"});
  CHECK(cyrillic.scan("nothing here") == KeywordHint::kNone);
  CHECK(cyrillic.scan("gr\xC3\xBC\xC3\x9F") == KeywordHint::kSome);
  // An odd value beside it must not hide that other values can hold the keyword.
  CHECK(cyrillic.scan("\xD0\xBF\xD1\x80 \xE2\x84\xAA") == KeywordHint::kSome);
}

TEST_CASE("keyword filter: never says no to a text that holds a keyword") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto word = [&](std::size_t size) {
    std::string text(size, ' ');
    for (char& c : text) c = "abcABC:.-k"[random() % 10];
    return text;
  };
  std::size_t held = 0;
  for (int world = 0; world < 200; ++world) {
    std::vector<std::string> keywords;
    const std::size_t count = random() % 100, shortest = world % 2 == 0 ? 3 : 7;
    for (std::size_t i = 0; i <= count; ++i) keywords.push_back(word(shortest + random() % 12));
    const KeywordFilter filter = filter_of(keywords);
    for (int i = 0; i < 50; ++i) {
      std::string text = word(random() % 90);
      if (random() % 4 == 0)
        text.insert(random() % (text.size() + 1), keywords[random() % keywords.size()]);
      bool holds = false;
      for (const std::string& keyword : keywords)
        holds = holds || folded(text).find(folded(keyword)) != std::string::npos;
      CHECK((filter.scan(text) == KeywordHint::kSome) == holds);
      held += holds;
    }
  }
  CHECK(held > 500);
}
