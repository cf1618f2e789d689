// SPDX-License-Identifier: Apache-2.0
//
// Sink: where verdicts and alerts are kept.
//
//   detect worker -> Sink::write(batch) -> durable -> then, and only then, the offsets are
//   committed
//
// A batch may come again after a crash. SQLite keeps one row per id; the CSV file may hold a row
// twice, and readers tell by event_id.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/event/verdict.h"

namespace tocsin::store {

// Threads: thread-safe; several processes may write to the same file.
// Errors:  a failed write() kept nothing of the batch (kExhausted: disk full; kUnavailable: try
// again).
class Sink {
 public:
  virtual ~Sink() = default;
  // The whole batch is durable on return.
  [[nodiscard]] virtual Status write(std::span<const Verdict> verdicts,
                                     std::span<const Alert> alerts) = 0;
  // "csv" or "sqlite": the span is called write_csv, write_sqlite.
  [[nodiscard]] virtual std::string_view name() const = 0;
};

struct CsvOptions {
  bool detections_only = false;  // only verdicts with a match
  bool fsync = true;  // survives power loss, not just a crash; costs one fdatasync a batch
};

// Verdicts as rows of RFC 4180 under kVerdictColumns; alerts are not written.
// kInvalid when the file exists with other columns or cannot be opened.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_csv(const std::string& path, CsvOptions options);

struct SqliteOptions {
  bool detections_only = false;  // alerts are written in any case
  bool fsync = true;             // PRAGMA synchronous=FULL, else NORMAL
};

// Verdicts, their truth, and alerts in one database (schema.h).
// kUnsupported when a newer release wrote it.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_sqlite(const std::string& path,
                                                        SqliteOptions options);

}  // namespace tocsin::store
