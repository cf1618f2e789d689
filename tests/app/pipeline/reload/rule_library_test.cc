// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/reload/rule_library.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "app/pipeline/reload/change_report.h"
#include "app/pipeline/tuning/tuning_file.h"
#include "core/trace/temp_dir.h"

using namespace tocsin;
using namespace tocsin::pipeline;
namespace fs = std::filesystem;

namespace {

std::string id_of(int n) {
  return fmt::format("{0}{0}{0}{0}{0}{0}{0}{0}-0000-4000-8000-000000000000", n);
}

std::string rule_text(int n, const std::string& value = "x") {
  return fmt::format(
      "title: Rule {}\nid: {}\nlogsource: {{product: windows}}\nlevel: high\ndetection:\n  s: {{A: "
      "'{}'}}\n  condition: s\n",
      n, id_of(n), value);
}

// A folder of rules with its library.
struct Site {
  test::TempDir dir;
  std::string rules = dir / "rules";
  std::string overrides = dir / "overrides.yml";
  RuleLibrary library;
  RuleChanges changes;

  Site() : library(sources()) {
    fs::create_directory(rules);
    tune("");
    for (const int n : {1, 2, 3}) write(n, rule_text(n));
  }
  RuleSources sources() {
    RuleSources out;
    out.rules = [this] { return sigma::load_rules({rules}); };
    out.tuning = [this]() -> Result<Tuning> {
      Tuning tuning;
      TOCSIN_TRY_STATUS(read_tuning(overrides, OtherKeys::kRefuse, tuning));
      return tuning;
    };
    out.taxonomy = std::make_shared<const sigma::Taxonomy>(sigma::Taxonomy::built_in());
    return out;
  }
  std::string file(int n) const { return fmt::format("{}/r{}.yml", rules, n); }
  void write(int n, const std::string& text) const { std::ofstream(file(n)) << text; }
  void tune(const std::string& text) const { std::ofstream(overrides) << text; }

  std::shared_ptr<const RuleSnapshot> load() {
    auto snapshot = library.load(changes);
    REQUIRE_MESSAGE(snapshot.has_value(), (snapshot ? "" : snapshot.error().message));
    return *std::move(snapshot);
  }
  std::string what() const {
    std::string out;
    for (const RuleChange& change : changes.changes)
      out += fmt::format("{}{} ", "+~-!k"[static_cast<int>(change.kind)], change.id.substr(0, 1));
    return out;
  }
};

std::string titles(const RuleSnapshot& snapshot) {
  std::string out;
  for (const sigma::Rule& rule : snapshot.engine->rules()) out += rule.title.substr(5) + " ";
  return out;
}

}  // namespace

TEST_CASE("library: a reload says of each rule what became of it") {
  Site site;
  CHECK(titles(*site.load()) == "1 2 3 ");
  CHECK(site.what().empty());
  site.write(1, rule_text(1) + "# only a comment\n");
  site.write(2, rule_text(2, "other"));
  fs::remove(site.file(3));
  site.write(4, rule_text(4));
  const auto snapshot = site.load();
  CHECK(snapshot->number == 2);
  CHECK(titles(*snapshot) == "1 2 4 ");
  CHECK(site.what() == "+4 ~2 -3 ");
  CHECK(summary_of(site.changes) == "3 in force (1 added, 1 changed, 1 removed)");
  CHECK(site.load()->number == 3);
  CHECK(site.what().empty());
}

TEST_CASE("library: a broken rule keeps its last good version until it is mended or removed") {
  Site site;
  site.load();
  const char* broken[] = {"title: [", "title: Rule 2\nid: x\ndetection: {}\n", "\xff\xfe\x01",
                          "title: a\ttab: {\n"};
  for (const char* text : broken) {
    CAPTURE(text);
    site.write(2, text);
    CHECK(titles(*site.load()) == "1 2 3 ");
    CHECK(site.what() == "k2 ");
    CHECK(site.changes.kept == 1);
    CHECK(site.changes.rejected == 0);
    CHECK(site.changes.new_problems.size() >= 1);
  }
  site.load();
  CHECK(site.changes.new_problems.empty());  // told once
  CHECK(site.changes.kept == 1);             // but counted as long as it lasts
  site.write(2, rule_text(2, "mended"));
  CHECK(titles(*site.load()) == "1 2 3 ");
  CHECK(site.what() == "~2 ");
  site.write(2, "title: [");
  site.load();
  fs::remove(site.file(2));
  CHECK(titles(*site.load()) == "1 3 ");
  CHECK(site.what() == "-2 ");
}

