// SPDX-License-Identifier: Apache-2.0
//
// Which public Windows rules can never fire: because no event is of their log source, or because no
// such event has the fields that they ask for. A rule that joins or leaves the list fails the test.
#include <doctest/doctest.h>

#include <map>

#include "core/sigma/reach.h"
#include "core/sigma/rule_set.h"
#include "core/sigma/taxonomy.h"
#include "sample_data.h"

using namespace tocsin;

namespace {

// Rule id: what it waits for. Neither Windows nor Sysmon writes these fields; some agents add them
// to the events, and then the rules fire.
const std::map<std::string, std::string>& never_fire() {
  static const std::map<std::string, std::string> kRules = {
      {"121b25f7-b9d6-4b37-afa0-cba317ec52f3", "IntegrityLevel of a file event"},
      {"20384606-a124-4fec-acbb-8bd373728613", "CommandLine of a connection"},
      {"4e7050dd-e548-483f-b7d6-527ab4fa784d", "ParentImage of a file event"},
      {"6b269392-9eba-40b5-acb6-55c882b20ba6", "CommandLine of a file event"},
      {"bd1212e5-78da-431e-95fa-c58e3237a8e6", "CommandLine of a file event"},
      {"c649a6c7-cd8c-4a78-9c04-000fc76df954", "CommandLine of a connection"},
      {"cae6cee6-0244-44d2-84ed-e65f548eb7dc", "ParentImage of a connection"},
  };
  return kRules;
}

}  // namespace

TEST_CASE("taxonomy: the public Windows rules that can never fire are known") {
  const auto data = tests::sample_data();
  if (!data) std::exit(77);
  std::vector<std::string> folders;
  for (const char* folder : {"rules", "rules-emerging-threats", "rules-threat-hunting"})
    folders.push_back((*data / "sigma" / folder).string());
  const auto set = sigma::load_rules(folders);
  REQUIRE(set.has_value());
  const sigma::Taxonomy& taxonomy = sigma::Taxonomy::built_in();
  std::map<std::string, std::string> never;
  std::map<std::string, int> elsewhere;
  std::size_t windows = 0;
  for (const sigma::Rule& rule : set->rules) {
    if (rule.logsource.product != "windows") {
      ++elsewhere[rule.logsource.product];
      continue;
    }
    ++windows;
    const std::string why = sigma::why_never_fires(taxonomy, rule);
    if (why.empty()) continue;
    never[rule.id] = why;
    std::printf("never: %s %s: %s\n", rule.id.c_str(), rule.title.c_str(), why.c_str());
    CAPTURE(rule.id);
    CAPTURE(rule.path);
    CAPTURE(why);
    CHECK_MESSAGE(never_fire().count(rule.id) == 1, "a rule that can never fire and is not listed");
  }
  for (const auto& [id, why] : never_fire()) {
    CAPTURE(id);
    CHECK_MESSAGE(never.count(id) == 1, "listed, but it can fire: take it off the list");
  }
  MESSAGE(windows, " Windows rules, ", never.size(), " can never fire");
  CHECK(windows > 2500);
}
