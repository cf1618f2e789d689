// SPDX-License-Identifier: Apache-2.0
//
// Positions: how far a sink holds what a group made of each partition. Kept in the sink's own
// database, so that they change together with what they tell of.
//
//   batch of a partition: offsets [first, next) -> admit(): what of it is new -> advance()
//
// Why: offsets are committed to the bus after the sinks have written. A crash between the two makes
// a batch come again, from the committed offset; then the position is ahead of it, and what lies
// before the position is there already.
//
// A batch that begins before the last one did, or before the first of those that were to be
// committed with it, is no such replay: somebody has set the group back, or the topic is another
// one of the same name. It is written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sqlite.h"
#include "stages/store/sink.h"

namespace tocsin::store {

// Threads: those of the database. Every call belongs inside a transaction of it.
class Positions {
 public:
  // Makes the tables when they are missing. `db` must outlive it.
  [[nodiscard]] static Result<Positions> open(sqlite::Database& db);

  // The batch's writer has its partitions from now on, and nobody else.
  [[nodiscard]] Status claim(const SinkBatch& batch);
  // For each slice the offset before which all is there already. kStale: another writer has a
  // partition, or nobody.
  [[nodiscard]] Result<std::vector<std::int64_t>> admit(const SinkBatch& batch,
                                                        std::string_view sink);
  // The batch is there.
  [[nodiscard]] Status advance(const SinkBatch& batch, std::span<const std::int64_t> admitted);

  // For a sink whose rows are not in the database: what advance() changed last can be taken back.
  [[nodiscard]] Status keep_undo(const SinkBatch& batch);
  [[nodiscard]] Status undo();

 private:
  struct Row {
    std::int64_t first = 0, next = 0, stamp = 0, writer = 0;
    bool found = false;
  };
  Positions(sqlite::Statement read, sqlite::Statement claim, sqlite::Statement advance,
            sqlite::Statement keep, sqlite::Statement forget, sqlite::Statement undo)
      : read_(std::move(read)),
        claim_(std::move(claim)),
        advance_(std::move(advance)),
        keep_(std::move(keep)),
        forget_(std::move(forget)),
        undo_(std::move(undo)) {}
  [[nodiscard]] Result<Row> read(std::string_view group, const Slice& slice);

  sqlite::Statement read_, claim_, advance_, keep_, forget_, undo_;
};

}  // namespace tocsin::store
