// SPDX-License-Identifier: Apache-2.0
//
// Timeline rows: one alert a row, for spreadsheets (CSV) and programs (JSONL). Columns:
// docs/responders.md.
//
//   Alert -> append_timeline_csv() | append_timeline_json() -> SortedRows (sorted_rows.h) -> file
#pragma once

#include <string>
#include <string_view>

#include "core/event/verdict.h"

namespace tocsin::cli::scan {

inline constexpr std::string_view kTimelineColumns =
    "time,host,channel,event_id,level,rule,tactics,techniques,record_id,file,line,user,provider,"
    "rule_id,"
    "matched_fields";

// RFC 4180, one physical line: control characters become blanks. A cell that a spreadsheet would
// take for a formula begins with an apostrophe; a value is cut at kTimelineValueMax bytes, and says
// so.
void append_timeline_csv(std::string& out, const Alert& alert);
inline constexpr std::size_t kTimelineValueMax = 4096;

// One JSON object and a newline; the columns are its members, lists are arrays, nothing is cut.
void append_timeline_json(std::string& out, const Alert& alert);

}  // namespace tocsin::cli::scan
