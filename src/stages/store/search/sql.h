// SPDX-License-Identifier: Apache-2.0
//
// A query as SQL over tocsin.db. Values are bound, never pasted.
//
//   Query -> compile_alerts()   -> AlertSql: MATCH for the full-text index, a range of docids, the
//                                  rest as a condition
//
// Alerts: whatever says nothing of triage, time or ids becomes one expression of the full-text
// index, which knows every field (terms.h) and gives rows in the order of time. A condition on
// time that all rows must meet becomes the range.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/sqlite.h"
#include "stages/store/search/query.h"

namespace tocsin::store::search {

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};
using Value = std::variant<std::int64_t, std::string, Blob>;

// [from, to) in time; empty ends are open.
struct TimeRange {
  std::optional<UnixNanos> from, to;
};

struct AlertSql {
  std::string match;  // of alert_index; "" when all alerts are meant
  std::int64_t first = std::numeric_limits<std::int64_t>::min();  // docids, both included
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  // On a row whose id is `DOCID`; "" when there is none.
  std::string condition;
  std::vector<Value> values;  // of the condition's "?"
};

// The column that conditions name stands for the row's docid.
[[nodiscard]] AlertSql compile_alerts(const Query& query, const TimeRange& range,
                                      std::string_view docid_column);

// Binds from `index` on; the next free index.
int bind_values(sqlite::Statement& statement, int index, const std::vector<Value>& values);

}  // namespace tocsin::store::search
