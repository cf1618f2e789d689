// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <vector>

#include "app/cli/page/page.h"
#include "app/cli/report/report_page.h"
#include "app/cli/tables.h"
#include "app/cli/views/report_text.h"

namespace tocsin::cli {
namespace {

using page::escaped;
using page::number;

struct KillChainLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return kill_chain_less(a, b);
  }
};
using Slugs = std::set<std::string, KillChainLess>;

double real(std::int64_t value) { return static_cast<double>(value); }

std::string ratio(double value) { return value < 0 ? "&ndash;" : fmt::format("{:.2f}", value); }

// How strong a cell's colour is: its share of the row, in steps of a CSS class: "h1" to "h5".
std::string shade(std::int64_t part, std::int64_t whole) {
  const double fraction = whole > 0 ? real(part) / real(whole) : 0;
  return fmt::format("h{}", 1 + static_cast<int>(std::min(0.999, fraction) * 5));
}

std::string_view verdict_on(const std::string& truth, const std::string& said) {
  if (said == truth || (truth == "benign" && said == "none")) return "right";
  return said == "none" ? "missed" : "wrong";
}

void append_matrix_row(std::string& out, const std::string& truth, const store::ClassCounts& row,
                       const Slugs& columns) {
  std::int64_t whole = 0;
  for (const auto& entry : row) whole += entry.second;
  fmt::format_to(std::back_inserter(out), "<tr><th scope=\"row\">{}</th>", tactic_html(truth));
  for (const std::string& name : columns) {
    const auto found = row.find(name);
    if (found == row.end()) {
      out += "<td></td>";
      continue;
    }
    fmt::format_to(std::back_inserter(out), "<td class=\"n {} {}\">{}</td>",
                   verdict_on(truth, name), shade(found->second, whole), number(found->second));
  }
  fmt::format_to(std::back_inserter(out), "<td class=\"n dim\">{}</td></tr>\n", number(whole));
}

void append_matrix(std::string& out, const store::Scoring& scoring) {
  Slugs truths, columns;
  for (const auto& [truth, row] : scoring.confusion) {
    truths.insert(truth);
    for (const auto& entry : row) columns.insert(entry.first);
  }
  out +=
      "<section><h2>Confusion matrix</h2>\n<p class=\"hint\">Rows: what an event was; columns: "
      "the class it got. <span class=\"right h4\">right</span> <span class=\"wrong h4\">another "
      "class</span> <span class=\"missed h4\">not seen</span>; stronger: a larger part of the "
      "row.</p>\n<div class=\"scroll\"><table class=\"matrix\">\n<thead><tr><th></th>";
  for (const std::string& name : columns)
    fmt::format_to(std::back_inserter(out), "<th scope=\"col\"><span>{}</span></th>",
                   tactic_html(name));
  out += "<th scope=\"col\"><span>all</span></th></tr></thead><tbody>\n";
  for (const std::string& truth : truths)
    append_matrix_row(out, truth, scoring.confusion.at(truth), columns);
  out += "</tbody></table></div></section>\n";
}

void append_scores(std::string& out, const store::Scoring& scoring) {
  out +=
      "<div><h2>Precision and recall</h2>\n<p class=\"hint\">By the class alone; in brackets by "
      "any tactic of the verdict.</p><div class=\"scroll\"><table "
      "class=\"wide\">\n<thead><tr><th>Tactic</th>"
      "<th></th><th class=\"n\">Events</th><th class=\"n\">Precision</th>"
      "<th class=\"n\">Recall</th><th class=\"n\">F1</th></tr></thead><tbody>\n";
  Slugs order;
  for (const auto& entry : scoring.tactics) order.insert(entry.first);
  for (const std::string& slug : order) {
    const store::TacticScore& score = scoring.tactics.at(slug);
    const std::string css = tactic_css(slug);
    const std::array<page::BarPart, 2> bar{
        {{css, real(score.detected)}, {"rest", real(score.events - score.detected)}}};
    fmt::format_to(std::back_inserter(out), "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td>",
                   tactic_html(slug), page::stacked_bar(bar, real(score.events)),
                   number(score.events));
    const store::Quality &strict = score.strict, &any = score.any_of;
    for (const auto& [own, wide] :
         {std::pair(strict.precision(), any.precision()), std::pair(strict.recall(), any.recall()),
          std::pair(strict.f1(), any.f1())})
      fmt::format_to(std::back_inserter(out), "<td class=\"n\">{} <i>({})</i></td>", ratio(own),
                     ratio(wide));
    out += "</tr>\n";
  }
  out +=
      "</tbody></table></div><p class=\"hint\">The bar: the part of the tactic's events that any "
      "rule matched.</p></div>\n";
}

void append_scenarios(std::string& out, const store::Scoring& scoring) {
  out +=
      "<div><h2>Attack scenarios</h2>\n<div class=\"scroll\"><table "
      "class=\"wide\">\n<thead><tr><th>Scenario</th>"
      "<th></th><th class=\"n\">Events</th><th class=\"n\">Detected</th>"
      "<th class=\"n\">Right tactic</th></tr></thead><tbody>\n";
  for (const store::ScenarioScore& s : scoring.scenarios) {
    const std::array<page::BarPart, 3> bar{{{"right", real(s.attributed)},
                                            {"partly", real(s.detected - s.attributed)},
                                            {"rest", real(s.events - s.detected)}}};
    fmt::format_to(std::back_inserter(out),
                   "<tr{}><td><bdi>{}</bdi></td><td>{}</td><td class=\"n\">{}</td>"
                   "<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                   s.detected == 0 ? " class=\"unseen\"" : "",
                   s.name.empty() ? "(unnamed)" : escaped(s.name),
                   page::stacked_bar(bar, real(s.events)), number(s.events), number(s.detected),
                   number(s.attributed));
  }
  out += "</tbody></table></div></div>\n";
}

}  // namespace

void append_truth(std::string& out, const store::Scoring& scoring) {
  if (scoring.empty()) return;
  fmt::format_to(std::back_inserter(out),
                 "<section class=\"lead\"><h2>Against the truth that the simulation sent along</h2>"
                 "\n<p>{} of {} attack events were detected, {} of {} benign ones.</p></section>\n",
                 number(scoring.malicious_detected), number(scoring.malicious),
                 number(scoring.benign_detected), number(scoring.benign));
  append_matrix(out, scoring);
  out += "<section class=\"two\">\n";
  append_scores(out, scoring);
  append_scenarios(out, scoring);
  out += "</section>\n";
}

}  // namespace tocsin::cli
