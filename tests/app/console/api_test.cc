// SPDX-License-Identifier: Apache-2.0
//
// Every route answers, in JSON, with the headers that browsers need; and what reading routes say.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "console_world.h"

namespace tocsin::test {

TEST_CASE("every reading route answers in JSON with the security headers") {
  ConsoleWorld world;
  world.settle();
  const std::string alert = world.alert_ids().front();
  for (const std::string& path :
       {std::string("/session"),
        std::string("/openapi.json"),
        std::string("/healthz"),
        std::string("/overview"),
        std::string("/overview?from=-24h&to=now&q=level:>=high"),
        std::string("/alerts"),
        std::string("/alerts?sort=-level&limit=1&level=high&level=low"),
        std::string("/alerts/groups?by=rule"),
        std::string("/alerts/groups?by=incident"),
        "/alerts/" + alert,
        std::string("/attack"),
        std::string("/attack/navigator?what=alerts"),
        std::string("/attack/navigator?what=rules"),
        std::string("/topics"),
        std::string("/groups"),
        std::string("/lag"),
        std::string("/lag?from=-5m"),
        std::string("/topics/raw-events/messages"),
        std::string("/traces"),
        std::string("/traces?limit=5&min_ms=1&q=x"),
        std::string("/latency"),
        std::string("/rules"),
        std::string("/rules?q=shadow&level=high&tactic=impact&product=windows"
                    "&enabled=true&sort=-alerts"),
        std::string("/rules/") + kShadowRule,
        std::string("/pipeline"),
        std::string("/dead-letters"),
        std::string("/statistics"),
        std::string("/statistics?from=-7d"),
        std::string("/audit")}) {
    CAPTURE(path);
    const Got got = world.get(path);
    CAPTURE(got.body);
    CHECK(got.status == 200);
    CHECK(got.type == "application/json");
    CHECK(got.json.valid());
    CHECK(got.header("X-Content-Type-Options") == "nosniff");
    CHECK(got.header("Content-Security-Policy").find("frame-ancestors 'none'") !=
          std::string::npos);
    CHECK(got.header("Content-Security-Policy").find("unsafe") == std::string::npos);
    CHECK(got.header("Referrer-Policy") == "no-referrer");
    CHECK(got.header("Cache-Control") == "no-store");
    CHECK_FALSE(got.headers.contains("EXCEPTION_WHAT"));
  }
}

TEST_CASE("alerts: list, filter, pages, groups") {
  ConsoleWorld world;
  const Got all = world.get("/alerts?sort=time");
  CHECK(all.json.number("/total") == 2);
  CHECK(all.json.size("/items") == 2);
  CHECK(all.json.text("/items/0/rule/id") == kShadowRule);
  CHECK(all.json.text("/items/0/host") == "host1.example");
  CHECK(all.json.text("/items/0/level") == "high");
  CHECK(all.json.text("/items/0/status") == "new");
  CHECK(all.json.is_null("/items/0/assignee"));
  CHECK(all.json.is_null("/next"));
  CHECK(world.get("/alerts?host=host1.example").json.number("/total") == 1);
  CHECK(world.get("/alerts?q=host:host2").json.number("/total") == 1);
  CHECK(world.get("/alerts?q=nowhere").json.number("/total") == 0);
  const Got first = world.get("/alerts?sort=time&limit=1");
  const Got second = world.get("/alerts?sort=time&limit=1&cursor=" + first.json.text("/next"));
  CHECK(first.json.text("/items/0/alert_id") == all.json.text("/items/0/alert_id"));
  CHECK(second.json.text("/items/0/alert_id") == all.json.text("/items/1/alert_id"));
  const Got groups = world.get("/alerts/groups?by=host");
  CHECK(groups.json.size("/items") == 2);
  CHECK(world.get("/alerts/groups?by=rule").json.number("/items/0/count") == 2);
}

TEST_CASE("an alert: its event from the topic, why the rule matched, the rule, its techniques") {
  ConsoleWorld world;
  const std::string id = world.get("/alerts?sort=time").json.text("/items/0/alert_id");
  const Got got = world.get("/alerts/" + id);
  CHECK(got.json.text("/event/raw") == attack_event(1, "vssadmin delete shadows"));
  CHECK(got.json.text("/event/json/Event/EventData/User") == "EXAMPLE\\user");
  CHECK(got.json.text("/event/topic") == "raw-events");
  CHECK(got.json.yes("/why/matches"));
  CHECK(got.json.text("/why/tree/kind") == "all");
  CHECK(got.json.text("/why/tree/children/0/selection") == "selection_img");
  CHECK(got.json.text("/rule/title") == "Shadow copies deleted");
  CHECK(got.json.text("/rule/yaml").find("vssadmin.exe") != std::string::npos);
  CHECK(got.json.text("/techniques/0/id") == "T1490");
  CHECK(got.json.text("/alert/tocsin/alert_id") == id);
  CHECK(got.json.text("/row/alert_id") == id);
  CHECK(got.json.size("/matched_fields") == 2);
  CHECK(got.json.text("/triage/status") == "new");
}

TEST_CASE("an event that is not on the topic any more is null, and so is why") {
  ConsoleWorld world;
  const std::string id = world.alert_ids().front();
  REQUIRE(world.bus().delete_topic("raw-events"));
  const Got got = world.get("/alerts/" + id);
  CHECK(got.status == 200);
  CHECK(got.json.is_null("/event/raw"));
  CHECK(got.json.is_null("/event/json"));
  CHECK(got.json.is_null("/why"));
  CHECK(got.json.text("/rule/id") == kShadowRule);
}

TEST_CASE("overview, attack and statistics count what is there") {
  ConsoleWorld world;
  const Got overview = world.get("/overview");
  CHECK(overview.json.number("/totals/events") == 3);
  CHECK(overview.json.number("/totals/detections") == 2);
  CHECK(overview.json.number("/totals/alerts") == 2);
  CHECK(overview.json.number("/totals/open_alerts") == 2);
  CHECK(overview.json.text("/rules/0/id") == kShadowRule);
  CHECK(overview.json.is_null("/now/latency_us"));  // nobody traced
  const Got attack = world.get("/attack");
  CHECK(attack.json.number("/max/alerts") == 2);
  bool found = false;
  for (const simdjson::dom::element tactic : array_of(attack.json.at("/tactics")))
    for (const simdjson::dom::element technique : array_of(tactic["techniques"].value()))
      if (technique["id"].get_string().value() == "T1490") {
        found = true;
        CHECK(technique["alerts"].get_int64().value() == 2);
        CHECK(technique["rules"].get_int64().value() == 1);
      }
  CHECK(found);
  const Got layer = world.get("/attack/navigator?what=alerts");
  CHECK(layer.header("Content-Disposition").starts_with("attachment"));
  CHECK(layer.json.text("/domain") == "enterprise-attack");
  const Got statistics = world.get("/statistics");
  CHECK(statistics.json.size("/classes") >= 1);
  CHECK(statistics.json.is_null("/scoring"));  // these events carry no truth
}

TEST_CASE("the pipeline: a group that nobody serves is down, its lag is told") {
  ConsoleWorld world;
  {
    const auto consumer =
        world.bus().open_consumer({.group = "tocsin-detect", .topics = {"raw-events"}}).value();
    bus::Offsets begin;
    for (std::int32_t p = 0; p < 4; ++p) begin[{"raw-events", p}] = 0;
    bool committed = false;  // once the member has all partitions
    for (int tries = 0; tries < 100 && !committed; ++tries) {
      const auto batch = consumer->poll(1, bus::Milliseconds(100));
      committed = batch && consumer->assignment().size() == 4 && consumer->commit(begin);
    }
    REQUIRE(committed);
    consumer->close();
  }
  Got got;
  for (int tries = 0; tries < 100; ++tries) {
    got = world.get("/groups");
    if (got.json.size("/items") == 1 && got.json.number("/items/0/lag") == 3) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  CHECK(got.json.text("/items/0/name") == "tocsin-detect");
  CHECK(got.json.number("/items/0/lag") == 3);
  const Got pipeline = world.get("/pipeline");
  CHECK(pipeline.json.text("/stages/0/stage") == "produce");
  CHECK(pipeline.json.text("/stages/1/stage") == "detect");
  CHECK(pipeline.json.text("/stages/1/health") == "down");
  CHECK(pipeline.json.text("/stores/0/kind") == "sqlite");
  CHECK(pipeline.json.number("/stores/0/alerts") == 2);
  CHECK(world.get("/lag").json.number("/points/0/topics/raw-events") == 3);
}

TEST_CASE("pages: without a bundle every path says how to build one") {
  ConsoleWorld world;
  const Got page = world.send("GET", "//", "");
  CHECK(page.status == 200);
  CHECK(page.type.starts_with("text/html"));
  CHECK(page.header("X-Content-Type-Options") == "nosniff");
  CHECK(world.send("GET", "//healthz", "").json.text("/status") == "ok");
}

TEST_CASE("answers are compressed for who asks, with gzip only") {
  ConsoleWorld world;
  const Got plain = world.send("GET", "/openapi.json", "", {{"Accept-Encoding", "identity"}});
  CHECK(plain.header("Content-Encoding").empty());
  const Got packed = world.send("GET", "/openapi.json", "", {{"Accept-Encoding", "br, gzip"}});
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.body == plain.body);  // the client unpacks
}

}  // namespace tocsin::test
