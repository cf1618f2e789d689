// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>

#include "app/pipeline/tuning/apply.h"
#include "app/pipeline/tuning/tuning_file.h"
#include "core/sigma/parse.h"
#include "core/trace/temp_dir.h"

using namespace tocsin;
using namespace tocsin::pipeline;

namespace {

constexpr const char* kFirst = "11111111-1111-4111-8111-111111111111";
constexpr const char* kSecond = "22222222-2222-4222-8222-222222222222";

std::vector<sigma::Rule> two_rules() {
  std::vector<sigma::Rule> rules;
  for (const char* id : {kFirst, kSecond}) {
    const std::string text = std::string("title: T\nid: ") + id +
                             "\nlogsource: {product: windows}\nlevel: high\ntags: "
                             "[attack.execution]\ndetection: {s: {A: x}, condition: s}\n";
    sigma::ParsedFile parsed = sigma::parse_rules(text, "r.yml");
    REQUIRE(parsed.rules.size() == 1);
    rules.push_back(std::move(parsed.rules.front()));
  }
  return rules;
}

Result<Tuning> read(const std::string& text, OtherKeys others = OtherKeys::kRefuse) {
  const test::TempDir folder;
  const std::string path = folder / "o.yml";
  std::ofstream(path) << text;
  Tuning tuning;
  TOCSIN_TRY_STATUS(read_tuning(path, others, tuning));
  return tuning;
}

Tuning good(const std::string& text) {
  auto tuning = read(text);
  REQUIRE_MESSAGE(tuning.has_value(), (tuning ? "" : tuning.error().message));
  return *std::move(tuning);
}

}  // namespace

