// SPDX-License-Identifier: Apache-2.0
//
// Sink: where verdicts and alerts are kept.
//
//   detect, store -> Sink::write(batch) -> durable -> then, and only then, the offsets are
//   committed
//
// A batch may come again after a crash, and a worker that was taken for dead may wake up and write
// what another has written since. So a sink keeps, durably and together with the rows, how far it
// is in each partition and who writes it (positions.h): the first is left out, the second refused.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/event/verdict.h"

namespace tocsin::store {

// What of a batch comes from one partition: the offsets from `first` to before `next`.
struct Slice {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t first = 0;
  std::int64_t next = 0;
  std::int64_t stamp = 0;  // a hash of the first record: tells another topic of the same name
  // Where reading goes on after a crash: `first`, or before it when batches of which this is one
  // are committed together. With a stamp of its own.
  std::int64_t since = first;
  std::int64_t since_stamp = stamp;
};

// The record that a verdict or an alert was made of.
struct Place {
  std::uint32_t slice = 0;
  std::int64_t offset = 0;
};

// Where an event lies. No topic: nobody knows.
struct Origin {
  std::string topic;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
};

// A verdict or an alert that a sink will never take, however often it is tried.
struct Rejection {
  bool is_alert = false;
  std::size_t index = 0;  // in the batch's verdicts or alerts
  std::string reason;
};

struct SinkBatch {
  std::span<const Verdict> verdicts;
  std::span<const Alert> alerts;
  // One for each verdict and alert. Without slices nothing is remembered, and all is written.
  std::span<const Place> verdict_places = {};
  std::span<const Place> alert_places = {};
  std::span<const Slice> slices = {};
  // Of each verdict's event, when the places are those of other records than the events.
  std::span<const Origin> origins = {};
  std::string_view group = {};
  std::int64_t writer = 0;  // whoever writes: a number of its own for each worker of each process
  // Where a sink says what it refuses; all else of the batch is written. Null: nobody asks, and a
  // refusal is an error (kInvalid).
  std::vector<Rejection>* rejected = nullptr;
};

// Threads: thread-safe; several processes may write to the same file.
// Errors:  a failed write() kept nothing of the batch (kExhausted: disk full; kUnavailable: try
//          again; kStale: another writer has a partition).
class Sink {
 public:
  virtual ~Sink() = default;
  // The whole batch is durable on return; what was there before is left as it is.
  [[nodiscard]] virtual Status write(const SinkBatch& batch) = 0;
  [[nodiscard]] Status write(std::span<const Verdict> verdicts, std::span<const Alert> alerts) {
    return write(SinkBatch{.verdicts = verdicts, .alerts = alerts});
  }
  // The batch's writer takes its partitions over; write() of any other writer is kStale from then
  // on. Whoever claims must ask the bus afterwards whether the partitions are its own, and write
  // only then: of two claims the one that the bus confirms counts.
  [[nodiscard]] virtual Status claim(const SinkBatch& batch) = 0;
  // "csv" or "sqlite": the span is called write_csv, write_sqlite.
  [[nodiscard]] virtual std::string_view name() const = 0;
  // From any thread: a write() under way that waits for somebody gives up soon, with kUnavailable.
  virtual void cancel() {}
};

// When a file of lines is put aside under the time's name, and a new one begun.
struct Rotation {
  enum class Every : std::uint8_t { kNever, kHourly, kDaily };
  std::int64_t bytes = 0;       // at this size; 0: however large it grows
  Every every = Every::kNever;  // of UTC
};

struct CsvOptions {
  bool detections_only = false;  // only verdicts with a match
  bool fsync = true;  // survives power loss, not just a crash; costs two fdatasyncs a batch
  Rotation rotation = {};
};

// Verdicts as rows of RFC 4180 under kVerdictColumns; alerts are not written. Positions are in
// `path`.offsets; a pipe or a device has none.
// kInvalid when the file exists with other columns or cannot be opened.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_csv(const std::string& path, CsvOptions options);

struct SqliteOptions {
  bool detections_only = false;  // alerts are written in any case
  bool fsync = true;             // PRAGMA synchronous=FULL, else NORMAL
};

// Verdicts, their truth, alerts, and positions in one database (schema.h).
// kUnsupported when a newer release wrote it.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_sqlite(const std::string& path,
                                                        SqliteOptions options);

}  // namespace tocsin::store
