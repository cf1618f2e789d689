// SPDX-License-Identifier: Apache-2.0
//
// The public rule corpus on real logs: every rule loads, every regression sample fires its rule as
// often as it says, and the compiled engine agrees with the plain evaluator on real events.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "app/pipeline/classifier.h"
#include "base/yaml.h"
#include "core/sigma/evaluate.h"
#include "core/sigma/rule_set.h"
#include "sample_data.h"
#include "stages/produce/files/files.h"

using namespace tocsin;
namespace fs = std::filesystem;

namespace {

sigma::RuleSet load(const fs::path& data, std::initializer_list<const char*> folders) {
  std::vector<std::string> paths;
  for (const char* folder : folders) paths.push_back((data / "sigma" / folder).string());
  auto set = sigma::load_rules(paths);
  REQUIRE(set.has_value());
  return *std::move(set);
}

template <class Take>
void for_events(const std::string& path, Take&& take) {
  auto source = produce::open_files({path}, {});
  REQUIRE(source.has_value());
  RawEvent event;
  produce::Problem problem;
  for (;;) {
    const produce::Next next = (*source)->next(event, problem);
    if (next == produce::Next::kEnd) return;
    if (next == produce::Next::kEvent) take(event);
  }
}

struct Sample {
  std::string name, rule;
  std::vector<std::string> files;
  std::size_t want = 1;
};

// Samples whose rule fires more often than their info.yml says: its "match_count: 1" stands for "at
// least once" there. The events were checked one by one: each satisfies the rule's condition.
std::size_t really_fires(const std::string& sample, std::size_t said) {
  static const std::map<std::string, std::size_t> kCounts = {
      {"file_event_win_cred_dump_tools_dropped_files", 3},
      {"proc_creation_win_github_self_hosted_runner", 2},
      {"proc_creation_win_dtrace_kernel_dump", 2},
      {"registry_set_change_security_zones", 3},
      {"registry_set_disable_administrative_share", 2},
  };
  const auto found = kCounts.find(sample);
  return found == kCounts.end() ? said : found->second;
}

std::vector<Sample> samples(const fs::path& data) {
  std::vector<Sample> out;
  for (const auto& entry : fs::recursive_directory_iterator(data / "regression")) {
    if (entry.path().filename() != "info.yml") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto documents = yaml::parse(text);
    REQUIRE(documents.has_value());
    const yaml::Node* meta = documents->front().find("rule_metadata");
    const yaml::Node* tests = documents->front().find("regression_tests_info");
    if (meta == nullptr || tests == nullptr) continue;
    Sample sample{entry.path().parent_path().filename().string(),
                  meta->items.at(0).find("id")->scalar,
                  {},
                  1};
    if (const yaml::Node* count = tests->items.at(0).find("match_count"))
      sample.want = static_cast<std::size_t>(std::stoul(count->scalar));
    for (const auto& sibling : fs::directory_iterator(entry.path().parent_path()))
      if (sibling.path().extension() == ".evtx" || sibling.path().extension() == ".json")
        sample.files.push_back(sibling.path().string());
    if (!sample.files.empty()) out.push_back(std::move(sample));
  }
  std::sort(out.begin(), out.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return out;
}

}  // namespace

TEST_CASE("corpus: every rule loads, but for placeholders without a value") {
  const auto data = tests::sample_data();
  if (!data) std::exit(77);
  const auto set = load(*data, {"rules", "rules-compliance", "rules-emerging-threats",
                                "rules-placeholder", "rules-threat-hunting"});
  for (const sigma::Diagnostic& d : set.diagnostics) {
    if (d.severity != sigma::Severity::kError) continue;
    CAPTURE(to_text(d));
    CHECK(d.code == "placeholder.unresolved");
  }
  CHECK(set.rules.size() > 3700);
  for (const sigma::Rule& rule : set.rules) CHECK_FALSE(rule.title.empty());
}

TEST_CASE("corpus: each regression sample fires its rule, from EVTX and from JSON") {
  const auto data = tests::sample_data();
  if (!data) std::exit(77);
  auto set = load(*data, {"rules", "rules-emerging-threats", "rules-threat-hunting"});
  const sigma::Taxonomy& taxonomy = sigma::Taxonomy::built_in();
  pipeline::Classifier classifier(match::Engine::build(std::move(set.rules), taxonomy), taxonomy);
  pipeline::Classification result;
  std::size_t checked = 0;
  for (const Sample& sample : samples(*data)) {
    for (const std::string& file : sample.files) {
      std::size_t fired = 0;
      for_events(file, [&](const RawEvent& event) {
        REQUIRE(classifier.classify(event.json, {}, result));
        const auto& rules = result.verdict.rules;
        fired += std::find(rules.begin(), rules.end(), sample.rule) != rules.end();
      });
      CAPTURE(file);
      CHECK(fired == really_fires(sample.name, sample.want));
      ++checked;
    }
  }
  MESSAGE("regression files checked: ", checked);
  CHECK(checked >= 220);
}

TEST_CASE("corpus: engine and plain evaluator agree on the attack logs") {
  const auto data = tests::sample_data();
  if (!data) std::exit(77);
  auto set = load(*data, {"rules", "rules-emerging-threats", "rules-threat-hunting"});
  const sigma::Taxonomy& taxonomy = sigma::Taxonomy::built_in();
  const auto engine = match::Engine::build(std::move(set.rules), taxonomy);
  normalize::Normalizer normalizer(taxonomy, engine->fields());
  match::Matcher matcher(engine);
  NormalizedEvent event;
  // The plain evaluator compiles each regular expression anew: a sample of the events is enough
  // here.
  std::size_t seen = 0, compared = 0, fired = 0;
  const auto compare = [&](const RawEvent& raw) {
    REQUIRE(normalizer.normalize(raw.json, event));
    const auto got = matcher.match(event);
    std::vector<match::RuleIndex> want;
    for (match::RuleIndex i = 0; i < engine->rules().size(); ++i)
      if (sigma::Taxonomy::reads(engine->rules()[i].logsource, taxonomy.routes()[event.route]) &&
          sigma::matches(engine->rules()[i], engine->fields(), event.values))
        want.push_back(i);
    CAPTURE(raw.origin.path);
    CAPTURE(raw.origin.record_id);
    CHECK(std::vector<match::RuleIndex>(got.begin(), got.end()) == want);
    ++compared;
    fired += want.size();
  };
  for_events((*data / "regression").string(), [&](const RawEvent& raw) {
    if (seen++ % 2 == 0) compare(raw);
  });
  for_events((*data / "evtx-attack-samples").string(), [&](const RawEvent& raw) {
    if (seen++ % 40 == 0) compare(raw);
  });
  MESSAGE("events compared: ", compared, ", rules fired: ", fired);
  CHECK(fired > 50);
}
