// SPDX-License-Identifier: Apache-2.0
//
// The report as one HTML page without a script. Pure.
//
//   Statistics -> report_page() -> HTML
//                   sections of report_page.cc: cards, classes, levels, rules, hosts, techniques
//                   append_over_time(), append_latency() (charts.cc)
//                   append_truth() (truth.cc)
//
// Each append_...() adds nothing when there is nothing to show. All text is escaped.
#pragma once

#include <string>
#include <string_view>

#include "app/cli/report/statistics.h"

namespace tocsin::cli {

struct ReportPageInfo {
  UnixNanos now = 0;
  std::string db;  // where the figures come from
};

[[nodiscard]] std::string report_page(const Statistics& statistics, const ReportPageInfo& info);

void append_over_time(std::string& out, const store::Trends& trends);
void append_latency(std::string& out, const Statistics& statistics);
void append_truth(std::string& out, const store::Scoring& scoring);

// The CSS class with the colour of a tactic: "t0" ... in the order of the kill chain, "tx" for what
// is none.
[[nodiscard]] std::string tactic_css(std::string_view event_class);
// "execution" -> "Execution"; anything else as it is, escaped.
[[nodiscard]] std::string tactic_html(std::string_view slug);
[[nodiscard]] std::string duration_html(std::int64_t nanoseconds);

}  // namespace tocsin::cli
