// SPDX-License-Identifier: Apache-2.0
//
// SortedRows: rows of text that come in the order of the input and leave in the order of time.
//
//   RowBatch... -> SortedRows (text in memory, then in a temporary file; 32 bytes a row) -> file
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace tocsin::cli::scan {

// Rows one after another in `text`.
struct RowBatch {
  struct Row {
    UnixNanos time = 0;
    std::size_t bytes = 0;
  };
  std::string text;
  std::vector<Row> rows;
};

// Threads: one thread.
// Errors:  kExhausted when the temporary file cannot be written; TMPDIR says where it is.
// Invariant: rows of the same time keep the order in which they came; rows without a time come
// last.
class SortedRows {
 public:
  static constexpr std::size_t kMemoryMax = 64u << 20;

  explicit SortedRows(bool by_time = true) : by_time_(by_time) {}

  [[nodiscard]] Status add(const RowBatch& batch);
  [[nodiscard]] Status write_to(std::FILE* out);
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

 private:
  struct Row {
    UnixNanos time;
    std::uint64_t at;
    std::size_t bytes;
  };
  struct FileClose {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[nodiscard]] Status spill();
  [[nodiscard]] Status append_row(const Row& row, std::string& block) const;

  const bool by_time_;
  std::vector<Row> rows_;
  std::string text_;  // what is not in file_ yet
  std::uint64_t spilled_ = 0;
  std::unique_ptr<std::FILE, FileClose> file_;
};

}  // namespace tocsin::cli::scan
