// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/synthetic.h"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"

namespace tocsin::produce {
namespace {

constexpr UnixNanos kHour = 3600LL * 1000000000LL;

SyntheticOptions options_with(std::uint64_t seed, std::uint64_t events) {
  SyntheticOptions options;
  options.seed = seed;
  options.events_max = events;
  return options;
}

// Calls `see(event)` for every event of the estate.
template <class See>
std::uint64_t run(const SyntheticOptions& options, See&& see) {
  auto source = open_synthetic(options);
  REQUIRE(source.has_value());
  RawEvent event;
  Problem problem;
  std::uint64_t count = 0;
  while ((*source)->next(event, problem) == Next::kEvent) {
    see(event);
    ++count;
  }
  return count;
}

std::string fingerprint(const SyntheticOptions& options) {
  std::string all;
  run(options, [&](const RawEvent& event) {
    all += event.json;
    all += event.truth.scenario + event.truth.tactic + event.truth.technique + '\n';
  });
  return Uuid::hashed(all).to_string();
}

// The parts of an event that the tests look at.
struct Seen {
  std::string computer;
  std::string channel;
  std::string time;
  std::uint64_t code = 0;
  std::uint64_t record = 0;
  std::map<std::string, std::string> data;  // text members of EventData
};

class Reader {
 public:
  // False when the event is not JSON of the shape.
  bool read(const RawEvent& event, Seen& seen) {
    simdjson::dom::element root;
    if (parser_.parse(event.json).get(root) != simdjson::SUCCESS) return false;
    simdjson::dom::element system;
    if (root["Event"]["System"].get(system) != simdjson::SUCCESS) return false;
    seen = {};
    std::string_view text;
    if (system["Computer"].get(text) != simdjson::SUCCESS) return false;
    seen.computer = text;
    if (system["Channel"].get(text) != simdjson::SUCCESS) return false;
    seen.channel = text;
    if (system["TimeCreated"]["#attributes"]["SystemTime"].get(text) != simdjson::SUCCESS)
      return false;
    seen.time = text;
    if (system["EventRecordID"].get(seen.record) != simdjson::SUCCESS) return false;
    if (system["EventID"].get(seen.code) != simdjson::SUCCESS &&
        system["EventID"]["#text"].get(seen.code) != simdjson::SUCCESS)
      return false;
    simdjson::dom::object data;
    if (root["Event"]["EventData"].get(data) == simdjson::SUCCESS)
      for (const auto field : data)
        if (field.value.get(text) == simdjson::SUCCESS) seen.data[std::string(field.key)] = text;
    return true;
  }

