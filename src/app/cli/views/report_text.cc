// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/sigma/attack.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kMatrixHeading = 5;  // letters of a tactic over its column

Tint level_tint(std::string_view level) {
  if (level == "critical" || level == "high") return Tint::kRed;
  if (level == "medium") return Tint::kYellow;
  return level == "low" ? Tint::kBlue : Tint::kDim;
}

std::string heading(std::string_view text, const Style& style) {
  return "\n" + tinted(text, Tint::kBold, style) + "\n\n";
}

double share(std::int64_t part) { return static_cast<double>(part); }

// "5 minutes"; the widths of rows are whole in their largest unit.
std::string span_text(std::int64_t nanoseconds) {
  std::int64_t count = nanoseconds / 1'000'000'000;
  std::string_view unit = "second";
  for (const auto& [size, name] :
       {std::pair(60, "minute"), std::pair(60, "hour"), std::pair(24, "day")}) {
    if (count % size != 0) break;
    count /= size;
    unit = name;
  }
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

std::string ratio_text(double ratio) { return ratio < 0 ? "-" : fmt::format("{:.2f}", ratio); }

std::string tactic_name(const std::string& slug) {
  if (slug == "benign" || slug == "none") return slug;
  const sigma::Tactic* tactic = sigma::Attack::built_in().tactic(slug);
  return tactic == nullptr ? slug : tactic->name;
}

std::string totals(const store::Summary& s, const Style& style) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    out += fitted(name, 12, Align::kLeft, style) + value + "\n";
  };
  line("events", fmt::format("{} classified, {} with a match ({})", grouped(s.verdicts),
                             grouped(s.detected), percent(share(s.detected), share(s.verdicts))));
  line("alerts", grouped(s.alerts));
  if (s.first_event != 0)
    line("happened", fmt::format("{} to {}", format_rfc3339(s.first_event, 0),
                                 format_rfc3339(s.last_event, 0)));
  const UnixNanos busy = s.last_classified - s.first_classified;
  if (s.verdicts > 0)
    line("classified",
         fmt::format("{} to {}{}", format_rfc3339(s.first_classified, 0),
                     format_rfc3339(s.last_classified, 0),
                     busy > 0 ? fmt::format(" ({})", duration_text(busy)) : std::string()));
  const store::Latency& l = s.latency;
  const auto us = [](std::int64_t value) { return duration_text(value * 1'000); };
  line("latency", fmt::format("p50 {}   p90 {}   p95 {}   p99 {}   max {}", us(l.p50), us(l.p90),
                              us(l.p95), us(l.p99), us(l.max)));
  return out;
}

std::string classes(const store::Summary& s, const Style& style) {
  std::vector<Bar> bars;
  // Undetected events are so many that the bars of the tactics would vanish beside them.
  std::int64_t none = 0;
  for (const store::Count& c : s.classes) {
    if (c.name == "None") {
      none = c.count;
      continue;
    }
    bars.push_back(
        {c.name, share(c.count),
         fmt::format("{}  {:>6}", grouped(c.count), percent(share(c.count), share(s.detected)))});
  }
  if (bars.empty()) return {};
  return heading("Detections by ATT&CK tactic", style) + render_bars(bars, style) +
         tinted(fmt::format("and {} events without a match\n", grouped(none)), Tint::kDim, style);
}

std::string levels(const store::Summary& s, const Style& style) {
  std::vector<Bar> bars;
  for (const store::Count& c : s.levels)
    bars.push_back({c.name, share(c.count), grouped(c.count), level_tint(c.name)});
  return bars.empty() ? "" : heading("Alerts by level", style) + render_bars(bars, style);
}

// As many rows as fit on a screen: neighbours are added up.
constexpr std::size_t kTimeRowsMax = 24;

std::string largest_classes(const store::ClassCounts& classes) {
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [name, count] : classes) order.emplace_back(-count, name);
  std::sort(order.begin(), order.end());
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(order.size(), 2); ++i)
    out += fmt::format("{}{} {}", i == 0 ? "" : ", ", order[i].second, grouped(-order[i].first));
  if (order.size() > 2) out += ", ...";
  return out;
}

