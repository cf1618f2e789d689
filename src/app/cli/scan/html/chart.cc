// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <vector>

#include "app/cli/page/page.h"
#include "app/cli/scan/html/sections.h"

namespace tocsin::cli::scan::html {
namespace {

constexpr std::size_t kBars = 120;
constexpr double kWidth = 1200, kHeight = 160, kBase = 140;

struct Bar {
  UnixNanos from = 0, to = 0;
  LevelCounts counts{};
  [[nodiscard]] std::uint64_t total() const {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
};

std::vector<Bar> bars_of(const Histogram& histogram) {
  const auto& buckets = histogram.buckets();
  const std::int64_t first = buckets.begin()->first;
  const std::int64_t span = buckets.rbegin()->first - first + 1;
  const std::int64_t step =
      (span + static_cast<std::int64_t>(kBars) - 1) / static_cast<std::int64_t>(kBars);
  std::vector<Bar> bars(static_cast<std::size_t>((span + step - 1) / step));
  for (std::size_t i = 0; i < bars.size(); ++i) {
    bars[i].from = (first + static_cast<std::int64_t>(i) * step) * histogram.width();
    bars[i].to = bars[i].from + step * histogram.width();
  }
  for (const auto& [at, counts] : buckets) {
    Bar& bar = bars[static_cast<std::size_t>((at - first) / step)];
    for (std::size_t i = 0; i < counts.size(); ++i) bar.counts[i] += counts[i];
  }
  return bars;
}

// Stacked, the most severe at the bottom; a bar is never thinner than can be seen.
void append_bar(std::string& out, const Bar& bar, double x, double width, double scale) {
  if (bar.total() == 0) return;
  std::string told;
  for (std::size_t i = bar.counts.size(); i-- > 0;)
    if (bar.counts[i] > 0)
      told += fmt::format(", {} {}", bar.counts[i], to_string(static_cast<Level>(i)));
  fmt::format_to(std::back_inserter(out),
                 "<g class=\"bar\" tabindex=\"0\" data-from=\"{}\" data-to=\"{}\"><title>{} to "
                 "{}{}</title><rect class=\"hit\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" "
                 "height=\"{}\"/>",
                 bar.from / 1'000'000, bar.to / 1'000'000, page::moment(bar.from),
                 page::moment(bar.to), told, x, width, kBase);
  double y = kBase;
  for (std::size_t i = bar.counts.size(); i-- > 0;) {
    if (bar.counts[i] == 0) continue;
    const double height = std::max(2.0, static_cast<double>(bar.counts[i]) * scale);
    y -= height;
    fmt::format_to(std::back_inserter(out),
                   "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
                   "height=\"{:.1f}\"/>",
                   page::level_class(static_cast<Level>(i)), x + 0.5, y, std::max(1.0, width - 1),
                   height);
  }
  out += "</g>\n";
}

}  // namespace

void append_chart(std::string& out, const Histogram& histogram, const Span& span) {
  if (histogram.buckets().empty()) return;
  const std::vector<Bar> bars = bars_of(histogram);
  std::uint64_t highest = 1;
  for (const Bar& bar : bars) highest = std::max(highest, bar.total());
  const double scale = (kBase - 16) / static_cast<double>(highest);
  const double width = kWidth / static_cast<double>(bars.size());
  fmt::format_to(std::back_inserter(out),
                 "<section><h2>Alerts over time</h2>\n<svg class=\"chart\" viewBox=\"0 0 {} {}\" "
                 "role=\"img\" aria-label=\"alerts over time\">\n"
                 "<line x1=\"0\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>"
                 "<text x=\"0\" y=\"10\">{} at most in a bar</text>\n",
                 kWidth, kHeight, kBase, kWidth, kBase,
                 page::number(static_cast<std::int64_t>(highest)));
  for (std::size_t i = 0; i < bars.size(); ++i)
    append_bar(out, bars[i], static_cast<double>(i) * width, width, scale);
  fmt::format_to(std::back_inserter(out),
                 "<text x=\"0\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\" class=\"end\">{}</text>\n"
                 "</svg></section>\n",
                 kHeight - 4, page::moment(span.first), kWidth, kHeight - 4,
                 page::moment(span.last));
}

}  // namespace tocsin::cli::scan::html