 private:
  simdjson::dom::parser parser_;
};

TEST_CASE("synthetic: a seed is a stream") {
  CHECK(fingerprint(options_with(7, 4000)) == fingerprint(options_with(7, 4000)));
  CHECK(fingerprint(options_with(7, 4000)) != fingerprint(options_with(8, 4000)));
}

TEST_CASE("synthetic: events are well-formed, in order, numbered, and name known processes") {
  Reader reader;
  Seen seen;
  std::map<std::string, std::uint64_t> last_record;
  std::set<std::string> created;
  std::string last_time;
  std::uint64_t wrong_shape = 0, wrong_order = 0, wrong_number = 0, orphans = 0, unfilled = 0,
                leaks = 0;
  std::set<std::string> commands;
  const SyntheticOptions options = options_with(1, 50000);
  char boot_limit[9];
  std::snprintf(boot_limit, sizeof boot_limit, "%08llX",
                static_cast<unsigned long long>(options.start / 1000000000LL));
  const auto started_before = [&](const std::string& guid) {
    return guid.substr(14, 4) + guid.substr(9, 4) < boot_limit;
  };
  const std::uint64_t count = run(options, [&](const RawEvent& event) {
    if (!reader.read(event, seen)) {
      ++wrong_shape;
      return;
    }
    if (seen.time < last_time) ++wrong_order;
    last_time = seen.time;
    auto& number = last_record[seen.computer + seen.channel];
    if (seen.record <= number || event.origin.record_id != seen.record) ++wrong_number;
    number = seen.record;
    if (seen.channel == "Microsoft-Windows-Sysmon/Operational") {
      if (seen.code == 1) created.insert(seen.data["ProcessGuid"]);
      for (const char* name : {"ProcessGuid", "ParentProcessGuid", "SourceProcessGUID",
                               "TargetProcessGUID", "SourceProcessGuid", "TargetProcessGuid"}) {
        const auto field = seen.data.find(name);
        if (field == seen.data.end()) continue;
        if (!Uuid::parse(field->second)) ++wrong_shape;
        if (!created.contains(field->second) && !started_before(field->second)) ++orphans;
      }
      if (seen.code == 1) commands.insert(seen.data["CommandLine"]);
    }
    for (const char* place : {"{user}", "{home}", "{doc}", "{payload", "{c2}", "{@", "{anyhost}",
                              "{h6}", "{n4}", "{peer}", "{enc:"})
      if (event.json.find(place) != std::string::npos) {
        ++unfilled;
        MESSAGE(event.json);
      }
    if (!event.truth.scenario.empty() && event.json.find(event.truth.scenario) != std::string::npos)
      ++leaks;
  });
  CHECK(count == 50000);
  CHECK(wrong_shape == 0);
  CHECK(wrong_order == 0);
  CHECK(wrong_number == 0);
  CHECK(orphans == 0);
  CHECK(unfilled == 0);
  CHECK(leaks == 0);
  CHECK(commands.size() > 3000);
}

TEST_CASE("synthetic: every scenario plays within 60,000 events, in its share") {
  std::set<std::string> played, tactics;
  std::uint64_t attack = 0, wrong = 0;
  const std::uint64_t count = run(options_with(3, 60000), [&](const RawEvent& event) {
    const bool benign = event.truth.tactic == "benign";
    if (benign != event.truth.scenario.empty() || benign != event.truth.technique.empty()) ++wrong;
    if (benign) return;
    ++attack;
    played.insert(event.truth.scenario.substr(0, event.truth.scenario.rfind('-')));
    tactics.insert(event.truth.tactic);
  });
  CHECK(wrong == 0);
  CHECK(tactics.size() >= 12);
  for (const ScenarioInfo& info : scenarios()) {
    CAPTURE(info.id);
    CHECK(played.contains(info.id));
  }
  const double share = static_cast<double>(attack) / static_cast<double>(count);
  CAPTURE(share);
  CHECK(share > 0.012);
  CHECK(share < 0.028);
}

TEST_CASE("synthetic: scenarios tell what they show") {
  const auto all = scenarios();
  CHECK(all.size() >= 14);
  std::set<std::string> tactics;
  for (const ScenarioInfo& info : all) {
    CAPTURE(info.id);
    CHECK_FALSE(info.title.empty());
    CHECK(info.tactics.size() >= 2);
    CHECK(info.techniques.size() >= 3);
    tactics.insert(info.tactics.begin(), info.tactics.end());
    for (const std::string& technique : info.techniques) CHECK(technique.starts_with("T1"));
  }
  CHECK(tactics.size() == 13);
}

TEST_CASE("synthetic: only the scenarios asked for") {
  SyntheticOptions options = options_with(5, 15000);
  options.scenarios = {"kerberoast"};
  std::set<std::string> played;
  run(options, [&](const RawEvent& event) {
    if (!event.truth.scenario.empty()) played.insert(event.truth.scenario.substr(0, 10));
  });
  CHECK(played == std::set<std::string>{"kerberoast"});
  options.scenarios.clear();
  options.attack_share = 0;
  std::uint64_t begun = 0;
  run(options, [&](const RawEvent& event) { begun += event.truth.tactic != "benign" ? 1 : 0; });
  // The head start allows nothing when the share is nothing.
  CHECK(begun == 0);
}

TEST_CASE("synthetic: hosts and users are as many as asked for") {
  SyntheticOptions options = options_with(2, 40000);
  options.workstations = 9;
  options.servers = 4;
  options.users = 11;
  options.start += 2 * kHour;
  options.attack_share = 0;
  Reader reader;
  Seen seen;
  std::set<std::string> workstations, servers, people;
  run(options, [&](const RawEvent& event) {
    REQUIRE(reader.read(event, seen));
    (seen.computer.starts_with("MER-WS") ? workstations : servers).insert(seen.computer);
    const std::string& user = seen.data["User"];
    if (user.starts_with("MERIDIAN\\") && !user.starts_with("MERIDIAN\\adm-") &&
        !user.starts_with("MERIDIAN\\svc-"))
      people.insert(user);
  });
  CHECK(workstations.size() == 9);
  CHECK(servers.size() == 4);
  CHECK(people.size() == 11);
}

TEST_CASE("synthetic: the office works by day") {
  const auto duration_of = [](UnixNanos start) {
    SyntheticOptions options = options_with(4, 8000);
    options.start = start;
    options.attack_share = 0;
    Reader reader;
    Seen seen, first;
    run(options, [&](const RawEvent& event) {
      REQUIRE(reader.read(event, seen));
      if (first.time.empty()) first = seen;
    });
    return *parse_time(seen.time) - *parse_time(first.time);
  };
  const UnixNanos monday = SyntheticOptions{}.start - 7 * kHour - kHour / 2;
  const UnixNanos day = duration_of(monday + 10 * kHour);
  const UnixNanos night = duration_of(monday + 22 * kHour);
  const UnixNanos weekend = duration_of(monday - 38 * kHour);  // Saturday 10:00
  CHECK(night > day + day / 2);
  CHECK(weekend > day + day / 2);
}

TEST_CASE("synthetic: small estates work, impossible ones are refused") {
  SyntheticOptions tiny = options_with(6, 20000);
  tiny.workstations = 1;
  tiny.servers = 1;
  tiny.users = 1;
  tiny.attack_share = 0.2;
  CHECK(run(tiny, [](const RawEvent&) {}) == 20000);

  struct Case {
    const char* name;
    void (*spoil)(SyntheticOptions&);
  };
  const Case cases[] = {
      {"no workstation", [](SyntheticOptions& o) { o.workstations = 0; }},
      {"no server", [](SyntheticOptions& o) { o.servers = 0; }},
      {"no user", [](SyntheticOptions& o) { o.users = 0; }},
      {"nothing but attacks", [](SyntheticOptions& o) { o.attack_share = 1; }},
      {"not a number", [](SyntheticOptions& o) { o.attack_share = std::stod("nan"); }},
      {"before the epoch", [](SyntheticOptions& o) { o.start = -1; }},
      {"unknown scenario", [](SyntheticOptions& o) { o.scenarios = {"kerberoats"}; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    SyntheticOptions options = options_with(1, 1);
    c.spoil(options);
    const auto source = open_synthetic(options);
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().code == ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace tocsin::produce
