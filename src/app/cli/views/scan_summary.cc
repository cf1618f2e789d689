// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/scan_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/json_writer.h"
#include "core/sigma/attack.h"

namespace tocsin::cli {
namespace {

using scan::Findings;
using scan::LevelCounts;
using scan::RuleTally;
using scan::Tally;

constexpr std::size_t kHostsShown = 20;
// Columns of the terminal from which the times are shown.
constexpr std::size_t kWide = 130, kMedium = 80;
// Columns from which whole paths are.
constexpr std::size_t kSpacious = 200;

Tint level_tint(Level level) {
  if (level >= Level::kHigh) return Tint::kRed;
  return level == Level::kMedium ? Tint::kYellow : Tint::kDim;
}

std::string number(std::uint64_t value) { return grouped(static_cast<std::int64_t>(value)); }

std::string time_text(UnixNanos time) {
  if (time == 0) return "-";
  std::string text = format_rfc3339(time, 0);  // 2026-01-05T10:00:00Z
  text[10] = ' ';
  text.pop_back();
  return text;
}

// Where there is little room only the end of a path, which tells more than its beginning.
std::string place(const RuleTally& rule, const Style& style) {
  std::string_view path = rule.first_path;
  const std::size_t slash = path.find_last_of('/');
  std::string_view cut;
  if (style.width < kSpacious && slash != std::string_view::npos && slash > 0) {
    path.remove_prefix(slash);
    cut = "..";
  }
  return fmt::format("{}{}:{}", cut, path,
                     rule.first_line != 0 ? rule.first_line : rule.first_record);
}

std::string heading(std::string_view text, const Style& style) {
  return "\n" + tinted(text, Tint::kBold, style) + "\n\n";
}

// Without the times a table fits into half the width.
Table without_columns(Table table, std::initializer_list<std::string_view> titles) {
  for (const std::string_view title : titles) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const Column& column) { return column.title == title; });
    if (found == table.columns.end()) continue;
    const auto at = found - table.columns.begin();
    table.columns.erase(found);
    for (auto& row : table.rows) row.erase(row.begin() + at);
  }
  return table;
}

std::string fitting(Table table, std::size_t width_needed, const Style& style) {
  if (style.width >= width_needed) return render_table(table, style);
  return render_table(without_columns(std::move(table), {"HOSTS", "FIRST (UTC)", "LAST (UTC)"}),
                      style);
}

std::string rules_table(const Findings& findings, const Style& style) {
  Table table{.columns = {{"LEVEL"},
                          {"HITS", Align::kRight},
                          {"HOSTS", Align::kRight},
                          {"TACTIC"},
                          {"RULE", Align::kLeft, true},
                          {"FIRST (UTC)"},
                          {"LAST (UTC)"},
                          {"FIRST SEEN IN", Align::kLeft, true}},
              .rows = {}};
  for (const auto* entry : ranked_rules(findings)) {
    const RuleTally& rule = entry->second;
    table.rows.push_back({{std::string(to_string(rule.level)), level_tint(rule.level)},
                          number(rule.tally.alerts()),
                          number(rule.hosts.size()),
                          rule.tactics.empty() ? std::string("-") : rule.tactics.front(),
                          rule.title,
                          time_text(rule.tally.seen.first),
                          time_text(rule.tally.seen.last),
                          {place(rule, style), Tint::kDim}});
  }
  return fitting(std::move(table), kWide, style);
}

// One row for each of these, with a column for each level.
Table tally_table(std::string title) {
  return {.columns = {{std::move(title), Align::kLeft, true},
                      {"ALERTS", Align::kRight},
                      {"CRITICAL", Align::kRight},
                      {"HIGH", Align::kRight},
                      {"MEDIUM", Align::kRight},
                      {"LOW", Align::kRight},
                      {"INFO", Align::kRight},
                      {"FIRST (UTC)"},
                      {"LAST (UTC)"}},
          .rows = {}};
}

