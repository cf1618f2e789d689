// SPDX-License-Identifier: Apache-2.0
//
// Retention: takes old verdicts and alerts out of tocsin.db, a small batch at a time, so that
// whoever writes waits a moment at most.
//
//   step(now) -> one transaction: rows, their full text, triage and counts -> is there more?
//
// Old is what happened more than so many days ago: logs of last year that are read in now are old
// at once. The file does not shrink; its free pages are used again.
//
// Threads: one; others may write to the same file. Errors: as the database's; nothing of the step
// is kept then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/alert_writer.h"

namespace tocsin::store {

struct RetentionOptions {
  int days = 0;               // 1 at least
  std::size_t batch = 2'000;  // verdicts, and alerts, of one step
};

class Retention {
 public:
  // Makes the database when it is missing.
  [[nodiscard]] static Result<std::unique_ptr<Retention>> open(const std::string& path,
                                                               RetentionOptions options);
  // True: there may be more to take out.
  [[nodiscard]] Result<bool> step(UnixNanos now);

  [[nodiscard]] std::int64_t verdicts() const { return verdicts_; }  // taken out so far
  [[nodiscard]] std::int64_t alerts() const { return alerts_; }

 private:
  Retention(sqlite::Database db, RetentionOptions options)
      : db_(std::move(db)), options_(options) {}
  [[nodiscard]] Status prepare();
  [[nodiscard]] Result<std::size_t> take_verdicts(UnixNanos before, Counts& counts);
  [[nodiscard]] Result<std::size_t> take_alerts(UnixNanos before, Counts& counts);

  sqlite::Database db_;
  const RetentionOptions options_;
  std::optional<AlertWriter> writer_;
  sqlite::Statement old_verdicts_, delete_verdict_, old_alerts_, delete_history_;
  std::int64_t verdicts_ = 0, alerts_ = 0;
};

}  // namespace tocsin::store
