// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/file_offsets.h"

#include <utility>

#include "base/log.h"

namespace tocsin::store {
namespace {

// What the positions that were stored last promise of the file: lines from one size to another.
constexpr const char* kTail = R"sql(
CREATE TABLE IF NOT EXISTS tail(
  one INTEGER PRIMARY KEY CHECK(one = 1), inode INTEGER NOT NULL, size_before INTEGER NOT NULL,
  size_after INTEGER NOT NULL);
)sql";

}  // namespace

Result<std::unique_ptr<FileOffsets>> FileOffsets::open(const std::string& path, std::string sink,
                                                       bool fsync) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, sqlite::Mode::kWrite));
  if (fsync) TOCSIN_TRY_STATUS(db.exec("PRAGMA synchronous=FULL"));
  std::unique_ptr<FileOffsets> made(new FileOffsets(std::move(db), std::move(sink)));
  TOCSIN_TRY_STATUS(made->db_.exec(kTail));
  TOCSIN_TRY(made->positions_, Positions::open(made->db_));
  TOCSIN_TRY(made->read_tail_,
             made->db_.prepare("SELECT inode, size_before, size_after FROM tail"));
  TOCSIN_TRY(made->write_tail_,
             made->db_.prepare("INSERT OR REPLACE INTO tail VALUES(1, ?1, ?2, ?3)"));
  return made;
}

Status FileOffsets::claim(const SinkBatch& batch) {
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  TOCSIN_TRY_STATUS(positions_->claim(batch));
  return transaction.commit();
}

Status FileOffsets::settle(LockedTail& file) {
  TOCSIN_TRY(const bool promised, read_tail_.step());
  const auto inode = static_cast<std::uint64_t>(promised ? read_tail_.integer(0) : 0);
  const std::int64_t before = promised ? read_tail_.integer(1) : 0;
  const std::int64_t after = promised ? read_tail_.integer(2) : 0;
  read_tail_.reset();
  // Another file (rotated away, or cut off by a rotation that copies) had its lines in its time.
  const bool broken =
      promised && inode == file.inode() && before <= file.size() && file.size() < after;
  if (!broken) return {};
  log_info("{}: {} bytes of a batch that was not finished are cut off; it comes again", sink_,
           file.size() - before);
  TOCSIN_TRY_STATUS(file.cut(before));
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  TOCSIN_TRY_STATUS(positions_->undo());
  write_tail_.bind(1, static_cast<std::int64_t>(inode)).bind(2, before).bind(3, before);
  TOCSIN_TRY_STATUS(write_tail_.run());
  return transaction.commit();
}

Status FileOffsets::promise(const SinkBatch& batch, std::span<const std::int64_t> admitted,
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

}  // namespace tocsin::store
