// SPDX-License-Identifier: Apache-2.0
//
// FileBytes: parts of a file on disk or in memory, read when asked for.
//
// Why not mmap: a log that shrinks while it is read would kill the process with SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::produce::evtx {

// Ownership: owns the descriptor or the bytes.
// Threads:   one thread.
class FileBytes {
 public:
  [[nodiscard]] static Result<FileBytes> open(const std::string& path);
  explicit FileBytes(std::string bytes) : memory_(std::move(bytes)), size_(memory_.size()) {}
  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&&) = delete;
  ~FileBytes();

  [[nodiscard]] std::uint64_t size() const { return size_; }

  // Up to `size` bytes at `offset`, fewer at the end of the file; valid until the next read().
  [[nodiscard]] Result<std::string_view> read(std::uint64_t offset, std::size_t size);

 private:
  FileBytes(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}

  int descriptor_ = -1;
  std::string memory_;  // the file, or the last read when there is a descriptor
  std::uint64_t size_ = 0;
};

}  // namespace tocsin::produce::evtx
