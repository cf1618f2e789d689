// SPDX-License-Identifier: Apache-2.0
#include "app/cli/report/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "app/cli/page/page.h"
#include "app/cli/tables.h"
#include "core/sigma/attack.h"

namespace tocsin::cli {
namespace {

using page::escaped;
using page::number;

constexpr const char* kStyle = "src/app/cli/report/report.css";
constexpr std::size_t kTechniquesShown = 30;

double real(std::int64_t value) { return static_cast<double>(value); }

void append_header(std::string& out, const Statistics& s, const ReportPageInfo& info) {
  fmt::format_to(std::back_inserter(out),
                 "<header><h1>Tocsin report</h1>\n<p><bdi>{}</bdi> &middot; {} UTC</p>\n",
                 escaped(info.db), page::moment(info.now));
  if (s.summary.first_event != 0)
    fmt::format_to(std::back_inserter(out), "<p>Events from {} to {}; all times are UTC.</p>\n",
                   page::moment(s.summary.first_event), page::moment(s.summary.last_event));
  out += "</header>\n<main>\n";
}

void append_cards(std::string& out, const store::Summary& s) {
  out += "<section class=\"cards\">\n";
  page::append_card(out, "events", number(s.verdicts));
  page::append_card(out, "with a match", number(s.detected));
  page::append_card(out, "of all events", percent(real(s.detected), real(s.verdicts)));
  page::append_card(out, "alerts", number(s.alerts));
  for (const store::Count& level : s.levels)
    if (const auto known = parse_level(level.name); known && *known >= Level::kHigh)
      page::append_card(out, level.name, number(level.count), page::level_class(*known));
  page::append_card(out, "median, topic to verdict", duration_html(s.latency.p50 * 1'000));
  if (!s.scoring.empty()) {
    page::append_card(out, "attack events detected",
                      percent(real(s.scoring.malicious_detected), real(s.scoring.malicious)));
    page::append_card(out, "benign events detected",
                      percent(real(s.scoring.benign_detected), real(s.scoring.benign)));
  }
  out += "</section>\n";
}

void append_classes(std::string& out, const store::Summary& s) {
  std::vector<const store::Count*> classes;
  std::int64_t none = 0, highest = 0;
  for (const store::Count& c : s.classes) {
    if (c.name == "None") {
      none = c.count;
      continue;
    }
    classes.push_back(&c);
    highest = std::max(highest, c.count);
  }
  out += "<div><h2>Detections by ATT&amp;CK tactic</h2>\n";
  if (classes.empty()) out += "<p class=\"hint\">No event matched a rule.</p>";
  out += "<table class=\"bars\">\n";
  for (const store::Count* c : classes) {
    const std::string css = tactic_css(c->name);
    const std::array<page::BarPart, 1> bar{{{css, real(c->count)}}};
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n dim\">{}</td>"
                   "</tr>\n",
                   escaped(c->name), page::stacked_bar(bar, real(highest)), number(c->count),
                   percent(real(c->count), real(s.detected)));
  }
  fmt::format_to(std::back_inserter(out),
                 "</table><p class=\"hint\">and {} events without a match</p>\n", number(none));
}

void append_levels(std::string& out, const store::Summary& s) {
  std::int64_t highest = 0;
  for (const store::Count& c : s.levels) highest = std::max(highest, c.count);
  out += "<h2 class=\"next\">Alerts by level</h2>\n<table class=\"bars\">\n";
  for (const store::Count& c : s.levels) {
    const auto level = parse_level(c.name);
    const std::array<page::BarPart, 1> bar{
        {{level ? page::level_class(*level) : std::string_view("info"), real(c.count)}}};
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n dim\">{}</td>"
                   "</tr>\n",
                   level ? page::badge(*level) : escaped(c.name),
                   page::stacked_bar(bar, real(highest)), number(c.count),
                   percent(real(c.count), real(s.alerts)));
  }
  out += "</table>\n";
}

void append_rules(std::string& out, const store::Summary& s) {
  out +=
      "<div><h2>Top rules</h2><div class=\"scroll\"><table "
      "class=\"wide\">\n<thead><tr><th>Level</th>"
      "<th>Rule</th><th class=\"n\">Alerts</th><th class=\"n\">Hosts</th></tr></thead><tbody>\n";
  for (const store::RuleCount& rule : s.rules) {
    const auto level = parse_level(rule.level);
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td><bdi>{}</bdi><br><code>{}</code></td>"
                   "<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                   level ? page::badge(*level) : escaped(rule.level), escaped(rule.name),
                   escaped(rule.id), number(rule.count), number(rule.hosts));
  }
  out += "</tbody></table></div></div>\n";
}

// The bar is as long as the host's detections are many, its parts are their tactics.
std::string host_bar(const Statistics& s, const std::string& host, std::int64_t most) {
  const auto found = s.trends.hosts.find(host);
  if (found == s.trends.hosts.end()) return {};
  std::vector<std::pair<std::size_t, const std::pair<const std::string, std::int64_t>*>> order;
  for (const auto& entry : found->second)
    order.emplace_back(kill_chain_position(entry.first), &entry);
  std::sort(order.begin(), order.end());
  std::vector<std::string> names;
  std::vector<page::BarPart> parts;
  names.reserve(order.size());
  for (const auto& [position, entry] : order) {
    names.push_back(tactic_css(entry->first));
    parts.push_back({names.back(), real(entry->second)});
  }
  return page::stacked_bar(parts, real(most));
}

void append_hosts(std::string& out, const Statistics& s) {
  std::int64_t most = 1;
  for (const store::HostCount& host : s.summary.hosts) most = std::max(most, host.detected);
  out +=
      "<div><h2>Top hosts</h2><div class=\"scroll\"><table "
      "class=\"wide\">\n<thead><tr><th>Host</th>"
      "<th>Tactics</th><th class=\"n\">Detected</th><th class=\"n\">Events</th></tr></thead>"
      "<tbody>\n";
  for (const store::HostCount& host : s.summary.hosts)
    fmt::format_to(std::back_inserter(out),
                   "<tr><td><bdi>{}</bdi></td><td>{}</td><td class=\"n\">{}</td>"
                   "<td class=\"n dim\">{}</td></tr>\n",
                   host.name.empty() ? "(none)" : escaped(host.name), host_bar(s, host.name, most),
                   number(host.detected), number(host.events));
  out += "</tbody></table></div></div>\n";
}

void append_techniques(std::string& out, const rules::Tally& alerts) {
  if (alerts.techniques.empty()) return;
  std::vector<const std::pair<const std::string, rules::Count>*> order;
  for (const auto& entry : alerts.techniques) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.total() > b->second.total();
  });
  const auto most = static_cast<double>(order.front()->second.total());
  out +=
      "<section><h2>Techniques</h2>\n<p class=\"hint\">Alerts that name a technique, by level; an "
      "alert may name several.</p>\n<div class=\"columns\"><table class=\"bars\">\n";
  const std::size_t shown = std::min(order.size(), kTechniquesShown);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i == (shown + 1) / 2) out += "</table><table class=\"bars\">\n";
    const auto& [id, count] = *order[i];
    std::vector<page::BarPart> parts;
    for (std::size_t level = count.levels.size(); level-- > 0;)
      parts.push_back(
          {page::level_class(static_cast<Level>(level)), static_cast<double>(count.levels[level])});
    fmt::format_to(std::back_inserter(out),
                   "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>"
                   "\n",
                   escaped(id), escaped(sigma::Attack::built_in().technique_name(id)),
                   page::stacked_bar(parts, most),
                   number(static_cast<std::int64_t>(count.total())));
  }
  out += "</table></div>\n";
  if (shown < order.size())
    fmt::format_to(std::back_inserter(out), "<p class=\"hint\">and {} more techniques</p>\n",
                   order.size() - shown);
  out += "</section>\n";
}

}  // namespace

std::string tactic_css(std::string_view event_class) {
  const std::size_t position = kill_chain_position(event_class);
  return position < kill_chain_length() ? fmt::format("t{}", position) : "tx";
}

std::string tactic_html(std::string_view slug) {
  const sigma::Tactic* tactic = sigma::Attack::built_in().tactic(slug);
  return escaped(tactic == nullptr ? slug : std::string_view(tactic->name));
}

std::string duration_html(std::int64_t nanoseconds) { return escaped(duration_text(nanoseconds)); }

std::string report_page(const Statistics& s, const ReportPageInfo& info) {
  std::string out = page::head("Tocsin report", page::style_with(page::asset(kStyle)));
  append_header(out, s, info);
  append_cards(out, s.summary);
  append_over_time(out, s.trends);
  out += "<section class=\"two\">\n";
  append_classes(out, s.summary);
  append_levels(out, s.summary);
  out += "</div>\n";
  append_latency(out, s);
  out += "</section>\n<section class=\"two\">\n";
  append_rules(out, s.summary);
  append_hosts(out, s);
  out += "</section>\n";
  append_techniques(out, s.alerts);
  append_truth(out, s.summary.scoring);
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace tocsin::cli
