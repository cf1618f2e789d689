// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules coverage: what of ATT&CK the rules name, or the stored alerts have seen: tables, and
// a layer for the ATT&CK Navigator.
//
//   rules, or alerts of tocsin.db -> Tally (tally.h) -> tables, JSON, Navigator layer
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "app/cli/rules/filter.h"
#include "app/cli/rules/rules.h"
#include "app/cli/rules/tally.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "core/sigma/attack.h"

namespace tocsin::cli::rules {
namespace {

constexpr std::size_t kTechniquesShown = 25;

struct CoverageOptions {
  RulePaths rules;
  RuleFilter filter;
  std::string format = "table";
  std::string navigator;
  std::string alerts;
  std::string score = "count";
  bool all = false;
};

Result<Tally> tally_rules(const CoverageOptions& options) {
  TOCSIN_TRY(const sigma::RuleSet set, load_rules(options.rules.chosen()));
  Tally out;
  out.what = "rules";
  for (const sigma::Rule* rule : select_rules(set.rules, options.filter, "id"))
    out.add(rule->tactics, rule->techniques, rule->level, 1, rule->title);
  return out;
}

std::vector<Cell> cells_of(const Count& count) {
  std::vector<Cell> out;
  out.emplace_back(grouped(static_cast<std::int64_t>(count.total())));
  for (std::size_t i = count.levels.size(); i-- > 0;)
    out.push_back(count.levels[i] == 0 ? Cell("")
                                       : Cell(grouped(static_cast<std::int64_t>(count.levels[i])),
                                              level_tint(static_cast<Level>(i))));
  return out;
}

std::vector<Column> count_columns() {
  return {{"ALL", Align::kRight},    {"CRITICAL", Align::kRight}, {"HIGH", Align::kRight},
          {"MEDIUM", Align::kRight}, {"LOW", Align::kRight},      {"INFO", Align::kRight}};
}

void add_row(Table& table, std::vector<Cell> row, const Count& count) {
  for (Cell& cell : cells_of(count)) row.push_back(std::move(cell));
  table.rows.push_back(std::move(row));
}

std::string tactic_table(const Tally& tally, const Style& style) {
  Table table;
  table.columns = {{"TACTIC"}};
  for (Column& column : count_columns()) table.columns.push_back(std::move(column));
  std::map<std::string, Count> rest = tally.tactics;
  for (const sigma::Tactic& tactic : sigma::Attack::built_in().tactics()) {
    const auto found = rest.find(tactic.slug);
    add_row(table, {tactic.name}, found == rest.end() ? Count{} : found->second);
    if (found != rest.end()) rest.erase(found);
  }
  for (const auto& [slug, count] : rest) add_row(table, {slug}, count);
  return render_table(table, style);
}

std::string technique_table(const Tally& tally, const Style& style, bool all) {
  std::vector<const std::pair<const std::string, Count>*> order;
  for (const auto& entry : tally.techniques) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.total() > b->second.total();
  });
  Table table;
  table.columns = {{"TECHNIQUE"}, {"NAME", Align::kLeft, true}};
  for (Column& column : count_columns()) table.columns.push_back(std::move(column));
  const std::size_t shown = all ? order.size() : std::min(order.size(), kTechniquesShown);
  for (std::size_t i = 0; i < shown; ++i)
    add_row(
        table,
        {order[i]->first, std::string(sigma::Attack::built_in().technique_name(order[i]->first))},
        order[i]->second);
  std::string out = table.rows.empty() ? "" : "\n" + render_table(table, style);
  if (shown < order.size())
    out += fmt::format("... and {} more techniques (--all)\n", order.size() - shown);
  return out;
}

void write_counts(JsonWriter& json, const char* name, const std::map<std::string, Count>& counts) {
  json.key(name);
  json.object([&] {
    for (const auto& [id, count] : counts) {
      json.key(id);
      json.object([&] {
        json.member("count", count.total());
        for (std::size_t i = 0; i < count.levels.size(); ++i)
          json.member(to_string(static_cast<Level>(i)), count.levels[i]);
      });
    }
  });
}

std::string as_json(const Tally& tally) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("of", tally.what);
    json.member("total", tally.total);
    json.member("without_tactic", tally.without_tactic);
    write_counts(json, "tactics", tally.tactics);
    write_counts(json, "techniques", tally.techniques);
  });
  return out + "\n";
}

std::string as_tables(const Tally& tally, const CoverageOptions& options) {
  const Style style = style_of(STDOUT_FILENO);
  std::string out = tactic_table(tally, style) + technique_table(tally, style, options.all);
  out += fmt::format("\n{} {}, {} techniques", tally.total, tally.what, tally.techniques.size());
  if (tally.without_tactic > 0) out += fmt::format("; {} name no tactic", tally.without_tactic);
  return out + "\n";
}

int coverage(CoverageOptions& options) {
  if (const Status status = options.filter.prepare(); !status) return usage_error(status.error());
  const bool alerts = !options.alerts.empty();
  if (alerts)
    if (const Status status = usable_for_alerts(options.filter); !status)
      return usage_error(status.error());
  const auto chosen = [&](const sigma::Rule& rule) { return options.filter.passes(rule); };
  const auto tally = alerts ? tally_alerts(options.alerts, chosen) : tally_rules(options);
  if (!tally) return alerts ? report(tally.error()) : usage_error(tally.error());
  const bool layer_on_stdout = options.navigator == "-";
  if (!options.navigator.empty()) {
    const std::string layer = insight::navigator_json(layer_of(*tally, options.score));
    if (layer_on_stdout)
      print(layer);
    else if (!write_file(options.navigator, layer))
      return report({ErrorCode::kUnavailable, options.navigator + ": cannot be written"});
    else
      log_info("{}: open it in the ATT&CK Navigator (Open Existing Layer)", options.navigator);
  }
  if (!layer_on_stdout)
    print(options.format == "json" ? as_json(*tally) : as_tables(*tally, options));
  return kDone;
}

}  // namespace

void add_coverage(CLI::App& rules, Context& context) {
  auto options = std::make_shared<CoverageOptions>();
  CLI::App* command = rules.add_subcommand(
      "coverage", "The tactics and techniques of ATT&CK that the rules name, as a table or layer");
  add_rule_paths(*command, options->rules);
  add_filter_options(*command, options->filter);
  command->add_option("--navigator", options->navigator,
                      "Write a layer for the ATT&CK Navigator to this file; - is stdout");
  command
      ->add_option("--score", options->score,
                   "What the layer's score is: count, or level (the highest severity, 1 to 99)")
      ->check(CLI::IsMember({"count", "level"}))
      ->capture_default_str();
  command->add_option("--alerts", options->alerts,
                      "What was seen instead of what the rules name: the alerts of this tocsin.db");
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->add_flag("--all", options->all, "table: every technique, not only the most frequent");
  command->footer(
      "Examples:\n"
      "  tocsin rules coverage sigma/rules --product windows --navigator windows.json\n"
      "  tocsin rules coverage --alerts tocsin-data/tocsin.db --navigator seen.json");
  command->callback([&context, options] { context.exit_code = coverage(*options); });
}

}  // namespace tocsin::cli::rules
