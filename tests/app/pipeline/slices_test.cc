// SPDX-License-Identifier: Apache-2.0
//
// Which offsets belong to a batch, and to the batches that are committed together.
#include "app/pipeline/slices.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "app/pipeline/tuning/decisions.h"

using namespace tocsin;
using pipeline::Decisions;
using pipeline::Slices;

namespace {

store::Place add(Slices& slices, std::int32_t partition, std::int64_t offset) {
  const std::string value = "event " + std::to_string(offset);
  bus::Message message;
  message.topic = "raw-events";
  message.partition = partition;
  message.offset = offset;
  message.value = value;
  return slices.place_of(message);
}

bus::Offsets offsets(std::int64_t first, std::int64_t second = -1) {
  bus::Offsets out;
  out[{"raw-events", 0}] = first;
  if (second >= 0) out[{"raw-events", 1}] = second;
  return out;
}

}  // namespace

TEST_CASE("slices: a batch by itself") {
  Slices slices;
  slices.next_batch();
  CHECK(add(slices, 0, 10).slice == 0);
  CHECK(add(slices, 1, 70).slice == 1);
  CHECK(add(slices, 0, 12).slice == 0);
  REQUIRE(slices.all().size() == 2);
  CHECK(slices.all()[0].first == 10);
  CHECK(slices.all()[0].next == 13);
  CHECK(slices.all()[0].since == 10);
  CHECK(slices.all()[0].since_stamp == slices.all()[0].stamp);
  CHECK(slices.behind() == offsets(13, 71));
  CHECK(slices.before() == offsets(10, 70));
}

TEST_CASE("slices: batches that are committed together remember where the first of them began") {
  Slices slices;
  slices.next_batch();
  add(slices, 0, 10);
  const std::int64_t stamp = slices.all()[0].stamp;
  slices.next_batch();
  add(slices, 1, 70);
  CHECK(slices.behind() == offsets(11, 71));
  CHECK(slices.before() == offsets(11, 70));
  slices.next_batch();
  add(slices, 0, 11);
  add(slices, 0, 12);
  REQUIRE(slices.all().size() == 1);
  CHECK(slices.all()[0].first == 11);
  CHECK(slices.all()[0].since == 10);
  CHECK(slices.all()[0].since_stamp == stamp);
  CHECK(slices.all()[0].stamp != stamp);
  CHECK(slices.behind() == offsets(13, 71));
  CHECK(slices.before() == offsets(11, 71));

  SUBCASE("those before are committed, the batch in hand is not") {
    slices.settle_before();
    CHECK(slices.all()[0].since == 11);
    CHECK(slices.all()[0].since_stamp == slices.all()[0].stamp);
    CHECK(slices.behind() == offsets(13));
    CHECK(slices.before() == offsets(11));
  }
  SUBCASE("all is committed") {
    slices.clear();
    slices.next_batch();
    add(slices, 0, 13);
    CHECK(slices.all()[0].since == 13);
    CHECK(slices.behind() == offsets(14));
  }
}

TEST_CASE("decisions: those of committed batches are forgotten, those of undone ones recalled") {
  Decisions decisions;
  const Uuid a = Uuid::random(), b = Uuid::random(), c = Uuid::random();
  decisions.note(a, {true, 1});
  decisions.note(b, {false, 2});
  const std::size_t before = decisions.noted();
  decisions.note(c, {true, 3});
  decisions.committed(before);
  CHECK(decisions.noted() == 1);
  decisions.undone();
  CHECK_FALSE(decisions.recall(a));
  CHECK_FALSE(decisions.recall(b));
  REQUIRE(decisions.recall(c));
  CHECK(decisions.recall(c)->suppressed == 3);
  decisions.note(c, *decisions.recall(c));
  decisions.committed();
  CHECK_FALSE(decisions.recall(c));
}
