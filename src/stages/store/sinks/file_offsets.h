// SPDX-License-Identifier: Apache-2.0
//
// FileOffsets: the positions of a file of lines, in a database beside it (FILE.offsets).
//
//   batch -> settle() -> admit() -> promise(bytes) -> the lines are appended
//
// They are stored before the lines, with the promise of the size that the file will have; whoever
// has the file's lock next compares the promise with the file, and takes both back when it was not
// kept. So lines and positions change together, though they are two files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/append_file.h"
#include "base/sqlite.h"
#include "stages/store/positions.h"

namespace tocsin::store {

// Threads: under the lock of the file.
class FileOffsets {
 public:
  // `sink`: its name, for messages.
  [[nodiscard]] static Result<std::unique_ptr<FileOffsets>> open(const std::string& path,
                                                                 std::string sink, bool fsync);
  [[nodiscard]] Status claim(const SinkBatch& batch);
  // Settles what a writer that was killed has left.
  [[nodiscard]] Status settle(LockedTail& file);
  // For each slice the offset before which all is there already.
  [[nodiscard]] Result<std::vector<std::int64_t>> admit(const SinkBatch& batch) {
    return positions_->admit(batch, sink_);
  }
  // Of `bytes` that will be appended now.
  [[nodiscard]] Status promise(const SinkBatch& batch, std::span<const std::int64_t> admitted,
                               const LockedTail& file, std::size_t bytes);

 private:
  FileOffsets(sqlite::Database db, std::string sink) : db_(std::move(db)), sink_(std::move(sink)) {}

  sqlite::Database db_;
  const std::string sink_;
  std::optional<Positions> positions_;
  sqlite::Statement read_tail_, write_tail_;
};

}  // namespace tocsin::store