std::string over_time(const store::Trends& trends, const Style& style) {
  if (trends.buckets.size() < 2) return {};
  const UnixNanos first = trends.buckets.front().from;
  const std::int64_t all = (trends.buckets.back().from - first) / trends.width + 1;
  const auto rows_max = static_cast<std::int64_t>(kTimeRowsMax);
  const std::int64_t step = trends.width * ((all + rows_max - 1) / rows_max);
  std::vector<store::TimeBucket> rows;
  for (const store::TimeBucket& bucket : trends.buckets) {
    const UnixNanos from = first + (bucket.from - first) / step * step;
    if (rows.empty() || rows.back().from != from)
      rows.push_back({.from = from, .events = 0, .classes = {}});
    rows.back().events += bucket.events;
    for (const auto& [name, count] : bucket.classes) rows.back().classes[name] += count;
  }
  std::int64_t highest = 0;
  const auto detected = [](const store::TimeBucket& row) {
    std::int64_t sum = 0;
    for (const auto& entry : row.classes) sum += entry.second;
    return sum;
  };
  for (const store::TimeBucket& row : rows) highest = std::max(highest, detected(row));
  if (highest == 0) return {};
  Table table{.columns = {{"from"},
                          {"events", Align::kRight},
                          {"detected", Align::kRight},
                          {""},
                          {"most of all", Align::kLeft, true}},
              .rows = {}};
  for (const store::TimeBucket& row : rows) {
    std::string from = format_rfc3339(row.from, 0);
    from[10] = ' ';
    from.pop_back();
    table.rows.push_back({from,
                          grouped(row.events),
                          grouped(detected(row)),
                          {bar_text(share(detected(row)), share(highest), 20, style), Tint::kCyan},
                          largest_classes(row.classes)});
  }
  const std::string outside =
      trends.outside == 0 ? std::string()
                          : fmt::format("and {} events of other times, {} with a match\n",
                                        grouped(trends.outside), grouped(trends.outside_detected));
  return heading(fmt::format("Detections over time, {} a row", span_text(step)), style) +
         render_table(table, style) + tinted(outside, Tint::kDim, style);
}

std::string top_techniques(const rules::Tally& alerts, std::size_t top, const Style& style) {
  if (alerts.techniques.empty()) return {};
  std::vector<const std::pair<const std::string, rules::Count>*> order;
  for (const auto& entry : alerts.techniques) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.total() > b->second.total();
  });
  Table table{.columns = {{"alerts", Align::kRight},
                          {"highest"},
                          {"technique"},
                          {"name", Align::kLeft, true}},
              .rows = {}};
  for (std::size_t i = 0; i < std::min(order.size(), top); ++i) {
    const std::string_view level = to_string(order[i]->second.highest);
    table.rows.push_back({grouped(static_cast<std::int64_t>(order[i]->second.total())),
                          {std::string(level), level_tint(level)},
                          order[i]->first,
                          std::string(sigma::Attack::built_in().technique_name(order[i]->first))});
  }
  const std::string more =
      order.size() <= top ? "" : fmt::format("and {} more techniques\n", order.size() - top);
  return heading("Top techniques", style) + render_table(table, style) +
         tinted(more, Tint::kDim, style);
}

std::string top_rules(const store::Summary& s, const Style& style) {
  if (s.rules.empty()) return {};
  Table table{.columns = {{"alerts", Align::kRight},
                          {"hosts", Align::kRight},
                          {"level"},
                          {"rule", Align::kLeft, true},
                          {"id", Align::kLeft, true}},
              .rows = {}};
  for (const store::RuleCount& rule : s.rules)
    table.rows.push_back({grouped(rule.count),
                          grouped(rule.hosts),
                          {rule.level, level_tint(rule.level)},
                          rule.name,
                          {rule.id, Tint::kDim}});
  return heading("Top rules", style) + render_table(table, style);
}

std::string top_hosts(const Statistics& statistics, const Style& style) {
  const std::vector<store::HostCount>& hosts = statistics.summary.hosts;
  if (hosts.empty()) return {};
  Table table{.columns = {{"host", Align::kLeft, true},
                          {"detected", Align::kRight},
                          {"events", Align::kRight},
                          {"share", Align::kRight},
                          {"most of all", Align::kLeft, true}},
              .rows = {}};
  for (const store::HostCount& host : hosts) {
    const auto found = statistics.trends.hosts.find(host.name);
    table.rows.push_back(
        {host.name.empty() ? "(none)" : host.name, grouped(host.detected), grouped(host.events),
         percent(share(host.detected), share(host.events)),
         found == statistics.trends.hosts.end() ? std::string() : largest_classes(found->second)});
  }
  return heading("Top hosts", style) + render_table(table, style);
}

struct KillChainOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return kill_chain_less(a, b);
  }
};

