// SPDX-License-Identifier: Apache-2.0
//
// Every folder of the public Sigma rules: how many are read, and why the others are not.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/sigma/rule_set.h"
#include "sample_data.h"

using namespace tocsin;

namespace {

using Reasons = std::map<std::string, std::size_t>;

// Files for each reason of refusal; every diagnostic is checked on the way.
Reasons reasons_of(const sigma::RuleSet& set) {
  std::map<std::string, std::set<std::string>> files;
  for (const sigma::Diagnostic& d : set.diagnostics) {
    CAPTURE(to_text(d));
    CHECK(d.mark.line > 0);
    CHECK_FALSE(d.excerpt.empty());
    CHECK_FALSE(d.hint.empty());
    CHECK(d.caret < d.excerpt.size());
    if (d.severity == sigma::Severity::kError) files[d.code].insert(d.path);
  }
  Reasons out;
  for (const auto& [code, paths] : files) out[code] = paths.size();
  return out;
}

}  // namespace

TEST_CASE("public rules: each is read, or refused for a reason that the specification gives") {
  const auto data = tests::sample_data();
  if (!data) std::exit(77);
  struct Case {
    std::string_view folder;
    std::size_t rules;
    Reasons refused;  // files
  };
  // Placeholders without values cannot be matched; aggregations are of Sigma 1; the other
  // conditions are prose that no version of Sigma knows.
  const Case cases[] = {
      {"rules", 3'141, {}},
      {"rules-compliance", 3, {}},
      {"rules-emerging-threats", 471, {{"placeholder.unresolved", 2}}},
      {"rules-placeholder", 0, {{"placeholder.unresolved", 23}}},
      {"rules-threat-hunting", 140, {}},
      {"deprecated", 168, {{"condition.aggregation", 1}, {"placeholder.unresolved", 3}}},
      {"unsupported", 31, {{"condition.aggregation", 54}, {"condition.syntax", 4}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.folder);
    const auto set = sigma::load_rules({(*data / "sigma" / c.folder).string()});
    REQUIRE(set);
    CHECK(set->rules.size() == c.rules);
    CHECK(reasons_of(*set) == c.refused);
    CHECK(set->ignored == 0);  // no correlations among them
  }
}

TEST_CASE("public rules: with values for their placeholders all of the live folders are read") {
  const auto data = tests::sample_data();
  if (!data) std::exit(77);
  sigma::ParseOptions options;
  for (const std::string_view folder : {"rules-emerging-threats", "rules-placeholder"}) {
    const std::string path = (*data / "sigma" / folder).string();
    // Every name that is missing gets a value.
    const auto first = sigma::load_rules({path});
    REQUIRE(first);
    for (const sigma::Diagnostic& d : first->diagnostics) {
      const std::size_t start = d.message.find('%') + 1;
      options.placeholders[d.message.substr(start, d.message.rfind('%') - start)] = {"value"};
    }
    const auto set = sigma::load_rules({path}, options);
    REQUIRE(set);
    CHECK(set->rejected == 0);
  }
}
