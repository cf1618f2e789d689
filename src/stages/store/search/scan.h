// SPDX-License-Identifier: Apache-2.0
//
// What an Archive is built of: a filter as SQL, and passes over the alerts that it chooses.
//
//   AlertFilter -> select() -> Selection -> in_time(), count(), each_fact()
//
// Threads: those of the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/search/language/sql.h"
#include "stages/store/search/records.h"

namespace tocsin::store::search {

struct Selection {
  AlertSql sql;  // conditions on "a.rowid"
  // Statuses by the filter, apart from the query: untouched alerts need not be looked at one by one
  // to be counted. Empty: any.
  std::vector<std::string> statuses;

  // Everything within the range.
  [[nodiscard]] bool whole() const {
    return sql.match.empty() && sql.condition.empty() && statuses.empty();
  }
  [[nodiscard]] bool wants_new() const;
};

// kInvalid names the value that cannot be.
[[nodiscard]] Result<Selection> select(const AlertFilter& filter);

// The narrow part of an alert. Views: until the next one.
struct Fact {
  std::int64_t docid = 0;
  std::string_view host, user, rule_id, tactics, techniques, status;
  std::int64_t score = 0;
};
[[nodiscard]] Status each_fact(sqlite::Database& db, const Selection& selection,
                               const std::function<void(const Fact&)>& visit);

// The alerts that nobody needs to look at any more; without their status.
[[nodiscard]] Status each_done(sqlite::Database& db, const std::function<void(const Fact&)>& visit);

[[nodiscard]] Result<std::int64_t> count(sqlite::Database& db, const Selection& selection);

// docids in the order of time.
[[nodiscard]] Result<std::vector<std::int64_t>> in_time(sqlite::Database& db,
                                                        const Selection& selection, bool descending,
                                                        std::size_t limit);

// Empty when the alert has gone meanwhile.
[[nodiscard]] Result<std::optional<AlertRecord>> read_alert(sqlite::Database& db,
                                                            std::int64_t docid);
[[nodiscard]] Result<std::vector<AlertRecord>> read_alerts(sqlite::Database& db,
                                                           const std::vector<std::int64_t>& docids);

// " AND (...)" on "a.rowid" for the statuses; "" for any. Their values go after those of the query.
[[nodiscard]] std::string status_condition(const Selection& selection);
// FROM and WHERE of the selection, with `joins` between, and its values bound from 1 on by bind().
[[nodiscard]] std::string from_where(const Selection& selection, std::string_view joins);
int bind(sqlite::Statement& statement, const Selection& selection);

[[nodiscard]] Uuid uuid_of(std::string_view bytes);
[[nodiscard]] std::string_view level_of_score(std::int64_t score);

}  // namespace tocsin::store::search
