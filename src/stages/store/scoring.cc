// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "stages/store/summary.h"

namespace tocsin::store {
namespace {

constexpr std::string_view kBenign = "benign";
constexpr std::string_view kNone = "none";

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : -1;
}

std::set<std::string> split(std::string_view list) {
  std::set<std::string> items;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(';'), list.size());
    if (end > 0) items.emplace(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return items;
}

// One event (times count) seen by one way of attribution: `said` are the tactics it names.
void judge(std::map<std::string, TacticScore>& tactics, Quality TacticScore::* quality,
           const std::string& truth, const std::set<std::string>& said, std::int64_t count) {
  for (const std::string& tactic : said) {
    Quality& of = tactics[tactic].*quality;
    (tactic == truth ? of.true_positives : of.false_positives) += count;
  }
  if (truth != kBenign && !said.contains(truth)) (tactics[truth].*quality).false_negatives += count;
}

ScenarioScore& scenario_of(std::vector<ScenarioScore>& scenarios, const std::string& name) {
  const auto at = std::lower_bound(
      scenarios.begin(), scenarios.end(), name,
      [](const ScenarioScore& score, const std::string& wanted) { return score.name < wanted; });
  if (at != scenarios.end() && at->name == name) return *at;
  return *scenarios.insert(at, {.name = name});
}

}  // namespace

double Quality::precision() const {
  return ratio(true_positives, true_positives + false_positives);
}

double Quality::recall() const { return ratio(true_positives, true_positives + false_negatives); }

double Quality::f1() const {
  return ratio(2 * true_positives, 2 * true_positives + false_positives + false_negatives);
}

std::string slug_of(std::string_view display_name) {
  std::string slug(display_name);
  for (char& c : slug) {
    if (c == ' ') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return slug;
}

void add_truth(Scoring& scoring, const TruthRow& row) {
  const std::string predicted = slug_of(row.event_class);
  scoring.confusion[row.truth][predicted] += row.count;

  const std::set<std::string> any = split(row.tactics);
  std::set<std::string> strict;
  if (predicted != kNone) strict.insert(predicted);
  judge(scoring.tactics, &TacticScore::strict, row.truth, strict, row.count);
  judge(scoring.tactics, &TacticScore::any_of, row.truth, any, row.count);

  const std::int64_t detected = row.detected ? row.count : 0;
  if (row.truth == kBenign) {
    scoring.benign += row.count;
    scoring.benign_detected += detected;
    return;
  }
  scoring.malicious += row.count;
  scoring.malicious_detected += detected;
  TacticScore& tactic = scoring.tactics[row.truth];
  tactic.events += row.count;
  tactic.detected += detected;
  ScenarioScore& scenario = scenario_of(scoring.scenarios, row.scenario);
  scenario.events += row.count;
  scenario.detected += detected;
  if (any.contains(row.truth)) scenario.attributed += row.count;
}

}  // namespace tocsin::store