std::vector<Cell> tally_row(std::string name, const Tally& tally) {
  std::vector<Cell> row = {std::move(name), number(tally.alerts())};
  for (std::size_t i = tally.by_level.size(); i-- > 0;) {
    const std::uint64_t count = tally.by_level[i];
    const Tint tint = count == 0 ? Tint::kDim : level_tint(static_cast<Level>(i));
    row.emplace_back(count == 0 ? "-" : number(count), tint);
  }
  row.emplace_back(time_text(tally.seen.first));
  row.emplace_back(time_text(tally.seen.last));
  return row;
}

std::string levels_table(const Findings& findings, const Style& style) {
  Table table{.columns = {{"LEVEL"},
                          {"ALERTS", Align::kRight},
                          {"RULES", Align::kRight},
                          {"FIRST (UTC)"},
                          {"LAST (UTC)"}},
              .rows = {}};
  for (std::size_t i = findings.levels.size(); i-- > 0;) {
    const Tally& tally = findings.levels[i];
    if (tally.alerts() == 0) continue;
    std::size_t rules = 0;
    for (const auto& [id, rule] : findings.rules) rules += rule.tally.by_level[i] > 0;
    const auto level = static_cast<Level>(i);
    table.rows.push_back({{std::string(to_string(level)), level_tint(level)},
                          number(tally.alerts()),
                          number(rules),
                          time_text(tally.seen.first),
                          time_text(tally.seen.last)});
  }
  return fitting(std::move(table), kMedium, style);
}

void append_tally(JsonWriter& json, const Tally& tally) {
  json.member("alerts", tally.alerts());
  json.key("levels");
  json.object([&] {
    for (std::size_t i = tally.by_level.size(); i-- > 0;)
      if (tally.by_level[i] > 0) json.member(to_string(static_cast<Level>(i)), tally.by_level[i]);
  });
  if (tally.seen.first != 0) json.member("first", format_rfc3339(tally.seen.first));
  if (tally.seen.last != 0) json.member("last", format_rfc3339(tally.seen.last));
}

void append_strings(JsonWriter& json, std::string_view name,
                    const std::vector<std::string>& items) {
  json.key(name);
  json.array([&] {
    for (const std::string& item : items) json.value(item);
  });
}

void append_totals(JsonWriter& json, const Findings& findings, const scan::Damage& damage) {
  json.member("events", findings.counts.events);
  json.member("events_with_alerts", findings.counts.detections);
  json.member("alerts", findings.counts.alerts);
  json.member("rules_fired", findings.rules.size());
  json.member("events_of_no_known_kind", findings.counts.unknown);
  json.member("repaired_events", findings.counts.repaired);
  json.member("unreadable_parts", damage.problems());
  json.member("unreadable_files", damage.lost_files());
  json.member("files_that_are_no_logs", damage.passed_over());
  if (findings.events.first != 0) {
    json.member("first_event", format_rfc3339(findings.events.first));
    json.member("last_event", format_rfc3339(findings.events.last));
  }
}

void append_rules(JsonWriter& json, const Findings& findings) {
  json.key("rules");
  json.array([&] {
    for (const auto* entry : ranked_rules(findings)) {
      const RuleTally& rule = entry->second;
      json.object([&] {
        json.member("id", entry->first);
        json.member("title", rule.title);
        json.member("level", to_string(rule.level));
        append_strings(json, "tactics", rule.tactics);
        append_strings(json, "techniques", rule.techniques);
        json.member("hosts", rule.hosts.size());
        append_tally(json, rule.tally);
        json.member("first_file", rule.first_path);
        if (rule.first_line != 0) json.member("first_line", rule.first_line);
        if (rule.first_record != 0) json.member("first_record_id", rule.first_record);
      });
    }
  });
}

