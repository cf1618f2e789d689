// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "fixture.h"
#include "search_world.h"
#include "seed.h"
#include "stages/store/search/archive.h"
#include "stages/store/search/triage.h"
#include "stages/store/sink.h"

using namespace tocsin;
using namespace tocsin::store::search;
using test::TempDir;

namespace {

// Found by the archive, as numbers of the world's alerts.
std::vector<std::size_t> found_by(const Archive& archive, const test::World& world,
                                  const AlertFilter& filter) {
  std::vector<std::size_t> out;
  PageRequest page;
  page.limit = 7;
  std::int64_t total = -1;
  while (true) {
    const auto got = archive.alerts(filter, page);
    REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
    total = got->total;
    for (const AlertRecord& row : got->items) out.push_back(world.number_of(row.alert_id));
    if (got->next.empty()) break;
    page.cursor = got->next;
  }
  CHECK(total == static_cast<std::int64_t>(out.size()));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("search: what SQL finds is what a plain look at every alert finds") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 6; ++round) {
    const TempDir dir;
    test::World world(random);
    world.write(dir / "t.db");
    const auto archive = Archive::open(dir / "t.db");
    REQUIRE(archive.has_value());
    for (int i = 0; i < 120; ++i) {
      AlertFilter filter;
      filter.query = world.random_query();
      if (world.chance(4)) filter.range.from = world.random_time();
      if (world.chance(4)) filter.range.to = world.random_time();
      if (world.chance(5)) filter.statuses = world.random_statuses();
      if (world.chance(6)) filter.hosts = {world.random_host(), world.random_host()};
      CAPTURE(test::text_of(filter.query));
      CHECK(found_by(**archive, world, filter) == world.matching(filter));
    }
  }
}
