// SPDX-License-Identifier: Apache-2.0
//
// What `tocsin scan` says at its end: the summary for people and for programs, and the table of
// damage.
//
//   Findings + DamageRow[] -> text | JSON
#pragma once

#include <string>
#include <vector>

#include "app/cli/scan/damage.h"
#include "app/cli/scan/findings.h"
#include "app/cli/tables.h"

namespace tocsin::cli {

// Rules that fired, then levels, tactics and hosts, each with first and last time.
[[nodiscard]] std::string render_findings(const scan::Findings& findings, const Style& style);

// Empty without rows.
[[nodiscard]] std::string render_damage(const scan::Damage& damage, const Style& style);

// One JSON object in lines, the same for the same input.
[[nodiscard]] std::string findings_json(const scan::Findings& findings, const scan::Damage& damage);

}  // namespace tocsin::cli
