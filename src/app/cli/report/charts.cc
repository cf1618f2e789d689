// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "app/cli/page/page.h"
#include "app/cli/report/report_page.h"
#include "app/cli/tables.h"

namespace tocsin::cli {
namespace {

using page::escaped;
using page::number;

constexpr double kHeight = 100;  // of a chart, in units of its viewBox

struct KillChainOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::pair(kill_chain_position(a), a) < std::pair(kill_chain_position(b), b);
  }
};
using Ordered = std::map<std::string, std::int64_t, KillChainOrder>;

std::int64_t sum(const store::ClassCounts& classes) {
  std::int64_t total = 0;
  for (const auto& entry : classes) total += entry.second;
  return total;
}

// The next number above that is even in its first digit, so that its half reads well.
std::int64_t axis_top(std::int64_t highest) {
  std::int64_t power = 1;
  while (power <= highest / 10) power *= 10;
  for (const std::int64_t digit : {2, 4, 6, 8, 10})
    if (digit * power >= highest) return digit * power;
  return highest;
}

// Its text is outside of the picture, which is stretched to any width.
void open_chart(std::string& out, std::int64_t top, std::size_t bars, std::string_view css_class,
                std::string_view label) {
  const std::string half = top % 2 == 0 ? number(top / 2) : std::string();
  fmt::format_to(std::back_inserter(out),
                 "<div class=\"plot {}\"><div class=\"axis\"><span>{}</span><span>{}</span>"
                 "<span>0</span></div>\n"
                 "<svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" "
                 "aria-label=\"{}\">\n",
                 css_class, number(top), half, bars, kHeight, label);
  for (const int percent : {0, 50, 100})
    fmt::format_to(std::back_inserter(out), "<line x1=\"0\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\"/>\n",
                   percent, bars);
}

// Stacked in the order of the kill chain, its beginning at the bottom.
void append_stack(std::string& out, const store::TimeBucket& bucket, std::size_t at,
                  std::int64_t top, std::string_view period) {
  const Ordered classes(bucket.classes.begin(), bucket.classes.end());
  fmt::format_to(std::back_inserter(out), "<g><title>{}\n{} events", period, number(bucket.events));
  for (const auto& [name, count] : classes)
    fmt::format_to(std::back_inserter(out), "\n{}: {}", escaped(name), number(count));
  out += "</title>";
  double y = kHeight;
  for (const auto& [name, count] : classes) {
    const double height = kHeight * static_cast<double>(count) / static_cast<double>(top);
    y -= height;
    fmt::format_to(std::back_inserter(out),
                   "<rect class=\"{}\" x=\"{}.06\" y=\"{:.2f}\" width=\"0.88\" height=\"{:.2f}\"/>",
                   tactic_css(name), at, y, height);
  }
  out += "</g>\n";
}

void append_legend(std::string& out, const store::Trends& trends) {
  std::set<std::string, KillChainOrder> names;
  for (const store::TimeBucket& bucket : trends.buckets)
    for (const auto& entry : bucket.classes) names.insert(entry.first);
  out += "<ul class=\"legend\">";
  for (const std::string& name : names)
    fmt::format_to(std::back_inserter(out),
                   "<li><svg viewBox=\"0 0 1 1\"><rect class=\"{}\" width=\"1\" height=\"1\"/>"
                   "</svg>{}</li>\n",
                   tactic_css(name), escaped(name));
  out += "</ul>\n";
}

void append_ticks(std::string& out, UnixNanos first, UnixNanos width, std::size_t bars) {
  const auto length = static_cast<std::int64_t>(bars) * width;
  out += "<div class=\"ticks\">";
  for (const std::int64_t part : {0, 1, 2})
    fmt::format_to(std::back_inserter(out), "<span>{}</span>",
                   page::moment(first + length / 2 * part));
  out += "</div>\n";
}

