// SPDX-License-Identifier: Apache-2.0
//
// The parts of the report's page that need no script. Each appends HTML in which all text is
// escaped.
#pragma once

#include <string>

#include "app/cli/scan/damage.h"
#include "app/cli/scan/findings.h"
#include "app/cli/scan/html/report.h"

namespace tocsin::cli::scan::html {

void append_header(std::string& out, const Findings& findings, const ReportInfo& info);
void append_cards(std::string& out, const Findings& findings, const Damage& damage);
void append_tactics(std::string& out, const Findings& findings);
void append_rules_and_hosts(std::string& out, const Findings& findings);
// What the script fills.
void append_alerts_frame(std::string& out, std::size_t shown, std::uint64_t total);
void append_damage(std::string& out, const Damage& damage);

// chart.cc: alerts over time as inline SVG; nothing without times.
void append_chart(std::string& out, const Histogram& histogram, const Span& span);

}  // namespace tocsin::cli::scan::html
