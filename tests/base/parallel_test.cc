// SPDX-License-Identifier: Apache-2.0
#include "base/threads/parallel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <vector>

using tocsin::parallel_for;

TEST_CASE("every round is done once, whatever their number") {
  for (const std::size_t count : {0, 1, 2, 31, 32, 33, 1'000, 10'007}) {
    for (const std::size_t least : {0, 1, 50, 100'000}) {
      std::vector<std::atomic<int>> done(count);
      parallel_for(count, least, [&](std::size_t i) { done[i].fetch_add(1); });
      CHECK(std::all_of(done.begin(), done.end(), [](const auto& n) { return n == 1; }));
    }
  }
}

TEST_CASE("the caller sees what the rounds wrote") {
  std::vector<std::size_t> squares(5'000);
  parallel_for(squares.size(), 1, [&](std::size_t i) { squares[i] = i * i; });
  for (std::size_t i = 0; i < squares.size(); ++i) REQUIRE(squares[i] == i * i);
}

TEST_CASE("there is a core to use") { CHECK(tocsin::usable_cores() >= 1); }
