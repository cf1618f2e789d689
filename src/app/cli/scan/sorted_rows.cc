// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/sorted_rows.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tocsin::cli::scan {
namespace {

constexpr std::size_t kBlock = 1u << 20;

Error disk_error(std::string_view what) {
  return {ErrorCode::kExhausted,
          fmt::format("a temporary file for sorting {}: {}; set TMPDIR to a folder with room", what,
                      std::strerror(errno))};
}

// A file without a name, gone with the process.
std::FILE* temporary_file() {
  const char* folder = std::getenv("TMPDIR");
  std::string name =
      std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/tocsin-scan-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  ::unlink(name.c_str());
  return ::fdopen(descriptor, "w+b");
}

}  // namespace

Status SortedRows::add(const RowBatch& batch) {
  std::uint64_t at = spilled_ + text_.size();
  for (const RowBatch::Row& row : batch.rows) {
    rows_.push_back({row.time, at, row.bytes});
    at += row.bytes;
  }
  text_ += batch.text;
  return text_.size() < kMemoryMax ? Status{} : spill();
}

Status SortedRows::spill() {
  if (!file_) file_.reset(temporary_file());
  if (!file_) return tl::unexpected(disk_error("cannot be made"));
  if (std::fwrite(text_.data(), 1, text_.size(), file_.get()) != text_.size() ||
      std::fflush(file_.get()) != 0)
    return tl::unexpected(disk_error("cannot be written"));
  spilled_ += text_.size();
  text_.clear();
  return {};
}

Status SortedRows::append_row(const Row& row, std::string& block) const {
  if (row.at >= spilled_) {
    block.append(text_, static_cast<std::size_t>(row.at - spilled_), row.bytes);
    return {};
  }
  const std::size_t begin = block.size();
  block.resize(begin + row.bytes);
  std::size_t done = 0;
  while (done < row.bytes) {
    const ssize_t got = ::pread(fileno(file_.get()), block.data() + begin + done, row.bytes - done,
                                static_cast<off_t>(row.at + done));
    if (got <= 0) return tl::unexpected(disk_error("cannot be read"));
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Status SortedRows::write_to(std::FILE* out) {
  if (by_time_)
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      return std::pair(a.time == 0, a.time) < std::pair(b.time == 0, b.time);
    });
  std::string block;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    TOCSIN_TRY_STATUS(append_row(rows_[i], block));
    if (block.size() < kBlock && i + 1 < rows_.size()) continue;
    if (std::fwrite(block.data(), 1, block.size(), out) != block.size())
      return fail(ErrorCode::kExhausted, "the output could not be written (disk full?)");
    block.clear();
  }
  return {};
}

}  // namespace tocsin::cli::scan
