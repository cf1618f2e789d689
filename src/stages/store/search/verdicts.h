// SPDX-License-Identifier: Apache-2.0
//
// The same language over verdicts: every event, detected or not. Internal to the Archive.
//
//   Query -> plan: by id | by alerts | by hosts | by time -> EventRecord[], latest first
//
// What a verdict has itself (host, class, channel, provider, code, ids, time) is compared with the
// verdict. Everything else (text, user, rule, level, tactic, technique, status, assignee) is said
// of its alerts: one alert must meet what AND and OR join; NOT is true when no alert does.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/search/records.h"

namespace tocsin::store::search {

[[nodiscard]] Status each_verdict(sqlite::Database& db, const Query& query, const TimeRange& range,
                                  std::size_t limit,
                                  const std::function<void(const EventRecord&)>& visit);
[[nodiscard]] Result<std::int64_t> count_verdicts(sqlite::Database& db, const Query& query,
                                                  const TimeRange& range);

// From a row of these columns; the table is "v".
extern const char* const kVerdictColumns;
[[nodiscard]] EventRecord verdict_of(const sqlite::Statement& row);

}  // namespace tocsin::store::search