TEST_CASE("library: a broken filter does not let loose what it kept quiet") {
  Site site;
  const std::string filter = site.rules + "/filter.yml";
  const std::string good =
      "title: F\nid: ffffffff-0000-4000-8000-000000000000\nlogsource: {product: windows}\n"
      "filter:\n  rules: [" +
      id_of(2) + "]\n  s: {B: y}\n  condition: not s\n";
  std::ofstream(filter) << good;
  const auto rule_2 = [](const RuleSnapshot& snapshot) { return snapshot.engine->rules().at(1); };
  REQUIRE(rule_2(*site.load()).filters.size() == 1);
  std::ofstream(filter) << "title: F\nfilter: [";
  CHECK(rule_2(*site.load()).filters.size() == 1);
  CHECK(site.what() == "k2 ");
  fs::remove(filter);
  CHECK(rule_2(*site.load()).filters.empty());
  CHECK(site.what() == "~2 ");
}

TEST_CASE("library: a rule that was never good is rejected, the others run") {
  Site site;
  site.load();
  site.write(5, "title: [");
  CHECK(titles(*site.load()) == "1 2 3 ");
  CHECK(site.changes.rejected == 1);
  CHECK(site.changes.kept == 0);
  REQUIRE(site.changes.new_problems.size() == 1);
  CHECK(site.changes.new_problems[0].path == site.file(5));
}

TEST_CASE("library: when every file is broken, the last good version of each rule stays") {
  Site site;
  for (const int n : {1, 2, 3}) site.write(n, "title: [");
  const auto none = site.library.load(site.changes);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message.find("no rule can be used") != std::string::npos);
  CHECK(none.error().message.find(site.file(1)) != std::string::npos);
  for (const int n : {1, 2, 3}) site.write(n, rule_text(n));
  site.load();
  for (const int n : {1, 2, 3}) site.write(n, "title: [");
  CHECK(titles(*site.load()) == "1 2 3 ");
  CHECK(site.changes.kept == 3);
  CHECK(site.changes.new_problems.size() == 3);
}

TEST_CASE("library: a set that cannot be used replaces nothing") {
  Site site;
  site.load();
  SUBCASE("the folder is gone") { fs::rename(site.rules, site.dir / "elsewhere"); }
  SUBCASE("the folder is empty") {
    for (const int n : {1, 2, 3}) fs::remove(site.file(n));
  }
  SUBCASE("the overrides are wrong") { site.tune("overrides: nonsense\n"); }
  SUBCASE("the overrides are gone") { fs::remove(site.overrides); }
  SUBCASE("the overrides disable all") {
    site.tune(fmt::format("overrides:\n- {{rule: [{}, {}, {}], disable: true}}\n", id_of(1),
                          id_of(2), id_of(3)));
  }
  const auto refused = site.library.load(site.changes);
  REQUIRE_FALSE(refused.has_value());
  CHECK_FALSE(refused.error().message.empty());
  // Mended, with one rule more: what was in force before is what it is compared with.
  if (fs::exists(site.dir / "elsewhere")) fs::rename(site.dir / "elsewhere", site.rules);
  for (const int n : {1, 2, 3, 4}) site.write(n, rule_text(n));
  site.tune("");
  CHECK(titles(*site.load()) == "1 2 3 4 ");
  CHECK(site.what() == "+4 ");
}

TEST_CASE("library: overrides are reloaded, too, and apply to kept rules") {
  Site site;
  site.load();
  site.tune(fmt::format("overrides:\n- {{rule: {}, level: low}}\n- {{rule: {}, disable: true}}\n",
                        id_of(1), id_of(3)));
  site.write(1, "title: [");
  const auto snapshot = site.load();
  CHECK(titles(*snapshot) == "1 2 ");
  CHECK(snapshot->engine->rules()[0].level == Level::kLow);
  CHECK(site.what() == "~1 !3 k1 ");
  site.tune("");
  const auto back = site.load();
  CHECK(back->engine->rules()[0].level == Level::kHigh);  // nothing of the override has stuck
  CHECK(site.what() == "+3 ~1 k1 ");
}

TEST_CASE("library: an override of a rule that is gone is told once") {
  Site site;
  site.tune(fmt::format("overrides:\n- {{rule: {}, level: low}}\n", id_of(9)));
  site.load();
  REQUIRE(site.changes.new_problems.size() == 1);
  CHECK(site.changes.new_problems[0].code == "override.unknown_rule");
  site.load();
  CHECK(site.changes.new_problems.empty());
}
