// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules stats: what the rules did and cost in `detect`, and which are noisy or slow.
//
//   table rule_stats of tocsin.db + titles of the rules -> table, JSON lines, CSV
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "app/cli/rules/rules.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/sqlite.h"
#include "stages/store/rule_stats.h"

namespace tocsin::cli::rules {
namespace {

// A rule is noisy when it makes this share of all matches and at least this many.
constexpr double kNoisyShare = 0.10;
constexpr std::int64_t kNoisyMatches = 50;
// It is slow when it takes this share of the time of all rules.
constexpr double kSlowShare = 0.10;

struct StatsOptions {
  RuleOptions rules;
  std::string database;
  std::string format = "table";
  std::string sort = "matched";
  std::size_t top = 30;
  bool all = false;
};

struct RuleStats {
  std::string id, title, level;
  bool known = false;  // among the rules in force
  std::int64_t evaluated = 0, matched = 0, suppressed = 0, nanoseconds = 0;
  std::int64_t first_seen = 0, last_seen = 0;
  double match_share = 0, cost_share = 0;

  [[nodiscard]] bool noisy() const {
    return match_share >= kNoisyShare && matched >= kNoisyMatches;
  }
  [[nodiscard]] bool slow() const { return cost_share >= kSlowShare; }
};

Result<std::vector<RuleStats>> read_stats(const std::string& path) {
  TOCSIN_TRY(const std::vector<store::RuleStat> kept, store::read_rule_stats(path));
  std::vector<RuleStats> out;
  for (const store::RuleStat& row : kept) {
    RuleStats& stats = out.emplace_back();
    stats.id = row.rule_id;
    stats.evaluated = static_cast<std::int64_t>(row.evaluated);
    stats.matched = static_cast<std::int64_t>(row.matched);
    stats.suppressed = static_cast<std::int64_t>(row.suppressed);
    stats.nanoseconds = static_cast<std::int64_t>(row.nanoseconds);
    stats.first_seen = row.first_seen;
    stats.last_seen = row.last_seen;
  }
  return out;
}

// What the alerts call the rules: for rules that are not in force any more.
Status add_titles_of_alerts(std::vector<RuleStats>& all, const std::string& path) {
  TOCSIN_TRY(sqlite::Database db, sqlite::Database::open(path, sqlite::Mode::kRead));
  TOCSIN_TRY(sqlite::Statement row,
             db.prepare("SELECT rule_name, level FROM alerts WHERE rule_id = ? LIMIT 1"));
  for (RuleStats& stats : all) {
    if (stats.known) continue;
    row.reset();
    row.bind(1, stats.id);
    TOCSIN_TRY(const bool found, row.step());
    if (!found) continue;
    stats.title = row.text(0);
    stats.level = row.text(1);
  }
  return {};
}

void complete(std::vector<RuleStats>& all, const sigma::RuleSet& set) {
  std::map<std::string_view, const sigma::Rule*> by_id;
  for (const sigma::Rule& rule : set.rules) by_id[rule.id] = &rule;
  std::int64_t matched = 0, nanoseconds = 0;
  for (const RuleStats& stats : all) {
    matched += stats.matched;
    nanoseconds += stats.nanoseconds;
  }
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  };
  for (RuleStats& stats : all) {
    stats.match_share = share(stats.matched, matched);
    stats.cost_share = share(stats.nanoseconds, nanoseconds);
    const auto found = by_id.find(stats.id);
    if (found == by_id.end()) continue;
    stats.known = true;
    stats.title = found->second->title;
    stats.level = to_string(found->second->level);
  }
}

void sort_stats(std::vector<RuleStats>& all, const std::string& by) {
  const auto key = [&](const RuleStats& s) {
    if (by == "evaluated") return s.evaluated;
    if (by == "suppressed") return s.suppressed;
    if (by == "cost") return s.nanoseconds;
    if (by == "last-seen") return s.last_seen;
    return s.matched;
  };
  std::sort(all.begin(), all.end(), [&](const RuleStats& a, const RuleStats& b) {
    return key(a) != key(b) ? key(a) > key(b) : a.id < b.id;
  });
}

std::string time_text(std::int64_t nanoseconds) {
  return nanoseconds == 0 ? "-" : format_rfc3339(nanoseconds, 0);
}

std::string flags_of(const RuleStats& stats) {
  std::vector<std::string> out;
  if (stats.noisy()) out.emplace_back("noisy");
  if (stats.slow()) out.emplace_back("slow");
  if (!stats.known) out.emplace_back("not loaded");
  return joined(out);
}

std::string as_table(const std::vector<RuleStats>& all, std::size_t shown, const Style& style) {
  Table table;
  table.columns = {{"RULE", Align::kLeft, true},
                   {"LEVEL"},
                   {"MATCHES", Align::kRight},
                   {"SHARE", Align::kRight},
                   {"SUPPRESSED", Align::kRight},
                   {"EVALUATED", Align::kRight},
                   {"COST", Align::kRight},
                   {"LAST SEEN"},
                   {"FLAGS"}};
  const auto costs =
      std::any_of(all.begin(), all.end(), [](const RuleStats& s) { return s.nanoseconds > 0; });
  std::int64_t matched = 0, noisy = 0, slow = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const RuleStats& s = all[i];
    matched += s.matched;
    noisy += s.noisy();
    slow += s.slow();
    if (i >= shown) continue;
    table.rows.push_back({s.title.empty() ? s.id : s.title,
                          s.level,
                          grouped(s.matched),
                          percent(s.match_share, 1),
                          grouped(s.suppressed),
                          grouped(s.evaluated),
                          costs ? percent(s.cost_share, 1) : "-",
                          time_text(s.last_seen),
                          {flags_of(s), s.noisy() || s.slow() ? Tint::kYellow : Tint::kDim}});
  }
  std::string out = render_table(table, style);
  if (shown < all.size()) out += fmt::format("... and {} more (--top)\n", all.size() - shown);
  out += fmt::format("\n{} rules with {} matches; {} noisy, {} slow\n", all.size(),
                     grouped(matched), noisy, slow);
  return out;
}

