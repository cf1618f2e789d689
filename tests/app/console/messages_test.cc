// SPDX-License-Identifier: Apache-2.0
//
// Messages of a topic: pages forwards and backwards hold each message once, filters, limits.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>
#include <set>

#include "console_world.h"
#include "seed.h"

namespace tocsin::test {
namespace {

using Place = std::pair<std::int64_t, std::int64_t>;  // partition, offset

struct Walk {
  std::multiset<Place> places;
  std::vector<std::string> times;
  std::size_t pages = 0;
};

Walk walk(ConsoleWorld& world, const std::string& path) {
  Walk out;
  std::string next;
  do {
    const Got got = world.get(path + (next.empty() ? "" : "&cursor=" + next));
    CAPTURE(got.body.substr(0, 300));
    REQUIRE(got.status == 200);
    for (const simdjson::dom::element item : array_of(got.json.at("/items"))) {
      out.places.emplace(item["partition"].get_int64().value(), item["offset"].get_int64().value());
      out.times.emplace_back(item["time"].get_string().value());
    }
    next = got.json.is_null("/next") ? "" : got.json.text("/next");
    REQUIRE(++out.pages < 200);
  } while (!next.empty());
  return out;
}

}  // namespace

TEST_CASE("pages hold every message once, whatever the time stamps say") {
  const unsigned seed = tests::seed_wanted();
  INFO("TOCSIN_TEST_SEED=", seed);
  std::mt19937 random(seed);
  ConsoleWorld world;
  REQUIRE(world.bus().create_topic("mixed", {.partitions = 3}));
  std::vector<bus::Record> records;
  for (int i = 0; i < 150; ++i)
    records.push_back(
        {.key = fmt::format("k{}", random() % 20),
         .value = fmt::format(R"({{"n":{},"even":"{}"}})", i, i % 2 == 0),
         .headers = {},
         .timestamp_ms = 1'700'000'000'000 + static_cast<std::int64_t>(random() % 90)});
  world.publish("mixed", std::move(records));
  for (const char* from : {"end", "begin"})
    for (const int limit : {7, 50, 200}) {
      CAPTURE(from);
      CAPTURE(limit);
      const Walk all =
          walk(world, fmt::format("/topics/mixed/messages?from={}&limit={}", from, limit));
      CHECK(all.places.size() == 150);
      CHECK(std::set<Place>(all.places.begin(), all.places.end()).size() == 150);
    }
  const Walk even = walk(world, "/topics/mixed/messages?filter=even:true&limit=10");
  CHECK(even.places.size() == 75);
  CHECK(std::set<Place>(even.places.begin(), even.places.end()).size() == 75);
  CHECK(walk(world, "/topics/mixed/messages?offset=10&limit=50").places.size() < 150);
  CHECK(walk(world, "/topics/mixed/messages?time=2100-01-01T00:00:00Z&limit=5").places.empty());
}

TEST_CASE("one partition in order; what is scanned is bounded") {
  ConsoleWorld world;
  REQUIRE(world.bus().create_topic("one", {.partitions = 1}));
  std::vector<bus::Record> records;
  for (int i = 0; i < 30; ++i)
    records.push_back({.key = "k", .value = fmt::format("line {}", i), .headers = {{"h", "v"}}});
  world.publish("one", std::move(records));
  const Got last = world.get("/topics/one/messages?limit=3");
  CHECK(last.json.text("/items/0/value") == "line 29");
  CHECK(last.json.text("/items/2/value") == "line 27");
  CHECK(last.json.is_null("/items/0/json"));
  CHECK(last.json.text("/items/0/headers/0/1") == "v");
  const Got first = world.get("/topics/one/messages?from=begin&limit=3&partition=0");
  CHECK(first.json.text("/items/0/value") == "line 0");
  CHECK_FALSE(first.json.yes("/reached_end"));
  const Got none = world.get("/topics/one/messages?filter=nowhere&max_scan=5");
  CHECK(none.json.size("/items") == 0);
  CHECK(world.get("/topics/one/messages?filter=h:v&limit=100").json.size("/items") == 30);
  CHECK(world.get("/topics/one/messages?filter=LINE%2029").json.size("/items") == 1);
  CHECK(world.get("/topics/one/messages?partition=7").status == 404);
  CHECK(world.get("/topics/none/messages").status == 404);
}

TEST_CASE("a large message is shown in part, and says so") {
  ConsoleWorld world;
  world.publish("raw-events", {{.key = "k", .value = std::string(600'000, 'x'), .headers = {}}});
  const Got got = world.get("/topics/raw-events/messages?limit=1");
  CHECK(got.json.yes("/items/0/truncated"));
  CHECK(got.json.number("/items/0/size") == 600'000);
  CHECK(got.json.text("/items/0/value").size() == 256u << 10);
}

TEST_CASE("dead letters: list, reasons, replay of one and of all") {
  ConsoleWorld world;
  std::vector<bus::Record> letters;
  for (const char* code : {"event.invalid", "event.too_large", "event.invalid"})
    letters.push_back({.key = "k",
                       .value = "not json",
                       .headers = {{"error.stage", "detect"},
                                   {"error.code", code},
                                   {"error.message", "it is wrong"},
                                   {"origin", "raw-events/0/1"}}});
  world.publish("dead-letter", std::move(letters));
  world.settle();
  const Got all = world.get("/dead-letters");
  CHECK(all.json.size("/items") == 3);
  CHECK(all.json.text("/items/0/stage") == "detect");
  CHECK(all.json.text("/items/0/message") == "it is wrong");
  CHECK(world.get("/dead-letters?reason=event.too_large").json.size("/items") == 1);
  const Got pipeline = world.get("/pipeline");
  CHECK(pipeline.json.number("/dead_letters/total") == 3);
  CHECK(pipeline.json.size("/dead_letters/reasons") == 2);
  const Got one = world.post("/dead-letters/replay", R"({"items":[{"partition":0,"offset":1}]})");
  CHECK(one.json.number("/replayed") == 1);
  const Got none = world.post("/dead-letters/replay", R"({"items":[{"partition":0,"offset":99}]})");
  CHECK(none.status == 404);
  CHECK(none.json.text("/error/field") == "items");
  const Got some = world.post(
      "/dead-letters/replay",
      R"({"items":[{"partition":0,"offset":2},{"partition":0,"offset":99},{"partition":7,"offset":0}]})");
  CHECK(some.json.number("/replayed") == 1);
  CHECK(some.json.number("/skipped") == 2);
  const Got both = world.post("/dead-letters/replay", R"({"all":true})");
  CHECK(both.json.number("/replayed") == 3);
  CHECK(world.get("/topics/raw-events/messages?filter=not%20json&limit=50").json.size("/items") ==
        5);
  CHECK(world.get("/audit").json.text("/items/0/action") == "dead_letters.replay");
}

}  // namespace tocsin::test
