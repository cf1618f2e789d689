// SPDX-License-Identifier: Apache-2.0
//
// The answers of an Archive, each on one connection. Internal to it.
//
//   Selection -> read_page() | read_groups() | read_overview() | read_techniques() | ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/search/records.h"
#include "stages/store/search/rollup.h"
#include "stages/store/search/scan.h"

namespace tocsin::store::search {

// The last row of a page, by what it was sorted by.
struct Cursor {
  std::int64_t docid = 0;
  std::string key;  // text, or a number in digits; "" when sorted by time
};
// kInvalid when it is none, or one of another order.
[[nodiscard]] Result<std::optional<Cursor>> read_cursor(const PageRequest& page);

[[nodiscard]] Result<AlertPage> read_page(sqlite::Database& db, const Selection& selection,
                                          const PageRequest& page,
                                          const std::optional<Cursor>& after);
// Most alerts first; incidents: the latest, kIncidentsMax at most.
[[nodiscard]] Result<std::vector<AlertGroup>> read_groups(sqlite::Database& db,
                                                          const Selection& selection, GroupBy by,
                                                          Rollup& rollup);
[[nodiscard]] Result<Overview> read_overview(sqlite::Database& db, const Selection& selection,
                                             const TimeRange& range);
[[nodiscard]] Result<std::vector<TechniqueCount>> read_techniques(sqlite::Database& db,
                                                                  const Selection& selection);
[[nodiscard]] Result<Statistics> read_statistics(sqlite::Database& db, const Selection& selection,
                                                 const TimeRange& range);

// Verdicts in the range, from the counts.
[[nodiscard]] Result<std::int64_t> count_events(sqlite::Database& db, const TimeRange& range);

// The name that the latest alert of the rule has for it.
[[nodiscard]] Result<std::string> name_of_rule(sqlite::Database& db, std::string_view rule_id);

}  // namespace tocsin::store::search