void append_damage(JsonWriter& json, const scan::Damage& damage) {
  json.key("problems");
  json.array([&] {
    for (const scan::DamageRow& row : damage.rows())
      json.object([&] {
        json.member("file", row.file);
        json.member("code", row.code);
        json.member("message", row.message);
        json.member("count", row.count);
        json.member("events_read", row.events);
        json.member("lost", row.lost);
      });
  });
}

// Events whose kind nothing tells are read by no rule for a product; empty when there are none.
std::string unknown_kind(const Findings& findings) {
  if (findings.counts.unknown == 0) return {};
  return fmt::format(
      "{} of {} events are of no known kind, and no rule for a product reads them. Say what they "
      "are\nwith --logsource, e.g. --logsource product=aws,service=cloudtrail\n",
      number(findings.counts.unknown), number(findings.counts.events));
}

}  // namespace

std::string render_findings(const Findings& findings, const Style& style) {
  if (findings.counts.alerts == 0) return "No rule matched.\n" + unknown_kind(findings);
  std::string out = rules_table(findings, style);
  out += heading("By level", style) + levels_table(findings, style);
  Table tactics = tally_table("TACTIC");
  for (const auto* entry : ordered_tactics(findings))
    tactics.rows.push_back(tally_row(scan::tactic_title(entry->first), entry->second));
  out += heading("By ATT&CK tactic (a rule may name several)", style) +
         fitting(std::move(tactics), kWide, style);
  Table hosts = tally_table("HOST");
  const auto ranked = ranked_hosts(findings);
  for (std::size_t i = 0; i < std::min(ranked.size(), kHostsShown); ++i) {
    const std::string& name = ranked[i]->first;
    hosts.rows.push_back(tally_row(name.empty() ? "(none)" : name, ranked[i]->second));
  }
  out += heading("By host", style) + fitting(std::move(hosts), kWide, style);
  if (ranked.size() > kHostsShown)
    out += tinted(
        fmt::format("and {} more hosts (--summary json lists all)\n", ranked.size() - kHostsShown),
        Tint::kDim, style);
  if (findings.counts.unknown > 0) out += '\n' + unknown_kind(findings);
  return out;
}

std::string render_damage(const scan::Damage& damage, const Style& style) {
  if (damage.rows().empty()) return {};
  Table table{.columns = {{"FILE", Align::kLeft, true},
                          {"WHAT IS WRONG", Align::kLeft, true},
                          {"TIMES", Align::kRight},
                          {"EVENTS READ", Align::kRight}},
              .rows = {}};
  for (const scan::DamageRow& row : damage.rows())
    table.rows.push_back({row.file,
                          {row.message, row.lost ? Tint::kYellow : Tint::kDim},
                          number(row.count),
                          number(row.events)});
  std::string out =
      heading("Damaged, unreadable or empty input", style) + render_table(table, style);
  if (damage.more() > 0) out += fmt::format("and {} more\n", number(damage.more()));
  return out;
}

std::string findings_json(const Findings& findings, const scan::Damage& damage) {
  std::string out;
  JsonWriter json(out);
  const auto named = [&](std::string_view list, const auto& entries, auto&& name) {
    json.key(list);
    json.array([&] {
      for (const auto* entry : entries)
        json.object([&] {
          json.member("name", name(entry->first));
          append_tally(json, entry->second);
        });
    });
  };
  json.object([&] {
    append_totals(json, findings, damage);
    json.key("levels");
    json.object([&] {
      for (std::size_t i = findings.levels.size(); i-- > 0;)
        json.member(to_string(static_cast<Level>(i)), findings.levels[i].alerts());
    });
    append_rules(json, findings);
    named("tactics", ordered_tactics(findings),
          [](const std::string& slug) { return slug.empty() ? std::string("none") : slug; });
    json.key("techniques");
    json.object([&] {
      for (const auto& [id, count] : findings.techniques) json.member(id, count);
    });
    named("hosts", ranked_hosts(findings), [](const std::string& host) { return host; });
    append_damage(json, damage);
  });
  out.push_back('\n');
  return out;
}

}  // namespace tocsin::cli
