// SPDX-License-Identifier: Apache-2.0
//
// AlertWriter: an alert's row, its place in the full-text index and its part of the counts, put in
// and taken out together.
//
//   AlertRow -> write() -> alerts + alert_index + Counts
//
// Threads: those of the database. Every call belongs inside a transaction of it. Alerts in the
// order of their time are cheapest to write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/counts.h"
#include "stages/store/search/terms.h"

namespace tocsin::store {

// Views: valid during the call.
struct AlertRow {
  std::string_view alert_id, event_id, trace_id;  // 16 bytes each
  UnixNanos timestamp = 0, created = 0;
  std::int64_t score = 0, suppressed = 0;
  search::StoredAlert text;
};

class AlertWriter {
 public:
  // `db` must outlive it and have the tables of schema.h.
  [[nodiscard]] static Result<AlertWriter> open(sqlite::Database& db);

  // An alert that is there already is replaced; what people said of it stays.
  [[nodiscard]] Status write(const AlertRow& alert, Counts& counts);
  // With its triage.
  [[nodiscard]] Status remove(std::int64_t docid, Counts& counts);

 private:
  explicit AlertWriter(sqlite::Database& db) : db_(&db) {}
  [[nodiscard]] Status prepare();
  [[nodiscard]] Result<std::int64_t> free_docid(UnixNanos time);
  [[nodiscard]] Result<bool> insert(std::int64_t docid, const AlertRow& alert, Counts& counts);
  [[nodiscard]] Status take_out(std::int64_t docid, Counts& counts);

  sqlite::Database* db_;
  sqlite::Statement insert_, index_, unindex_, read_, find_, last_, delete_, move_, forget_;
  std::int64_t full_ = 0, after_full_ = 0;  // a microsecond without room, and where there is some
};

}  // namespace tocsin::store
