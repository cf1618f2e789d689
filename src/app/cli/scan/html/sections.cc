// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/html/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "app/cli/page/page.h"

namespace tocsin::cli::scan::html {
namespace {

constexpr std::size_t kRulesShown = 200;
constexpr std::size_t kHostsShown = 200;
constexpr std::size_t kRulesOfTactic = 6;

using page::badge;
using page::escaped;
using page::level_class;
using page::moment;

std::string number(std::uint64_t value) { return page::number(static_cast<std::int64_t>(value)); }

// A bar of the levels' shares.
std::string level_bar(const Tally& tally) {
  std::vector<page::BarPart> parts;
  for (std::size_t i = tally.by_level.size(); i-- > 0;)
    parts.push_back({level_class(static_cast<Level>(i)), static_cast<double>(tally.by_level[i])});
  return page::stacked_bar(parts, static_cast<double>(tally.alerts()));
}

// Below a table that holds `shown` of `all`.
std::string more_text(std::size_t shown, std::size_t all) {
  return all <= shown ? std::string() : fmt::format("<p>and {} more</p>", number(all - shown));
}

}  // namespace

void append_header(std::string& out, const Findings& findings, const ReportInfo& info) {
  std::string paths;
  for (const std::string& path : info.paths) {
    if (!paths.empty()) paths += ", ";
    paths += path;
  }
  out += "<header><h1>Tocsin scan report</h1>\n<p>";
  fmt::format_to(std::back_inserter(out), "<bdi>{}</bdi> &middot; {} rules &middot; {} UTC</p>\n",
                 escaped(paths), number(info.rules), moment(info.now));
  if (findings.events.first != 0)
    fmt::format_to(std::back_inserter(out), "<p>Events from {} to {}; all times are UTC.</p>\n",
                   moment(findings.events.first), moment(findings.events.last));
  out += "</header>\n<main>\n";
}

void append_cards(std::string& out, const Findings& findings, const Damage& damage) {
  out += "<section class=\"cards\">\n";
  page::append_card(out, "events", number(findings.counts.events));
  page::append_card(out, "alerts", number(findings.counts.alerts));
  for (const Level level :
       {Level::kCritical, Level::kHigh, Level::kMedium, Level::kLow, Level::kInformational}) {
    const std::uint64_t count = findings.levels[static_cast<std::size_t>(level)].alerts();
    page::append_card(out, to_string(level), number(count),
                      count > 0 ? level_class(level) : "none");
  }
  page::append_card(out, "rules fired", number(findings.rules.size()));
  page::append_card(out, "hosts", number(findings.hosts.size()));
  if (damage.problems() > 0)
    page::append_card(out, "unreadable parts", number(damage.problems()), "warn");
  out += "</section>\n";
}

void append_tactics(std::string& out, const Findings& findings) {
  if (findings.tactics.empty()) return;
  const auto rules = ranked_rules(findings);
  out += "<section><h2>ATT&amp;CK tactics</h2>\n<div class=\"tactics\">\n";
  for (const auto* entry : ordered_tactics(findings)) {
    fmt::format_to(std::back_inserter(out),
                   "<div class=\"tactic\"><button type=\"button\" data-tactic=\"{}\"><h3>{}</h3>"
                   "<b>{}</b></button>{}<ol>\n",
                   escaped(entry->first), escaped(tactic_title(entry->first)),
                   number(entry->second.alerts()), level_bar(entry->second));
    std::size_t shown = 0, more = 0;
    for (const auto* rule : rules) {
      const auto& tactics = rule->second.tactics;
      const bool here = entry->first.empty() ? tactics.empty()
                                             : std::find(tactics.begin(), tactics.end(),
                                                         entry->first) != tactics.end();
      if (!here) continue;
      if (shown++ < kRulesOfTactic)
        fmt::format_to(std::back_inserter(out), "<li class=\"{}\"><bdi>{}</bdi> <i>{}</i></li>\n",
                       level_class(rule->second.level), escaped(rule->second.title),
                       number(rule->second.tally.alerts()));
      else
        ++more;
    }
    out += "</ol>";
    if (more > 0) fmt::format_to(std::back_inserter(out), "<p>and {} more</p>", more);
    out += "</div>\n";
  }
  out += "</div></section>\n";
}

void append_rules_and_hosts(std::string& out, const Findings& findings) {
  out +=
      "<section class=\"two\">\n<div><h2>Rules</h2><div class=\"scroll\"><table>\n"
      "<thead><tr><th>Level</th><th>Rule</th><th class=\"n\">Alerts</th><th class=\"n\">Hosts</th>"
      "<th>First, last</th></tr></thead><tbody>\n";
  std::size_t shown = 0;
  for (const auto* entry : ranked_rules(findings)) {
    if (++shown > kRulesShown) break;
    const RuleTally& rule = entry->second;
    fmt::format_to(
        std::back_inserter(out),
        "<tr><td>{}</td><td><button type=\"button\" class=\"link\" data-rule=\"{}\"><bdi>{}</bdi>"
        "</button></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"t\">{}"
        "<br>{}</td></tr>\n",
        badge(rule.level), escaped(entry->first), escaped(rule.title), number(rule.tally.alerts()),
        number(rule.hosts.size()), moment(rule.tally.seen.first), moment(rule.tally.seen.last));
  }
  out += "</tbody></table>" + more_text(kRulesShown, findings.rules.size());
  out +=
      "</div></div>\n<div><h2>Hosts</h2><div class=\"scroll\"><table>\n"
      "<thead><tr><th>Host</th><th></th><th class=\"n\">Alerts</th><th>First, last</th></tr>"
      "</thead><tbody>\n";
  shown = 0;
  for (const auto* entry : ranked_hosts(findings)) {
    if (++shown > kHostsShown) break;
    fmt::format_to(std::back_inserter(out),
                   "<tr><td><button type=\"button\" class=\"link\" "
                   "data-host=\"{}\"><bdi>{}</bdi></button></td>"
                   "<td>{}</td><td class=\"n\">{}</td><td class=\"t\">{}<br>{}</td></tr>\n",
                   escaped(entry->first), entry->first.empty() ? "(none)" : escaped(entry->first),
                   level_bar(entry->second), number(entry->second.alerts()),
                   moment(entry->second.seen.first), moment(entry->second.seen.last));
  }
  out += "</tbody></table>" + more_text(kHostsShown, findings.hosts.size());
  out += "</div></div>\n</section>\n";
}

void append_alerts_frame(std::string& out, std::size_t shown, std::uint64_t total) {
  out += "<section id=\"alerts\"><h2>Alerts</h2>\n";
  if (shown < total)
    fmt::format_to(std::back_inserter(out),
                   "<p class=\"notice\">This table holds {} of {} alerts, the most severe first "
                   "chosen; --timeline writes all of them, --html-rows raises the limit.</p>\n",
                   number(shown), number(total));
  out +=
      "<noscript><p class=\"notice\">The table of alerts needs the script inside this file; the "
      "rest "
      "of the page does not.</p></noscript>\n"
      "<div id=\"controls\"></div><div class=\"scroll\"><table id=\"table\"></table></div>"
      "<div id=\"pager\"></div></section>\n";
}

void append_damage(std::string& out, const Damage& damage) {
  if (!damage.rows().empty()) {
    out +=
        "<section><h2>Damaged, unreadable or empty input</h2>\n<div class=\"scroll\"><table>\n"
        "<thead><tr><th>File</th><th>What is wrong</th><th class=\"n\">Times</th><th class=\"n\">"
        "Events read</th></tr></thead><tbody>\n";
    for (const DamageRow& row : damage.rows())
      fmt::format_to(std::back_inserter(out),
                     "<tr><td><bdi>{}</bdi></td><td>{}</td><td class=\"n\">{}</td>"
                     "<td class=\"n\">{}</td></tr>\n",
                     escaped(row.file), escaped(row.message), number(row.count),
                     number(row.events));
    out += "</tbody></table></div>\n";
    if (damage.more() > 0)
      fmt::format_to(std::back_inserter(out), "<p>and {} more</p>\n", number(damage.more()));
    out += "</section>\n";
  }
  out += "</main>\n";
}

}  // namespace tocsin::cli::scan::html
