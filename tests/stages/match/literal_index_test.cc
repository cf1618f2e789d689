// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/literal_index.h"

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

// Of the first `letters` of a few characters, of one byte and of two.
std::string random_text(std::mt19937& random, std::size_t length_max, std::size_t letters) {
  static const std::string kLetters[] = {"a", "b", "c", "\\", ".", "\xC3\xA9", "\xD1\x81"};
  std::string text;
  const std::size_t length = random() % (length_max + 1);
  while (text.size() < length) text += kLetters[random() % letters];
  return text;
}

// What a world of literals and values looks like.
struct World {
  const char* name;
  std::size_t literals, literal_bytes, value_bytes, letters;
};

}  // namespace

TEST_CASE("literal index: finds exactly the literals that hold, on random literals and values") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr World kWorlds[] = {
      {"short literals of three letters", 80, 9, 24, 3},
      {"few short ones, found by their fingerprints", 30, 7, 150, 4},
      {"all lengths, values of several vectors", 200, 20, 300, 5},
      {"letters of two bytes", 150, 18, 120, 7},
      {"two letters: every window is in many literals", 100, 16, 200, 2},
  };
  for (const World& world : kWorlds) {
    CAPTURE(world.name);
    std::size_t held = 0;
    for (int round = 0; round < 40; ++round) {
      std::vector<Literal> literals;
      LiteralIndex index;
      for (std::uint32_t i = 0; i < world.literals; ++i) {
        literals.push_back({static_cast<Anchor>(random() % 4),
                            random_text(random, world.literal_bytes, world.letters)});
        index.add(literals[i].anchor, literals[i].text, i);
      }
      index.build();
      for (int i = 0; i < 30; ++i) {
        std::string value = random_text(random, world.value_bytes, world.letters);
        for (std::size_t planted = random() % 3; planted > 0; --planted)
          value.insert(random() % (value.size() + 1), literals[random() % literals.size()].text);
        if (random() % 4 == 0) value = literals[random() % literals.size()].text + value;
        if (random() % 4 == 0) value += literals[random() % literals.size()].text;
        std::set<std::uint32_t> want, got;
        for (std::uint32_t n = 0; n < literals.size(); ++n)
          if (holds(literals[n], value)) want.insert(n);
        index.scan(value, [&](std::uint32_t payload) { got.insert(payload); });
        held += want.size();
        CAPTURE(value);
        CHECK(got == want);
      }
    }
    CHECK(held > 3'000);
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
