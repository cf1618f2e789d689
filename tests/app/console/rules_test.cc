// SPDX-License-Identifier: Apache-2.0
//
// Rules: list and text, changes through the overrides file, checking, trying and adding.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <thread>
#include <vector>

#include "app/pipeline/tuning/tuning_file.h"
#include "base/json_writer.h"
#include "console_world.h"

namespace tocsin::test {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

constexpr const char* kNewRule =
    "title: Whoami\nid: 5b1e7f34-2a5e-4a77-9d4b-0c6c6a1f0009\nlevel: low\n"
    "logsource: {product: windows, category: process_creation}\n"
    "detection:\n  selection:\n    Image|endswith: '\\whoami.exe'\n  condition: selection\n";

}  // namespace

TEST_CASE("the list can be searched, filtered and sorted") {
  ConsoleWorld world;
  CHECK(world.get("/rules").json.number("/total") == 2);
  CHECK(world.get("/rules").json.text("/items/0/title") == "Never seen");
  CHECK(world.get("/rules?sort=-title").json.text("/items/0/title") == "Shadow copies deleted");
  CHECK(world.get("/rules?sort=-evaluated").status == 200);
  CHECK(world.get("/rules?sort=-level").json.text("/items/0/level") == "high");
  CHECK(world.get("/rules?q=SHADOW%20COPIES").json.number("/total") == 1);
  CHECK(world.get("/rules?tactic=execution").json.number("/total") == 1);
  CHECK(world.get("/rules?product=linux").json.number("/total") == 0);
  CHECK(world.get("/rules?level=high&level=low").json.number("/total") == 2);
  const Got one = world.get(std::string("/rules/") + kShadowRule);
  CHECK(one.json.text("/author") == "Console Tests");
  CHECK(one.json.text("/yaml").find("selection_img") != std::string::npos);
  CHECK(world.get("/rules/none").status == 404);
}

TEST_CASE("disabling and ranking write an overrides file that detect reads, and leave mine alone") {
  ConsoleWorld world;
  const std::string rule = std::string("/rules/") + kShadowRule;
  Got got = world.patch(rule, R"({"enabled":false,"note":"noisy: \"all\" night\n- x"})");
  CAPTURE(got.body);
  REQUIRE(got.status == 200);
  CHECK_FALSE(got.json.yes("/enabled"));
  CHECK(world.get("/rules?enabled=false").json.number("/total") == 1);
  REQUIRE(world.patch(rule, R"({"enabled":true,"level":"low"})").status == 200);
  CHECK(world.get(rule).json.yes("/enabled"));
  CHECK(world.get(rule).json.text("/level") == "low");
  REQUIRE(world.patch(std::string("/rules/") + kQuietRule, R"({"level":"critical"})").status ==
          200);
  const std::string file = world.folder() + "/overrides.yml";
  CHECK(read_file(file).starts_with("# mine\noverrides: []\n"));
  pipeline::Tuning tuning;
  REQUIRE(pipeline::read_tuning(file, pipeline::OtherKeys::kRefuse, tuning));
  REQUIRE(tuning.overrides.size() == 2);  // one for each rule, however often it changed
  CHECK(tuning.overrides.front().rules.front().id == kShadowRule);
  CHECK(tuning.overrides.front().level == Level::kLow);
  CHECK(tuning.overrides.front().disable == false);
  CHECK(world.get("/audit").json.text("/items/2/action") == "rule.change");
}

TEST_CASE("without an overrides file rules cannot be changed, and it is said what to do") {
  ConsoleWorld world({.overrides = false});
  const Got got = world.patch(std::string("/rules/") + kShadowRule, R"({"enabled":false})");
  CHECK(got.status == 409);
  CHECK(got.json.text("/error/message").find("--overrides") != std::string::npos);
}

TEST_CASE("checking tells what is wrong, and where") {
  ConsoleWorld world;
  const Got good = world.post("/rules/check", fmt::format(R"({{"yaml":{}}})", json_text(kNewRule)));
  CHECK(good.json.yes("/ok"));
  CHECK(good.json.text("/rules/0/title") == "Whoami");
  const Got bad =
      world.post("/rules/check", R"({"yaml":"title: x\nlogsource: {product: windows}\ndetection:\n)"
                                 R"(  a:\n    F|nope: 1\n  condition: a\n"})");
  CHECK(bad.status == 200);
  CHECK_FALSE(bad.json.yes("/ok"));
  bool named = false;
  for (const simdjson::dom::element item : array_of(bad.json.at("/diagnostics")))
    if (item["severity"].get_string().value() == "error") {
      named = true;
      CHECK(item["code"].get_string().value() == "modifier.unknown");
      CHECK(item["line"].get_int64().value() == 5);
    }
  CHECK(named);
  CHECK_FALSE(world.post("/rules/check", R"({"yaml":"[1, 2"})").json.yes("/ok"));
}

