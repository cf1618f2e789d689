// SPDX-License-Identifier: Apache-2.0
//
// The alerts of a report as a block of JSON for its script; names that repeat are written once.
//
//   Alert[] -> {"rules": [...], "hosts": [...], "rows": [[...], ...]} without any "<"
#pragma once

#include <string>
#include <vector>

#include "core/event/verdict.h"

namespace tocsin::cli::scan::html {

inline constexpr std::size_t kReportValueMax =
    1500;  // bytes of a matched value; more is cut, and told
inline constexpr std::size_t kReportFieldsMax = 24;

// rows: [time in ms or null, level 0-4, rule, host, channel, event id, file, line or 0, record id
// or 0, user, [field, value, ...]]; rule, host, channel, file are indices.
void append_alert_data(std::string& out, const std::vector<const Alert*>& alerts);

}  // namespace tocsin::cli::scan::html
