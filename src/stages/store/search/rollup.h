// SPDX-License-Identifier: Apache-2.0
//
// Rollup: the groups of all alerts, kept from request to request, so that only what came since is
// read.
//
//   alerts older than a few minutes -> sealed sums ---.
//   the rest, read anew each time   -> recent sums ----> groups
//   triage                          -> what is done --`
//
// Alerts are in the order of their events' times, so one that comes late lies among the sealed.
// Whether the sealed sums still hold is told by what the database counts anyway: the number of
// alerts, the sum of their scores, the first and the last of them. If not (late alerts, retention),
// and once an hour, all is read anew.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/search/records.h"

namespace tocsin::store::search {

// Threads: thread-safe; one at a time reads. Memory: a sum for each name and each incident, and a
// bit in it for each host.
class Rollup {
 public:
  Rollup();
  ~Rollup();
  Rollup(const Rollup&) = delete;
  Rollup& operator=(const Rollup&) = delete;

  // Rules have counts of their own, and statuses change.
  [[nodiscard]] static bool keeps(GroupBy by) {
    return by != GroupBy::kRule && by != GroupBy::kStatus;
  }

  // Of all alerts: as read_groups() tells them. `db` is in a transaction, which sees one state.
  // kExhausted when reading took too long; the next call goes on where this one ended.
  [[nodiscard]] Result<std::vector<AlertGroup>> groups(sqlite::Database& db, GroupBy by);

 private:
  struct Books;
  struct Totals;

  [[nodiscard]] Result<Totals> read_totals(sqlite::Database& db) const;
  [[nodiscard]] Status read_recent(sqlite::Database& db, Books& recent) const;
  [[nodiscard]] Status seal(sqlite::Database& db, std::int64_t until);
  [[nodiscard]] bool holds(const Totals& totals, const Books& recent) const;
  void forget();

  std::mutex mutex_;
  std::unique_ptr<Books> sealed_;
  std::int64_t sealed_until_;  // docids before it are in the books
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace tocsin::store::search
