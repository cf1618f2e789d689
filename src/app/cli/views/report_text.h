// SPDX-License-Identifier: Apache-2.0
//
// The report as people and as programs read it. Pure: Statistics in, text out.
#pragma once

#include <string>

#include "app/cli/report/statistics.h"
#include "app/cli/tables.h"

namespace tocsin::cli {

[[nodiscard]] std::string render_report(const Statistics& statistics, const Style& style);
// Only how the verdicts compare with the truth they carry; empty when none carries any.
[[nodiscard]] std::string render_scoring(const store::Scoring& scoring, const Style& style);
// One JSON object, with its newline. Ratios are numbers from 0 to 1, null where there is no such
// figure.
[[nodiscard]] std::string report_json(const Statistics& statistics);

// "none" and "benign" last, tactics in the order of the kill chain, unknown ones after them.
[[nodiscard]] bool kill_chain_less(const std::string& a, const std::string& b);

}  // namespace tocsin::cli
