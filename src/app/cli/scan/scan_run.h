// SPDX-License-Identifier: Apache-2.0
//
// run(): a whole scan, from the options to the exit code.
//
//   paths -> PartPlan -> Worker (one a core) -> InOrder -> output, timelines, report, summary,
//   damage
#pragma once

#include "app/cli/scan/options.h"

namespace tocsin::cli::scan {

// The exit code: see command.h and docs/responders.md.
[[nodiscard]] int run(const Options& options, bool quiet);

}  // namespace tocsin::cli::scan
