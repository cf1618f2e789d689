// SPDX-License-Identifier: Apache-2.0
//
// Triage: what an analyst says of alerts, with history and audit; false positives become drafts of
// filters that the rule parser reads and nobody loads.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "console_world.h"
#include "core/sigma/parse.h"

namespace tocsin::test {

TEST_CASE("status, assignee and note of one alert and of several, with history and audit") {
  ConsoleWorld world;
  const std::string id = world.alert_ids()[0], other = world.alert_ids()[1];
  CHECK(world
            .patch("/alerts/" + id + "/triage",
                   R"({"status":"in_progress","assignee":"ann","note":"looking"})")
            .status == 200);
  Got got = world.get("/alerts/" + id);
  CHECK(got.json.text("/triage/status") == "in_progress");
  CHECK(got.json.text("/triage/assignee") == "ann");
  CHECK(got.json.text("/triage/history/0/user") == "local");
  CHECK(got.json.text("/triage/history/0/to") == "in_progress");
  CHECK(world.get("/alerts?status=in_progress").json.number("/total") == 1);
  CHECK(world.get("/alerts?assignee=ann").json.number("/total") == 1);
  CHECK(world.patch("/alerts/" + id + "/triage", R"({"assignee":null})").status == 200);
  CHECK(world.get("/alerts/" + id).json.is_null("/triage/assignee"));
  const Got both = world.post(
      "/alerts/triage", fmt::format(R"({{"alert_ids":["{}","{}"],"status":"closed"}})", id, other));
  CHECK(both.json.number("/changed") == 2);
  CHECK(world.get("/overview").json.number("/totals/open_alerts") == 0);
  const Got audit = world.get("/audit");
  CHECK(audit.json.size("/items") == 3);
  CHECK(audit.json.text("/items/0/action") == "alert.triage");
  CHECK(audit.json.text("/items/2/target") == id);
  CHECK(audit.json.text("/items/2/user") == "local");
  CHECK(audit.json.text("/items/2/role") == "admin");
  CHECK(audit.json.text("/items/2/address") == "127.0.0.1");
}

TEST_CASE("a false positive: a draft that fits the event, and the status") {
  ConsoleWorld world;
  const std::string id = world.get("/alerts?sort=time").json.text("/items/0/alert_id");
  const Got got = world.post("/alerts/" + id + "/false-positive",
                             R"({"fields":["CommandLine"],"note":"our \"backup\": job"})");
  CAPTURE(got.body);
  REQUIRE(got.status == 200);
  const std::string path = got.json.text("/path"), yaml = got.json.text("/filter_yaml");
  CHECK(path.find("/data/filters/drafts/") != std::string::npos);
  CHECK(read_file(path) == yaml);
  CHECK(got.json.number("/matches/alerts") >= 1);
  CHECK(world.get("/alerts/" + id).json.text("/triage/status") == "false_positive");
  const auto filter = sigma::parse_rules(yaml, "draft.yml");
  REQUIRE(filter.filters.size() == 1);
  CHECK(filter.filters.front().references.front().rule == kShadowRule);
  // With the filter the rule leaves the event alone.
  std::vector<sigma::Rule> rules =
      sigma::parse_rules(read_file(world.folder() + "/rules/shadow.yml"), "shadow.yml").rules;
  sigma::apply_filters(rules, filter.filters, sigma::FilterMode::kPySigma,
                       [](const sigma::Diagnostic& d) { FAIL(d.message); });
  REQUIRE(rules.front().filters.size() == 1);
  // It is nowhere in force.
  CHECK(world.get(std::string("/rules/") + kShadowRule).json.yes("/enabled"));
  CHECK(world.post("/alerts/" + id + "/false-positive", R"({"fields":["Nothing"]})").status == 400);
}

TEST_CASE("values with wildcards, quotes and line ends stay inside the draft") {
  ConsoleWorld world(
      {.events = {attack_event(9, "vssadmin delete * ? \\\\srv\\c$ \"x\"\n- evil: 1")}});
  const Got list = world.get("/alerts?q=evil");
  REQUIRE(list.json.number("/total") == 1);
  const Got got = world.post("/alerts/" + list.json.text("/items/0/alert_id") + "/false-positive",
                             R"({"fields":["CommandLine"]})");
  REQUIRE(got.status == 200);
  const auto parsed = sigma::parse_rules(got.json.text("/filter_yaml"), "draft.yml");
  REQUIRE(parsed.filters.size() == 1);
  REQUIRE(parsed.filters.front().predicates.size() == 1);
  const sigma::Predicate& predicate = parsed.filters.front().predicates.front();
  CHECK(predicate.op == sigma::Op::kEquals);  // no wildcard is left
  CHECK(predicate.text == "vssadmin delete * ? \\\\srv\\c$ \"x\"\n- evil: 1");
}

}  // namespace tocsin::test
