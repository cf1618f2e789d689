// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules list: the rules that fit, as a table, JSON lines or CSV, and how many of each level
// and tactic they are.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <map>

#include "app/cli/rules/filter.h"
#include "app/cli/rules/rules.h"
#include "app/cli/views/csv_cell.h"
#include "base/json_writer.h"
#include "core/sigma/attack.h"

namespace tocsin::cli::rules {
namespace {

// A narrow table shows what `rules explain` takes for an id, and leaves the room to the titles.
constexpr std::size_t kWide = 140;
constexpr std::size_t kIdPrefix = 8;

struct ListOptions {
  RulePaths rules;
  RuleFilter filter;
  std::string sort = "id";
  std::string format = "table";
  bool json = false;
};

using Chosen = std::vector<const sigma::Rule*>;

std::string as_json(const Chosen& rules) {
  std::string out;
  for (const sigma::Rule* rule : rules) {
    JsonWriter json(out);
    const auto strings = [&](std::string_view name, const std::vector<std::string>& items) {
      json.key(name);
      json.array([&] {
        for (const std::string& item : items) json.value(item);
      });
    };
    json.object([&] {
      json.member("id", rule->id);
      json.member("title", rule->title);
      json.member("level", to_string(rule->level));
      json.member("status", rule->status);
      json.member("author", rule->author);
      json.member("path", rule->path);
      json.member("source", rule->ruleset);
      json.member("category", rule->logsource.category);
      json.member("product", rule->logsource.product);
      json.member("service", rule->logsource.service);
      strings("tactics", rule->tactics);
      strings("techniques", rule->techniques);
      json.member("overrides", rule->tuning);
      json.key("filters");
      json.array([&] {
        for (const sigma::AppliedFilter& filter : rule->filters) json.value(filter.title);
      });
    });
    out.push_back('\n');
  }
  return out;
}

std::string as_csv(const Chosen& rules) {
  std::string out =
      "id,title,level,status,product,category,service,tactics,techniques,author,source,path\r\n";
  for (const sigma::Rule* rule : rules) {
    const sigma::Logsource& l = rule->logsource;
    out += csv_row({rule->id, rule->title, std::string(to_string(rule->level)), rule->status,
                    l.product, l.category, l.service, joined(rule->tactics, ";"),
                    joined(rule->techniques, ";"), rule->author, rule->ruleset, rule->path});
  }
  return out;
}

std::string counts(const Chosen& rules, std::size_t all, const Style& style) {
  std::array<std::size_t, 5> levels{};
  std::map<int, std::pair<std::string, std::size_t>> tactics;  // by their place in the kill chain
  std::size_t without = 0;
  const sigma::Attack& attack = sigma::Attack::built_in();
  for (const sigma::Rule* rule : rules) {
    ++levels[static_cast<std::size_t>(rule->level)];
    for (const std::string& slug : rule->tactics) {
      auto& [name, count] = tactics[attack.order(slug)];
      name = attack.tactic(slug) != nullptr ? slug : "other";
      ++count;
    }
    without += rule->tactics.empty();
  }
  std::string out = fmt::format("\n{} of {} rules\n", rules.size(), all);
  std::string line;
  for (std::size_t i = levels.size(); i-- > 0;)
    if (levels[i] > 0)
      line += fmt::format(
          "  {} {}",
          tinted(to_string(static_cast<Level>(i)), level_tint(static_cast<Level>(i)), style),
          levels[i]);
  if (!line.empty()) out += "levels: " + line + "\n";
  line.clear();
  for (const auto& [order, entry] : tactics)
    line += fmt::format("  {} {}", printable(entry.first, style), entry.second);
  if (without > 0) line += fmt::format("  none {}", without);
  if (!line.empty()) out += "tactics:" + line + "\n";
  return out;
}

// What a user's filters and overrides make of the rule.
std::string notes_of(const sigma::Rule& rule) {
  std::string out = rule.tuning.empty() ? "" : " [" + rule.tuning + "]";
  if (!rule.filters.empty())
    out += fmt::format(" [{} filter{}]", rule.filters.size(), rule.filters.size() == 1 ? "" : "s");
  return out;
}

std::string as_table(const Chosen& rules, std::size_t all, const Style& style) {
  const bool narrow = style.width < kWide;
  Table table;
  table.columns = {{"ID"},
                   {"LEVEL"},
                   {"STATUS"},
                   {"LOGSOURCE", Align::kLeft, true},
                   {"TACTICS", Align::kLeft, true},
                   {"TITLE", Align::kLeft, true}};
  for (const sigma::Rule* rule : rules)
    table.rows.push_back({{narrow ? rule->id.substr(0, kIdPrefix) : rule->id, Tint::kDim},
                          {std::string(to_string(rule->level)), level_tint(rule->level)},
                          rule->status,
                          logsource_text(rule->logsource),
                          joined(rule->tactics),
                          rule->title + notes_of(*rule)});
  return (rules.empty() ? std::string() : render_table(table, style)) + counts(rules, all, style);
}

int list(ListOptions& options) {
  if (const Status status = options.filter.prepare(); !status) return usage_error(status.error());
  const auto set = load_rules(options.rules.chosen());
  if (!set) return usage_error(set.error());
  const Chosen rules = select_rules(set->rules, options.filter, options.sort);
  if (options.json || options.format == "json")
    print(as_json(rules));
  else if (options.format == "csv")
    print(as_csv(rules));
  else
    print(as_table(rules, set->rules.size(), style_of(STDOUT_FILENO)));
  return kDone;
}

}  // namespace

void add_list(CLI::App& rules, Context& context) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = rules.add_subcommand("list", "The rules that fit, and how many of each kind");
  add_rule_paths(*command, options->rules);
  add_filter_options(*command, options->filter);
  command->add_option("--sort", options->sort, "id, title, level, tactic or path")
      ->check(CLI::IsMember({"id", "title", "level", "tactic", "path"}))
      ->capture_default_str();
  command->add_option("--format", options->format, "table, json (an object a line) or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  command->add_flag("--json", options->json, "The same as --format json");
  command->footer(
      "Examples:\n"
      "  tocsin rules list --min-level high --tactic credential-access\n"
      "  tocsin rules list sigma/rules --technique T1059 --text powershell --sort level\n"
      "  tocsin rules list --format csv > rules.csv");
  command->callback([&context, options] { context.exit_code = list(*options); });
}

}  // namespace tocsin::cli::rules