std::string confusion(const store::Scoring& scoring, const Style& style) {
  std::set<std::string, KillChainOrder> truths;
  std::set<std::string, KillChainOrder> predicted;
  for (const auto& [truth, row] : scoring.confusion) {
    truths.insert(truth);
    for (const auto& [name, count] : row) predicted.insert(name);
  }
  Table table{.columns = {{"truth \\ class"}}, .rows = {}};
  for (const std::string& name : predicted)
    table.columns.push_back({name.substr(0, kMatrixHeading), Align::kRight});
  for (const std::string& truth : truths) {
    const auto& row = scoring.confusion.at(truth);
    std::vector<Cell> cells = {truth};
    for (const std::string& name : predicted) {
      const auto at = row.find(name);
      const bool right = name == truth || (truth == "benign" && name == "none");
      if (at == row.end())
        cells.emplace_back(".", Tint::kDim);
      else
        cells.emplace_back(grouped(at->second), right ? Tint::kGreen : Tint::kRed);
    }
    table.rows.push_back(std::move(cells));
  }
  return heading("Confusion matrix: events by their truth (rows) and by their class (columns)",
                 style) +
         render_table(table, style);
}

std::string tactic_table(const store::Scoring& scoring, const Style& style) {
  Table table{.columns = {{"tactic"},
                          {"events", Align::kRight},
                          {"detected", Align::kRight},
                          {"precision", Align::kRight},
                          {"recall", Align::kRight},
                          {"F1", Align::kRight},
                          {"any: precision", Align::kRight},
                          {"recall", Align::kRight},
                          {"F1", Align::kRight}},
              .rows = {}};
  const std::map<std::string, store::TacticScore, KillChainOrder> sorted(scoring.tactics.begin(),
                                                                         scoring.tactics.end());
  for (const auto& [slug, score] : sorted)
    table.rows.push_back({tactic_name(slug), grouped(score.events), grouped(score.detected),
                          ratio_text(score.strict.precision()), ratio_text(score.strict.recall()),
                          ratio_text(score.strict.f1()), ratio_text(score.any_of.precision()),
                          ratio_text(score.any_of.recall()), ratio_text(score.any_of.f1())});
  return heading("Per tactic: by the class alone, and by any tactic of the verdict", style) +
         render_table(table, style);
}

std::string scenario_table(const store::Scoring& scoring, const Style& style) {
  if (scoring.scenarios.empty()) return {};
  Table table{.columns = {{"scenario", Align::kLeft, true},
                          {"events", Align::kRight},
                          {"detected", Align::kRight},
                          {"right tactic", Align::kRight},
                          {""}},
              .rows = {}};
  for (const store::ScenarioScore& s : scoring.scenarios)
    table.rows.push_back(
        {s.name.empty() ? "(unnamed)" : s.name, grouped(s.events), grouped(s.detected),
         grouped(s.attributed),
         s.detected > 0 ? Cell("seen", Tint::kGreen) : Cell("missed", Tint::kRed)});
  return heading("Attack scenarios", style) + render_table(table, style);
}

}  // namespace

bool kill_chain_less(const std::string& a, const std::string& b) {
  const auto rank = [](const std::string& slug) {
    if (slug == "none") return 1'002;
    if (slug == "benign") return 1'001;
    const int order = sigma::Attack::built_in().order(slug);
    return order < 0 ? 1'000 : order;
  };
  return std::pair(rank(a), a) < std::pair(rank(b), b);
}

std::string render_scoring(const store::Scoring& scoring, const Style& style) {
  if (scoring.empty()) return {};
  std::string out = heading("Against the truth that the simulator sent along", style);
  out += fmt::format("detection rate       {:>6}  {} of {} attack events\n",
                     percent(share(scoring.malicious_detected), share(scoring.malicious)),
                     grouped(scoring.malicious_detected), grouped(scoring.malicious));
  out += fmt::format("false positive rate  {:>6}  {} of {} benign events\n",
                     percent(share(scoring.benign_detected), share(scoring.benign)),
                     grouped(scoring.benign_detected), grouped(scoring.benign));
  const auto seen = std::count_if(scoring.scenarios.begin(), scoring.scenarios.end(),
                                  [](const auto& scenario) { return scenario.detected > 0; });
  if (!scoring.scenarios.empty())
    out += fmt::format("scenarios seen       {:>6}  {} of {}\n",
                       percent(share(seen), static_cast<double>(scoring.scenarios.size())), seen,
                       scoring.scenarios.size());
  return out + tactic_table(scoring, style) + confusion(scoring, style) +
         scenario_table(scoring, style);
}

std::string render_report(const Statistics& statistics, const Style& style) {
  const store::Summary& summary = statistics.summary;
  return totals(summary, style) + classes(summary, style) + over_time(statistics.trends, style) +
         levels(summary, style) + top_rules(summary, style) +
         top_techniques(statistics.alerts, std::max<std::size_t>(summary.rules.size(), 1), style) +
         top_hosts(statistics, style) + render_scoring(summary.scoring, style);
}

}  // namespace tocsin::cli
