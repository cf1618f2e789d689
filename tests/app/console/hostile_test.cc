// SPDX-License-Identifier: Apache-2.0
//
// Whatever stands in events, it comes out as JSON, in full, and as nothing else.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "console_world.h"

namespace tocsin::test {

TEST_CASE("markup, control characters, separators and broken bytes of events stay text") {
  const std::vector<std::string> values = {
      "vssadmin delete <script>alert(document.cookie)</script>",
      "vssadmin delete \"><img src=x onerror=alert(1)>",
      "vssadmin delete ]]>{{constructor.constructor('alert(1)')()}}",
      "vssadmin delete \xe2\x80\xa8\xe2\x80\xa9 line separators",
      "vssadmin delete \xe2\x80\xae right to left",
      "vssadmin delete data: x\n\nevent: alert\ndata: {}\n\n",
      std::string("vssadmin delete \x01\x02\x1b[31m red"),
      "vssadmin delete \\u0000 \\\" \\",
      "vssadmin delete javascript:alert(1)",
      "vssadmin delete </textarea></script><!--",
  };
  std::vector<std::string> events;
  int number = 100;
  for (const std::string& value : values) events.push_back(attack_event(++number, value));
  ConsoleWorld world({.events = events});
  const Got list = world.get("/alerts?limit=500&sort=time");
  REQUIRE(list.json.number("/total") == static_cast<std::int64_t>(2 + values.size()));
  std::size_t seen = 0;
  for (const simdjson::dom::element item : array_of(list.json.at("/items"))) {
    const std::string id(item["alert_id"].get_string().value());
    const Got got = world.get("/alerts/" + id);
    CHECK(got.status == 200);
    CHECK(got.type == "application/json");
    CHECK(got.header("X-Content-Type-Options") == "nosniff");
    const std::string command = got.json.text("/event/json/Event/EventData/CommandLine");
    for (const std::string& value : values) seen += command == value;
    // JSON of one line: nothing can end an event of a stream.
    CHECK(got.body.find('\n') == std::string::npos);
  }
  CHECK(seen == values.size());
  const Got messages = world.get("/topics/raw-events/messages?limit=200");
  CHECK(messages.type == "application/json");
  CHECK(messages.json.size("/items") == 3 + values.size());
  CHECK(messages.body.find('\n') == std::string::npos);
}

TEST_CASE("bytes that are no UTF-8, numbers that are none, depth without end") {
  ConsoleWorld world;
  std::string deep(3'000, '[');
  world.publish("raw-events", {{.key = std::string("\xff\xfe\x00", 3),
                                .value = "{\"a\":\"\xff\xc0\"}",
                                .headers = {{"h", "\xf0\x28"}}},
                               {.key = "k", .value = "{\"n\":1e999}", .headers = {}},
                               {.key = "k", .value = "{\"a\":1}{\"b\":2}", .headers = {}},
                               {.key = "k", .value = deep, .headers = {}},
                               {.key = "k", .value = std::string("\0\0", 2), .headers = {}},
                               {.key = "", .value = "", .headers = {}}});
  const Got got = world.get("/topics/raw-events/messages?limit=200");
  CHECK(got.status == 200);
  CHECK(got.json.valid());
  CHECK(got.json.size("/items") == 9);
  CHECK(world.get("/topics/raw-events/messages?filter=a:1&limit=200").status == 200);
  CHECK(world.get("/topics/raw-events/messages?filter=n:1").status == 200);
}

}  // namespace tocsin::test
