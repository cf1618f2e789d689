// SPDX-License-Identifier: Apache-2.0
#include "stages/store/rule_stats.h"

#include <doctest/doctest.h>

#include <thread>

#include "core/trace/temp_dir.h"
#include "stages/store/sink.h"

using namespace tocsin;
using store::RuleStat;
using store::RuleStatsStore;

namespace {

std::unique_ptr<RuleStatsStore> open_or_fail(const std::string& path) {
  auto store = RuleStatsStore::open(path);
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().message));
  return *std::move(store);
}

}  // namespace

TEST_CASE("rule stats: counts add up, first and last reach out, zero is no time") {
  const test::TempDir dir;
  const std::string path = dir / "t.db";
  CHECK(store::read_rule_stats(path).error().code == ErrorCode::kNotFound);
  const RuleStat steps[] = {
      {"b", 10, 1, 0, 100, 0, 0}, {"b", 5, 2, 1, 50, 700, 800}, {"b", 0, 1, 0, 0, 600, 650},
      {"a", 1, 0, 0, 0, 0, 0},    {"b", 1, 0, 0, 0, 0, 0},
  };
  RuleStat sum{"b"};
  for (const RuleStat& step : steps) {
    REQUIRE(open_or_fail(path)->add({&step, 1}).has_value());  // each a process of its own
    if (step.rule_id == "b") sum.add(step);
  }
  const auto stats = store::read_rule_stats(path);
  REQUIRE(stats.has_value());
  REQUIRE(stats->size() == 2);
  CHECK((*stats)[0].rule_id == "a");
  for (const RuleStat& b : {(*stats)[1], sum}) {
    CHECK(b.evaluated == 16);
    CHECK(b.matched == 4);
    CHECK(b.suppressed == 1);
    CHECK(b.nanoseconds == 150);
    CHECK(b.first_seen == 600);
    CHECK(b.last_seen == 800);
  }
}

TEST_CASE("rule stats: a database of verdicts without the table reads as empty, and gets it") {
  const test::TempDir dir;
  const std::string path = dir / "t.db";
  REQUIRE(store::open_sqlite(path, {}).has_value());
  const auto none = store::read_rule_stats(path);
  REQUIRE(none.has_value());
  CHECK(none->empty());
  const RuleStat one{"a", 1, 1, 0, 0, 5, 5};
  REQUIRE(open_or_fail(path)->add({&one, 1}).has_value());
  CHECK(store::read_rule_stats(path)->size() == 1);
}

TEST_CASE("rule stats: several writers lose nothing") {
  const test::TempDir dir;
  const std::string path = dir / "t.db";
  static_cast<void>(open_or_fail(path));
  std::vector<std::jthread> writers;
  std::atomic<int> failed{0};
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&] {
      auto store = RuleStatsStore::open(path);
      for (int i = 0; i < 50; ++i) {
        const RuleStat stats[] = {{"a", 1, 1, 0, 0, 5, 5}, {"b", 2, 0, 0, 0, 0, 0}};
        failed += !store || !(*store)->add(stats);
      }
    });
  writers.clear();
  CHECK(failed == 0);
  const auto stats = store::read_rule_stats(path);
  REQUIRE(stats->size() == 2);
  CHECK((*stats)[0].matched == 200);
  CHECK((*stats)[1].evaluated == 400);
}