std::string as_json(const std::vector<RuleStats>& all, std::size_t shown) {
  std::string out;
  for (std::size_t i = 0; i < shown; ++i) {
    const RuleStats& s = all[i];
    JsonWriter json(out);
    json.object([&] {
      json.member("rule_id", s.id);
      json.member("title", s.title);
      json.member("level", s.level);
      json.member("evaluated", s.evaluated);
      json.member("matched", s.matched);
      json.member("suppressed", s.suppressed);
      json.member("nanoseconds", s.nanoseconds);
      json.member("match_share", s.match_share);
      json.member("cost_share", s.cost_share);
      json.member("first_seen", s.first_seen == 0 ? "" : format_rfc3339(s.first_seen, 0));
      json.member("last_seen", s.last_seen == 0 ? "" : format_rfc3339(s.last_seen, 0));
      json.member("noisy", s.noisy());
      json.member("slow", s.slow());
      json.member("loaded", s.known);
    });
    out.push_back('\n');
  }
  return out;
}

int stats(const StatsOptions& options, const Shared& shared) {
  const std::string path =
      options.database.empty() ? shared.data_dir + "/tocsin.db" : options.database;
  auto all = read_stats(path);
  if (!all) return report(all.error());
  if (all->empty())
    return report(
        {ErrorCode::kNotFound, path + ": no statistics of rules yet; `tocsin detect` keeps them"});
  const auto set = load_rules(options.rules);
  if (!set) return usage_error(set.error());
  complete(*all, *set);
  if (const Status status = add_titles_of_alerts(*all, path); !status)
    return report(status.error());
  sort_stats(*all, options.sort);
  const std::size_t shown = options.all ? all->size() : std::min(all->size(), options.top);
  print(options.format == "json" ? as_json(*all, all->size())
                                 : as_table(*all, shown, style_of(STDOUT_FILENO)));
  return kDone;
}

}  // namespace

void add_stats(CLI::App& rules, Context& context) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command =
      rules.add_subcommand("stats", "What the rules did and cost: which are noisy or slow");
  add_rule_options(*command, options->rules);
  command->add_option("--database", options->database,
                      "A tocsin.db (default: that of the data directory)");
  command->add_option("--sort", options->sort, "matched, evaluated, suppressed, cost or last-seen")
      ->check(CLI::IsMember({"matched", "evaluated", "suppressed", "cost", "last-seen"}))
      ->capture_default_str();
  command->add_option("--top", options->top, "Rules shown in the table")->capture_default_str();
  command->add_flag("--all", options->all, "Every rule");
  command->add_option("--format", options->format, "table or json (an object a line, all rules)")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->footer(
      "Noisy: at least 10 % of all matches and 50 of them. Slow: at least 10 % of the time that\n"
      "all rules took. What to do about either: docs/tuning.md.");
  command->callback([&context, options] { context.exit_code = stats(*options, context.shared); });
}

}  // namespace tocsin::cli::rules
