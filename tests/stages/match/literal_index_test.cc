// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literal_index.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

using tocsin::match::Anchor;
using tocsin::match::LiteralIndex;

namespace {

struct Literal {
  Anchor anchor;
  std::string text;
};

bool holds(const Literal& literal, std::string_view value) {
  switch (literal.anchor) {
    case Anchor::kWhole:
      return value == literal.text;
    case Anchor::kStart:
      return value.starts_with(literal.text);
    case Anchor::kEnd:
      return value.ends_with(literal.text);
    case Anchor::kAnywhere:
      return value.find(literal.text) != std::string_view::npos;
  }
  return false;
}

std::string random_text(std::mt19937& random, std::size_t length_max) {
  std::string text(std::uniform_int_distribution<std::size_t>(0, length_max)(random), ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 3);
  return text;
}

}  // namespace

TEST_CASE("literal index: finds exactly the literals that hold, on random words of three letters") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int world = 0; world < 60; ++world) {
    std::vector<Literal> literals;
    for (int i = 0; i < 80; ++i)
      literals.push_back({static_cast<Anchor>(random() % 4), random_text(random, 9)});
    LiteralIndex index;
    for (std::uint32_t i = 0; i < literals.size(); ++i)
      index.add(literals[i].anchor, literals[i].text, i);
    index.build();
    for (int i = 0; i < 50; ++i) {
      const std::string value = random_text(random, 24);
      std::set<std::uint32_t> want, got;
      for (std::uint32_t n = 0; n < literals.size(); ++n)
        if (holds(literals[n], value)) want.insert(n);
      index.scan(value, [&](std::uint32_t payload) { got.insert(payload); });
      CAPTURE(value);
      CHECK(got == want);
    }
  }
}

TEST_CASE("literal index: an empty index finds nothing") {
  LiteralIndex index;
  index.build();
  CHECK(index.empty());
  int found = 0;
  index.scan("anything", [&](std::uint32_t) { ++found; });
  CHECK(found == 0);
}