void append_step(std::string& out, std::string_view step, std::string_view service,
                 const std::vector<std::int64_t>& times, std::string_view part, bool slowest) {
  fmt::format_to(std::back_inserter(out), "<tr{}><td>{}{}</td>",
                 slowest ? " class=\"slowest\"" : "", escaped(step),
                 service.empty() ? std::string() : "<br><i>" + escaped(service) + "</i>");
  for (const std::int64_t time : times)
    fmt::format_to(std::back_inserter(out), "<td class=\"n\">{}</td>", duration_html(time));
  fmt::format_to(std::back_inserter(out), "<td class=\"n\">{}</td></tr>\n", part);
}

}  // namespace

void append_over_time(std::string& out, const store::Trends& trends) {
  if (trends.buckets.empty()) return;
  const UnixNanos first = trends.buckets.front().from;
  const auto bars =
      static_cast<std::size_t>((trends.buckets.back().from - first) / trends.width + 1);
  std::int64_t detected = 1, events = 1;
  for (const store::TimeBucket& bucket : trends.buckets) {
    detected = std::max(detected, sum(bucket.classes));
    events = std::max(events, bucket.events);
  }
  const std::int64_t top = axis_top(detected), events_top = axis_top(events);
  const auto place = [&](const store::TimeBucket& bucket) {
    return static_cast<std::size_t>((bucket.from - first) / trends.width);
  };
  out += "<section><h2>Detections over time</h2>\n";
  open_chart(out, top, bars, "high-plot", "events with a match over time, by tactic");
  for (const store::TimeBucket& bucket : trends.buckets)
    append_stack(out, bucket, place(bucket), top,
                 page::moment(bucket.from) + " to " + page::moment(bucket.from + trends.width));
  out += "</svg></div>\n";
  append_legend(out, trends);
  out += "<h3>All events, with and without a match</h3>\n";
  open_chart(out, events_top, bars, "low-plot", "all events over time");
  for (const store::TimeBucket& bucket : trends.buckets) {
    const double height =
        kHeight * static_cast<double>(bucket.events) / static_cast<double>(events_top);
    fmt::format_to(std::back_inserter(out),
                   "<rect class=\"all\" x=\"{}.06\" y=\"{:.2f}\" width=\"0.88\" "
                   "height=\"{:.2f}\"><title>{}\n{} events</title></rect>\n",
                   place(bucket), kHeight - height, height, page::moment(bucket.from),
                   number(bucket.events));
  }
  out += "</svg></div>\n";
  append_ticks(out, first, trends.width, bars);
  if (trends.outside > 0)
    fmt::format_to(std::back_inserter(out),
                   "<p class=\"hint\">{} events of other times are not in this picture, {} of them "
                   "with a match.</p>\n",
                   number(trends.outside), number(trends.outside_detected));
  if (trends.untimed > 0)
    fmt::format_to(std::back_inserter(out),
                   "<p class=\"hint\">{} events do not say when they happened.</p>\n",
                   number(trends.untimed));
  out += "</section>\n";
}

void append_latency(std::string& out, const Statistics& s) {
  if (s.summary.verdicts == 0) return;
  out +=
      "<div><h2>Latency</h2><div class=\"scroll\"><table class=\"wide\">\n<thead><tr><th>Step</th>"
      "<th class=\"n\">p50</th><th class=\"n\">p95</th><th class=\"n\">p99</th>"
      "<th class=\"n\">max</th><th class=\"n\">Share</th></tr></thead><tbody>\n";
  if (s.stages)
    for (const LatencyRow& row : s.stages->rows)
      append_step(out, row.step, row.service, {row.p50, row.p95, row.p99, row.max},
                  row.share < 0 ? std::string() : percent(row.share, 1),
                  row.step == s.stages->bottleneck);
  const store::Latency& l = s.summary.latency;
  append_step(out, "(from topic to verdict)", "",
              {l.p50 * 1'000, l.p95 * 1'000, l.p99 * 1'000, l.max * 1'000}, "", false);
  out += "</tbody></table></div>\n";
  if (s.stages && !s.stages->bottleneck.empty())
    fmt::format_to(std::back_inserter(out), "<p class=\"hint\">The bottleneck is {}: {}.</p>\n",
                   escaped(s.stages->bottleneck), escaped(s.stages->advice));
  out += "</div>\n";
}

}  // namespace tocsin::cli