TEST_CASE("trying a rule on an event, by id and as a text") {
  ConsoleWorld world;
  const std::string event = attack_event(1, "vssadmin delete shadows");
  const Got by_id =
      world.post("/rules/test", fmt::format(R"({{"id":"{}","event":{}}})", kShadowRule, event));
  CAPTURE(by_id.body);
  CHECK(by_id.json.yes("/matched"));
  CHECK(by_id.json.text("/normalized/CommandLine/0") == "vssadmin delete shadows");
  const Got by_text = world.post("/rules/test", fmt::format(R"({{"yaml":{},"event":{}}})",
                                                            json_text(kNewRule), json_text(event)));
  CHECK(by_text.status == 200);
  CHECK_FALSE(by_text.json.yes("/matched"));
  CHECK(by_text.json.text("/why/tree/selection") == "selection");
  CHECK(world.post("/rules/test", fmt::format(R"({{"id":"{}","event":"no json"}})", kShadowRule))
            .status == 400);
  CHECK(world.post("/rules/test", R"({"event":{}})").status == 400);
}

TEST_CASE("rules that are tried at once take turns, and all are answered") {
  ConsoleWorld world;
  const std::string body = fmt::format(R"({{"id":"{}","event":{}}})", kShadowRule,
                                       attack_event(1, "vssadmin delete shadows"));
  std::atomic<int> matched{0};
  std::vector<std::thread> analysts;
  for (int i = 0; i < 6; ++i)
    analysts.emplace_back([&] {
      httplib::Client client = world.client();
      const auto got = client.Post("/api/v1/rules/test", world.headers, body, "application/json");
      if (got && got->status == 200 && got->body.find("\"matched\":true") != std::string::npos)
        ++matched;
    });
  for (std::thread& analyst : analysts) analyst.join();
  CHECK(matched == 6);
}

TEST_CASE("a new rule goes into its folder once, under a plain name") {
  ConsoleWorld world;
  const std::string body = fmt::format(R"({{"yaml":{},"file":"mine.yml"}})", json_text(kNewRule));
  const Got added = world.post("/rules", body);
  CAPTURE(added.body);
  REQUIRE(added.status == 201);
  CHECK(added.json.text("/path") == world.folder() + "/rules/mine.yml");
  CHECK(read_file(world.folder() + "/rules/mine.yml") == kNewRule);
  CHECK(world.get("/rules").json.number("/total") == 3);
  CHECK(world.post("/rules", body).status == 409);
  for (const char* name : {"../x.yml", "a/b.yml", ".hidden.yml", "x.txt", "x.test.yml", "x y.yml",
                           "..", "", "x.yml\\u0000"}) {
    CAPTURE(name);
    const Got got = world.post(
        "/rules", fmt::format(R"({{"yaml":{},"file":"{}"}})", json_text(kNewRule), name));
    CHECK(got.status == 400);
    CHECK(got.json.text("/error/field") == "file");
  }
  CHECK(world.post("/rules", R"({"yaml":"title: nothing"})").status == 400);
}

TEST_CASE("a text with one id twice, or with a filter, is not taken") {
  ConsoleWorld world;
  const std::string other =
      std::string(kNewRule).replace(0, std::string("title: Whoami").size(), "title: Another");
  const Got twice =
      world.post("/rules", fmt::format(R"({{"yaml":{},"file":"two.yml"}})",
                                       json_text(std::string(kNewRule) + "---\n" + other)));
  CHECK(twice.status == 409);
  CHECK(twice.json.text("/error/message").find("'Whoami'") != std::string::npos);
  constexpr const char* kFilter =
      "title: Quiet\nlogsource: {product: windows}\nfilter:\n  rules: any\n"
      "  selection: {User: backup}\n  condition: not selection\n";
  const Got filter =
      world.post("/rules", fmt::format(R"({{"yaml":{},"file":"two.yml"}})",
                                       json_text(std::string(kNewRule) + "---\n" + kFilter)));
  CHECK(filter.status == 400);
  CHECK(filter.json.text("/error/message").find("'Quiet' is a filter") != std::string::npos);
  CHECK(world.get("/rules").json.number("/total") == 2);
}

}  // namespace tocsin::test
