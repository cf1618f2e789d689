// SPDX-License-Identifier: Apache-2.0
//
// Findings against what OCSF 1.1.0 says of the class Detection Finding (2004) and of the objects in
// it: required attributes, their types, enumerations, and which of several must be there.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/bus/bus.h"
#include "stages/store/fixture.h"
#include "stages/store/sinks/ocsf/finding.h"
#include "stages/store/sinks/sinks.h"

using namespace tocsin;
using simdjson::dom::element;

namespace {

enum class Type { kInteger, kTimestamp, kString, kBoolean, kObject, kObjects, kJson };

struct Attribute {
  Type type;
  bool required = false;
  std::string object = {};     // of kObject and kObjects
  std::set<int> numbers = {};  // an enumeration
};

struct Object {
  std::map<std::string, Attribute> attributes;
  std::vector<std::string> at_least_one = {};
};

// From schema.ocsf.io, version 1.1.0: what a finding of ours may hold.
const std::map<std::string, Object>& schema() {
  using enum Type;
  static const std::map<std::string, Object> kSchema = {
      {"detection_finding",
       {{{"activity_id", {kInteger, true, "", {0, 1, 2, 3, 99}}},
         {"activity_name", {kString}},
         {"category_uid", {kInteger, true, "", {2}}},
         {"category_name", {kString}},
         {"class_uid", {kInteger, true, "", {2004}}},
         {"class_name", {kString}},
         {"type_uid", {kInteger, true, "", {200400, 200401, 200402, 200403, 200499}}},
         {"type_name", {kString}},
         {"severity_id", {kInteger, true, "", {0, 1, 2, 3, 4, 5, 6, 99}}},
         {"severity", {kString}},
         {"status_id", {kInteger, false, "", {0, 1, 2, 3, 4, 99}}},
         {"status", {kString}},
         {"time", {kTimestamp, true}},
         {"message", {kString}},
         {"metadata", {kObject, true, "metadata"}},
         {"finding_info", {kObject, true, "finding_info"}},
         {"evidences", {kObjects, false, "evidences"}},
         {"resources", {kObjects, false, "resource_details"}},
         {"observables", {kObjects, false, "observable"}},
         {"unmapped", {kJson}}}}},
      {"metadata",
       {{{"version", {kString, true}},
         {"product", {kObject, true, "product"}},
         {"uid", {kString}},
         {"correlation_uid", {kString}},
         {"log_name", {kString}},
         {"log_provider", {kString}}}}},
      {"product",
       {{{"vendor_name", {kString, true}}, {"name", {kString}}, {"version", {kString}}}}},
      {"finding_info",
       {{{"uid", {kString, true}},
         {"title", {kString, true}},
         {"created_time", {kTimestamp}},
         {"first_seen_time", {kTimestamp}},
         {"last_seen_time", {kTimestamp}},
         {"analytic", {kObject, false, "analytic"}},
         {"attacks", {kObjects, false, "attack"}},
         {"related_events", {kObjects, false, "related_event"}}}}},
      {"analytic",
       {{{"type_id", {kInteger, true, "", {0, 1, 2, 3, 4, 99}}},
         {"type", {kString}},
         {"uid", {kString}},
         {"name", {kString}},
         {"category", {kString}}},
        {"name", "uid"}}},
      {"attack",
       {{{"tactic", {kObject, false, "entity"}},
         {"technique", {kObject, false, "entity"}},
         {"sub_technique", {kObject, false, "entity"}}},
        {"tactic", "technique", "sub_technique"}}},
      {"entity", {{{"uid", {kString}}, {"name", {kString}}}, {"name", "uid"}}},
      {"related_event", {{{"uid", {kString, true}}}}},
      {"evidences", {{{"actor", {kObject, false, "actor"}}, {"data", {kJson}}}, {"actor", "data"}}},
      {"actor", {{{"user", {kObject, false, "user"}}}, {"user"}}},
      {"user", {{{"name", {kString}}}, {"name"}}},
      {"resource_details", {{{"name", {kString}}, {"type", {kString}}}, {"name"}}},
      {"observable",
       {{{"name", {kString, true}},
         {"type_id", {kInteger, true, "", {1, 4}}},
         {"type", {kString}},
         {"value", {kString}}}}},
  };
  return kSchema;
}

void check_object(const element& value, const std::string& name);

void check_value(const element& value, const Attribute& attribute) {
  switch (attribute.type) {
    case Type::kInteger:
      REQUIRE(value.is_int64());
      if (!attribute.numbers.empty())
        CHECK(attribute.numbers.count(static_cast<int>(std::int64_t(value))) == 1);
      break;
    case Type::kTimestamp:  // milliseconds: this century's have thirteen digits
      REQUIRE(value.is_int64());
      CHECK(std::int64_t(value) >= 946'684'800'000);
      CHECK(std::int64_t(value) < 4'102'444'800'000);
      break;
    case Type::kString:
      REQUIRE(value.is_string());
      break;
    case Type::kBoolean:
      REQUIRE(value.is_bool());
      break;
    case Type::kObject:
      check_object(value, attribute.object);
      break;
    case Type::kObjects:
      REQUIRE(value.is_array());
      CHECK(simdjson::dom::array(value).size() > 0);
      for (const element item : simdjson::dom::array(value)) check_object(item, attribute.object);
      break;
    case Type::kJson:
      break;
  }
}

void check_object(const element& value, const std::string& name) {
  CAPTURE(name);
  REQUIRE(value.is_object());
  const Object& wanted = schema().at(name);
  std::set<std::string> there;
  for (const auto [key, member] : simdjson::dom::object(value)) {
    const std::string attribute(key);
    CAPTURE(attribute);
    CHECK_MESSAGE(there.insert(attribute).second, "twice");
    REQUIRE_MESSAGE(wanted.attributes.count(attribute) == 1, "not in the schema");
    check_value(member, wanted.attributes.at(attribute));
  }
  for (const auto& [attribute, what] : wanted.attributes) {
    CAPTURE(attribute);
    if (what.required) CHECK(there.count(attribute) == 1);
  }
  const auto& any = wanted.at_least_one;
  CHECK((any.empty() || std::any_of(any.begin(), any.end(),
                                    [&](const auto& one) { return there.count(one) == 1; })));
}

Alert full_alert() {
  Alert a = test::alert_of(test::verdict(0));
  a.user = "EXAMPLE\\ada";
  a.channel = "Security";
  a.provider = "Microsoft-Windows-Security-Auditing";
  a.event_code = "4688";
  a.rule_author = "somebody";
  a.ruleset = "starter";
  a.file_path = "/logs/x.evtx";
  a.line = 3;
  a.record_id = 77;
  a.suppressed = 2;
  a.matched_fields = {{"Image", "C:\\x \"y\".exe"}, {"CommandLine", "a\nb"}};
  return a;
}

std::string finding_of(const Alert& alert) {
  std::string out;
  store::ocsf::append_finding(out, alert);
  return out;
}

}  // namespace

TEST_CASE("ocsf: a finding has what the schema requires, and nothing that it does not know") {
  std::vector<std::pair<const char*, Alert>> cases = {{"all of it", full_alert()}};
  const auto add = [&](const char* name, const std::function<void(Alert&)>& change) {
    cases.emplace_back(name, full_alert());
    change(cases.back().second);
  };
  add("nobody", [](Alert& a) { a.host.clear(), a.user.clear(); });
  add("no matched fields", [](Alert& a) { a.matched_fields.clear(); });
  add("neither", [](Alert& a) { a.matched_fields.clear(), a.user.clear(); });
  add("no time", [](Alert& a) { a.timestamp = 0; });
  add("no name", [](Alert& a) { a.rule_name.clear(); });
  add("no ATT&CK", [](Alert& a) { a.tactics.clear(), a.techniques.clear(); });
  add("tactics only", [](Alert& a) { a.techniques.clear(); });
  add("techniques only", [](Alert& a) { a.tactics.clear(); });
  add("unknown to ATT&CK", [](Alert& a) { a.tactics = {"baking"}, a.techniques = {"T9999.123"}; });
  for (const auto& [name, alert] : cases) {
    CAPTURE(name);
    const std::string text = finding_of(alert);
    CHECK(text.find('\n') == std::string::npos);
    simdjson::dom::parser parser;
    const element root = parser.parse(text);
    check_object(root, "detection_finding");
    CHECK(std::int64_t(root["type_uid"]) ==
          std::int64_t(root["class_uid"]) * 100 + std::int64_t(root["activity_id"]));
  }
}

TEST_CASE("ocsf: severity is the rule's level") {
  const std::pair<Level, int> cases[] = {{Level::kInformational, 1},
                                         {Level::kLow, 2},
                                         {Level::kMedium, 3},
                                         {Level::kHigh, 4},
                                         {Level::kCritical, 5}};
  for (const auto& [level, want] : cases) {
    Alert a = full_alert();
    a.level = level;
    simdjson::dom::parser parser;
    CHECK(std::int64_t(parser.parse(finding_of(a))["severity_id"]) == want);
  }
}

TEST_CASE("ocsf: who found what, where and when, in the places of the schema") {
  const Alert a = full_alert();
  simdjson::dom::parser parser;
  const std::string text = finding_of(a);
  const element root = parser.parse(text);
  const auto at = [&](const char* pointer) {
    std::string_view found;
    REQUIRE(root.at_pointer(pointer).get(found) == simdjson::SUCCESS);
    return std::string(found);
  };
  CHECK(at("/finding_info/uid") == a.alert_id.to_string());
  CHECK(at("/finding_info/analytic/uid") == a.rule_id);
  CHECK(at("/finding_info/related_events/0/uid") == a.event_id.to_string());
  CHECK(at("/finding_info/attacks/0/tactic/uid") == "TA0006");
  CHECK(at("/finding_info/attacks/0/tactic/name") == "Credential Access");
  CHECK(at("/finding_info/attacks/0/technique/uid") == "T1003");
  CHECK(at("/finding_info/attacks/0/sub_technique/uid") == "T1003.001");
  CHECK(at("/resources/0/name") == a.host);
  CHECK(at("/evidences/0/actor/user/name") == a.user);
  CHECK(at("/evidences/0/data/matched_fields/0/value") == a.matched_fields[0].value);
  CHECK(std::int64_t(root["time"]) == a.timestamp / 1'000'000);
}

TEST_CASE("ocsf: on a topic, keyed by host, one for each alert") {
  const test::TempDir dir;
  auto bus = bus::open("embedded:" + (dir / "bus"));
  REQUIRE(bus.has_value());
  REQUIRE((*bus)->create_topic("findings", {}).has_value());
  auto sink = store::open_finding_topic(**bus, "findings");
  REQUIRE(sink.has_value());
  CHECK((*sink)->name() == "ocsf");
  const std::vector<Alert> alerts = {full_alert(), test::alert_of(test::verdict(2))};
  REQUIRE((*sink)->write({}, alerts).has_value());
  auto reader = (*bus)->open_reader("findings", {});
  REQUIRE(reader.has_value());
  std::map<std::string, std::string> found;
  while (!(*reader)->at_end()) {
    const auto batch = (*reader)->poll(100, bus::Milliseconds(100));
    REQUIRE(batch.has_value());
    for (const bus::Message& m : batch->messages()) {
      simdjson::dom::parser parser;
      const element root = parser.parse(m.value.data(), m.value.size());
      found[std::string(std::string_view(root["finding_info"]["uid"]))] = std::string(m.key);
    }
  }
  REQUIRE(found.size() == 2);
  for (const Alert& a : alerts) CHECK(found.at(a.alert_id.to_string()) == a.host);
}
