// SPDX-License-Identifier: Apache-2.0
//
// Random rules on random events: engine, plain evaluator and oracle must agree on each pair.
// TOCSIN_TEST_CASES says how many pairs, TOCSIN_TEST_SEED runs a failure again.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>

#include "differential/rule_generator.h"

using namespace tocsin::differential;

TEST_CASE("random worlds: engine, evaluator and oracle agree") {
  const std::size_t wanted = cases_wanted(60'000);
  const unsigned first_seed = seed_wanted();
  std::size_t pairs = 0, matched = 0;
  for (unsigned seed = first_seed; pairs < wanted; ++seed) {
    std::mt19937 random(seed);
    // Small worlds find what is wrong with one rule, large ones what rules do to each other.
    const WorldSize size = seed % 4 == 0 ? WorldSize{200, 60} : WorldSize{25, 60};
    const Outcome outcome = judge(random_world(random, size));
    pairs += outcome.pairs;
    matched += outcome.matched;
    INFO("run it again with TOCSIN_TEST_SEED=", seed, " TOCSIN_TEST_CASES=1\n", outcome.first);
    REQUIRE(outcome.differences == 0);
  }
  MESSAGE("seeds from ", first_seed, ": ", pairs, " pairs, ", matched, " matches");
  CHECK(matched > pairs / 100);
}

TEST_CASE("random worlds: many events through one engine, so that memories fill and are reused") {
  std::mt19937 random(seed_wanted());
  const std::size_t events = 500 + cases_wanted(0) / 2'000;
  const Outcome outcome = judge(random_world(random, {15, events}));
  INFO("TOCSIN_TEST_SEED chooses the world\n", outcome.first);
  CHECK(outcome.differences == 0);
}