TEST_CASE("tuning file: all that can be said is read") {
  const Tuning tuning = good(
      "overrides:\n"
      "- rule: [a, b]\n"
      "  comment: why\n"
      "  disable: true\n"
      "  level: low\n"
      "  tags: attack.t1003\n"
      "  hosts: {only: dc*, except: [dc9, 'dc8']}\n"
      "  suppress: {rule: any, by: [host, Image], for: 2h}\n"
      "- {rule: c, suppress: false}\n"
      "suppress: {for: 90s}\n");
  REQUIRE(tuning.overrides.size() == 2);
  const Override& first = tuning.overrides[0];
  REQUIRE(first.rules.size() == 2);
  CHECK(first.rules[1].id == "b");
  CHECK(first.rules[1].mark.line == 2);
  CHECK(first.disable == true);
  CHECK(first.level == Level::kLow);
  CHECK(first.tags == std::vector<std::string>{"attack.t1003"});
  CHECK(first.only_hosts == std::vector<std::string>{"dc*"});
  CHECK(first.except_hosts == std::vector<std::string>{"dc9", "dc8"});
  CHECK(first.suppress == Suppression{true, {"host", "Image"}, 7'200'000'000'000});
  CHECK(tuning.overrides[1].suppress == Suppression{false, {"host"}, 0});
  CHECK(tuning.suppress == Suppression{false, {"host"}, 90'000'000'000});
}

TEST_CASE("tuning file: a mistake is told with its place") {
  struct Case {
    const char* text;
    const char* place;
    const char* message;
  };
  const Case cases[] = {
      {"override: []", ":1:1:", "'override': expected overrides: or suppress:"},
      {"overrides: {rule: a}", ":1:12:", "expected a list of maps"},
      {"overrides:\n- a", ":2:3:", "expected a map such as"},
      {"overrides:\n- {level: low}", ":2:3:", "add rule: ID"},
      {"overrides:\n- {rule: a}", ":2:3:", "changes nothing"},
      {"overrides:\n- {rule: [], level: low}", ":2:10:", "rule: expected"},
      {"overrides:\n- {rule: a, level: loud}", ":2:20:", "'loud' is no level"},
      {"overrides:\n- {rule: a, levle: low}", ":2:13:", "'levle' is no part of an override"},
      {"overrides:\n- {rule: a, disable: maybe}", ":2:22:", "disable is true or false"},
      {"overrides:\n- {rule: a, hosts: [x]}", ":2:20:", "hosts: expected a map"},
      {"overrides:\n- {rule: a, hosts: {not: x}}", ":2:21:", "'not' is no part of hosts"},
      {"overrides:\n- {rule: a, suppress: 10m}", ":2:23:", "suppress: expected a map"},
      {"overrides:\n- {rule: a, suppress: {by: host}}", ":2:23:", "add for: 10m"},
      {"suppress: {for: 10}", ":1:17:", "'10': expected a time"},
      {"suppress: {for: 0m}", ":1:17:", "'0m': expected a time"},
      {"suppress: {for: -5m}", ":1:17:", "'-5m': expected a time"},
      {"suppress: {for: 10min}", ":1:17:", "expected a time"},
      {"suppress: {for: 31d}", ":1:17:", "30d at most"},
      {"suppress: {for: 9223372036854775807d}", ":1:17:", "30d at most"},
      {"suppress: {for: 1h, rule: every}", ":1:27:", "id (each rule for itself)"},
      {"suppress: {for: 1h, by: [[x]]}", ":1:26:", "by: expected a text"},
      {"suppress: {for: 1h, by: [a,b,c,d,e,f,g,h,i]}", ":1:25:", "8 fields at most"},
      {"- x", ":1:1:", "expected a map"},
      {"overrides: [", ":1:", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto tuning = read(c.text);
    REQUIRE_FALSE(tuning.has_value());
    CAPTURE(tuning.error().message);
    CHECK(tuning.error().code == ErrorCode::kInvalid);
    CHECK(tuning.error().message.find(c.place) != std::string::npos);
    CHECK(tuning.error().message.find(c.message) != std::string::npos);
  }
  Tuning tuning;
  const Status missing = read_tuning("/does/not/exist.yml", OtherKeys::kRefuse, tuning);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::kNotFound);
  const Status folder = read_tuning("/", OtherKeys::kRefuse, tuning);
  REQUIRE_FALSE(folder.has_value());
  CHECK(folder.error().message.find("is a folder") != std::string::npos);
}

TEST_CASE("tuning file: in a configuration other keys are none of ours") {
  const auto tuning = read("data: x\noverrides:\n- {rule: a, level: low}\ndetect: {workers: 2}\n",
                           OtherKeys::kSkip);
  REQUIRE(tuning.has_value());
  CHECK(tuning->overrides.size() == 1);
  for (const char* nothing : {"", "# a comment\n", "overrides:\nsuppress:\n", "---\n"}) {
    CAPTURE(nothing);
    CHECK(good(nothing).overrides.empty());
  }
}

TEST_CASE("apply: disable, level, tags, hosts; the order of overrides counts") {
  std::vector<sigma::Rule> rules = two_rules();
  const std::string upper = "22222222-2222-4222-8222-222222222222";
  const AppliedTuning applied = apply_tuning(
      good(std::string("overrides:\n- {rule: ") + kFirst + ", disable: true}\n- {rule: " + kSecond +
           ", level: low, tags: [Attack.T1003.001], hosts: {except: [b]}}\n- {rule: " + kSecond +
           ", level: critical}\n- {rule: nobody, disable: true}\n"),
      rules);
  CHECK(applied.disabled == 1);
  CHECK(applied.changed == 1);
  REQUIRE(rules.size() == 1);
  CHECK(rules[0].id == kSecond);
  CHECK(rules[0].level == Level::kCritical);
  CHECK(rules[0].techniques == std::vector<std::string>{"T1003.001"});
  CHECK(rules[0].tactics.front() == "execution");
  CHECK(rules[0].tuning ==
        "level high -> low; tag attack.t1003.001; except hosts b; level low -> critical");
  REQUIRE(applied.warnings.size() == 1);
  CHECK(applied.warnings[0].code == "override.unknown_rule");
  CHECK(applied.warnings[0].rule == "nobody");
  CHECK(applied.warnings[0].mark.line == 5);
}

TEST_CASE("apply: what was disabled can be enabled again, and a level that is no change is none") {
  std::vector<sigma::Rule> rules = two_rules();
  const AppliedTuning applied = apply_tuning(
      good(std::string("overrides:\n- {rule: [") + kFirst + ", " + kSecond +
           "], disable: true}\n- {rule: " + kFirst + ", disable: false, level: high}\n"),
      rules);
  REQUIRE(rules.size() == 1);
  CHECK(rules[0].id == kFirst);
  CHECK(rules[0].tuning.empty());
  CHECK(applied.disabled == 1);
  CHECK(applied.changed == 0);
}

TEST_CASE("reads_host: globs, without case, by full name or first label") {
  struct Case {
    std::vector<std::string> only, except;
    const char* host;
    bool want;
  };
  const Case cases[] = {
      {{}, {}, "any", true},
      {{}, {}, "", true},
      {{"dc*"}, {}, "DC01.corp.example", true},
      {{"dc01"}, {}, "DC01.corp.example", true},
      {{"dc0?"}, {}, "dc01", true},
      {{"dc0?"}, {}, "dc011", false},
      {{"corp"}, {}, "dc01.corp.example", false},
      {{"*.corp.example"}, {}, "dc01.corp.example", true},
      {{"dc*"}, {}, "ws1", false},
      {{"dc*"}, {}, "", false},
      {{}, {"backup-*"}, "BACKUP-7", false},
      {{}, {"backup-*"}, "", true},
      {{}, {"backup-*"}, "web", true},
      {{"*"}, {"dc9"}, "dc9.x", false},
      {{"*"}, {"dc9"}, "dc8.x", true},
  };
  for (const Case& c : cases) {
    Override over;
    over.rules = {{kFirst, {}}};
    over.only_hosts = c.only;
    over.except_hosts = c.except;
    std::vector<sigma::Rule> rules = two_rules();
    Tuning tuning;
    tuning.overrides = {over};
    apply_tuning(tuning, rules);
    CAPTURE(c.host);
    CAPTURE(rules[0].tuning);
    CHECK(reads_host(rules[0], c.host) == c.want);
  }
}
