// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>
#include <vector>

#include "base/append_file.h"
#include "base/log.h"
#include "base/sqlite.h"
#include "stages/store/positions.h"
#include "stages/store/sink.h"

namespace tocsin::store {
namespace {

// What the positions that were stored last promise of the CSV file: rows from one size to another.
constexpr const char* kTail = R"sql(
CREATE TABLE IF NOT EXISTS tail(
  one INTEGER PRIMARY KEY CHECK(one = 1), inode INTEGER NOT NULL, size_before INTEGER NOT NULL,
  size_after INTEGER NOT NULL);
)sql";

// The positions of a CSV file, in a database beside it. They are stored before the rows, with the
// promise; whoever has the file's lock next compares the promise with the file, and takes both back
// when it was not kept. So rows and positions change together, though they are two files.
// Threads: under the lock of the CSV file.
class CsvOffsets {
 public:
  [[nodiscard]] static Result<std::unique_ptr<CsvOffsets>> open(const std::string& path,
                                                                bool fsync);
  [[nodiscard]] Status claim(const SinkBatch& batch);
  // Settles what a writer that was killed has left.
  [[nodiscard]] Status settle(LockedTail& file);
  [[nodiscard]] Result<std::vector<std::int64_t>> admit(const SinkBatch& batch) {
    return positions_->admit(batch, "csv");
  }
  // Of `bytes` that will be appended now.
  [[nodiscard]] Status promise(const SinkBatch& batch, std::span<const std::int64_t> admitted,
                               const LockedTail& file, std::size_t bytes);

 private:
  explicit CsvOffsets(sqlite::Database db) : db_(std::move(db)) {}

  sqlite::Database db_;
  std::optional<Positions> positions_;
  sqlite::Statement read_tail_, write_tail_;
};

Result<std::unique_ptr<CsvOffsets>> CsvOffsets::open(const std::string& path, bool fsync) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, sqlite::Mode::kWrite));
  if (fsync) TOCSIN_TRY_STATUS(db.exec("PRAGMA synchronous=FULL"));
  std::unique_ptr<CsvOffsets> made(new CsvOffsets(std::move(db)));
  TOCSIN_TRY_STATUS(made->db_.exec(kTail));
  TOCSIN_TRY(made->positions_, Positions::open(made->db_));
  TOCSIN_TRY(made->read_tail_,
             made->db_.prepare("SELECT inode, size_before, size_after FROM tail"));
  TOCSIN_TRY(made->write_tail_,
             made->db_.prepare("INSERT OR REPLACE INTO tail VALUES(1, ?1, ?2, ?3)"));
  return made;
}

Status CsvOffsets::claim(const SinkBatch& batch) {
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  TOCSIN_TRY_STATUS(positions_->claim(batch));
  return transaction.commit();
}

Status CsvOffsets::settle(LockedTail& file) {
  TOCSIN_TRY(const bool promised, read_tail_.step());
  const auto inode = static_cast<std::uint64_t>(promised ? read_tail_.integer(0) : 0);
  const std::int64_t before = promised ? read_tail_.integer(1) : 0;
  const std::int64_t after = promised ? read_tail_.integer(2) : 0;
  read_tail_.reset();
  // Another file (rotated away, or cut off by a rotation that copies) had its rows in its time.
  const bool broken =
      promised && inode == file.inode() && before <= file.size() && file.size() < after;
  if (!broken) return {};
  log_info("csv: {} bytes of a batch that was not finished are cut off; it comes again",
           file.size() - before);
  TOCSIN_TRY_STATUS(file.cut(before));
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  TOCSIN_TRY_STATUS(positions_->undo());
  write_tail_.bind(1, static_cast<std::int64_t>(inode)).bind(2, before).bind(3, before);
  TOCSIN_TRY_STATUS(write_tail_.run());
  return transaction.commit();
}

Status CsvOffsets::promise(const SinkBatch& batch, std::span<const std::int64_t> admitted,
                           const LockedTail& file, std::size_t bytes) {
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  TOCSIN_TRY_STATUS(positions_->keep_undo(batch));
  TOCSIN_TRY_STATUS(positions_->advance(batch, admitted));
  write_tail_.bind(1, static_cast<std::int64_t>(file.inode()))
      .bind(2, file.size())
      .bind(3, file.size() + static_cast<std::int64_t>(bytes));
  TOCSIN_TRY_STATUS(write_tail_.run());
  return transaction.commit();
}

class CsvSink final : public Sink {
 public:
  CsvSink(std::string path, std::unique_ptr<AppendFile> file, CsvOptions options)
      : path_(std::move(path)), file_(std::move(file)), options_(options) {}

  Status write(const SinkBatch& batch) override {
    // Formatted outside of every lock; the buffer lives on for the thread's next batch.
    thread_local std::string rows;
    format(rows, batch, {});
    if (batch.slices.empty()) return file_->append(rows);
    return file_->append([&](LockedTail& file) -> Result<std::string_view> {
      if (!file.is_file()) return rows;
      TOCSIN_TRY(CsvOffsets* const offsets, this->offsets());
      TOCSIN_TRY_STATUS(offsets->settle(file));
      TOCSIN_TRY(const std::vector<std::int64_t> admitted, offsets->admit(batch));
      if (!all_new(batch, admitted)) format(rows, batch, admitted);
      TOCSIN_TRY_STATUS(offsets->promise(batch, admitted, file, rows.size()));
      return rows;
    });
  }

  Status claim(const SinkBatch& batch) override {
    return file_->append([&](LockedTail& file) -> Result<std::string_view> {
      if (!file.is_file()) return std::string_view();
      TOCSIN_TRY(CsvOffsets* const offsets, this->offsets());
      TOCSIN_TRY_STATUS(offsets->settle(file));
      TOCSIN_TRY_STATUS(offsets->claim(batch));
      return std::string_view();
    });
  }

  std::string_view name() const override { return "csv"; }

 private:
  void format(std::string& rows, const SinkBatch& batch,
              std::span<const std::int64_t> admitted) const {
    rows.clear();
    for (std::size_t i = 0; i < batch.verdicts.size(); ++i) {
      if (options_.detections_only && !batch.verdicts[i].detected()) continue;
      if (!admitted.empty() &&
          batch.verdict_places[i].offset < admitted[batch.verdict_places[i].slice])
        continue;
      append_csv(rows, batch.verdicts[i]);
    }
  }

  static bool all_new(const SinkBatch& batch, std::span<const std::int64_t> admitted) {
    for (std::size_t i = 0; i < admitted.size(); ++i)
      if (admitted[i] > batch.slices[i].first) return false;
    return true;
  }

  // Opened when first needed: what is written without slices has none. Under the file's lock.
  Result<CsvOffsets*> offsets() {
    if (!offsets_) {
      TOCSIN_TRY(offsets_, CsvOffsets::open(path_ + ".offsets", options_.fsync));
    }
    return offsets_.get();
  }

  const std::string path_;
  const std::unique_ptr<AppendFile> file_;
  const CsvOptions options_;
  std::unique_ptr<CsvOffsets> offsets_;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_csv(const std::string& path, CsvOptions options) {
  TOCSIN_TRY(auto file, AppendFile::open(path, {.header = std::string(kVerdictColumns) + "\r\n",
                                                .sync = options.fsync}));
  return std::make_unique<CsvSink>(path, std::move(file), options);
}

}  // namespace tocsin::store
