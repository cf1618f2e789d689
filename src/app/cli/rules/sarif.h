// SPDX-License-Identifier: Apache-2.0
//
// Diagnostics as SARIF, which code hosts show beside the lines of a change. Pure.
//
// Standard: SARIF 2.1.0 (OASIS).
#pragma once

#include <span>
#include <string>

#include "core/sigma/diagnostic.h"

namespace tocsin::cli::rules {

// One log with one run, with its newline. Relative paths stay relative to the working directory.
[[nodiscard]] std::string sarif_log(std::span<const sigma::Diagnostic> diagnostics);

}  // namespace tocsin::cli::rules
