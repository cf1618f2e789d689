// SPDX-License-Identifier: Apache-2.0
//
// ByteStream: bytes from a file, a pipe, an archive's member or a decoder, and the buffer that lets
// a reader look ahead in them.
//
//   file descriptor, libarchive, UTF-16 -> ByteStream -> InputBuffer -> line and document readers
//
// Plain reads into a big buffer, not a mapping: a file that shrinks under a mapping kills the
// process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::produce {

// Threads: one thread.
// Errors:  kUnavailable: nothing now, more may come (a pipe); any other ends the stream.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // The number of bytes put at the front of `into`; 0 at the end. A file that grows may give more
  // later.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<char> into) = 0;
};

// Reads the descriptor and closes it (never standard input's). A pipe or terminal that stays silent
// for 100 ms reads as kUnavailable, so that the caller can look at its stop flag.
[[nodiscard]] std::unique_ptr<ByteStream> stream_of(int descriptor, std::string path);
[[nodiscard]] Result<std::unique_ptr<ByteStream>> open_file_stream(const std::string& path);

// "Permission denied" and the like for an errno value.
[[nodiscard]] std::string errno_text(int number);

// Ownership: owns the stream and one buffer that grows to the longest stretch looked at.
// Threads:   one thread.
class InputBuffer {
 public:
  explicit InputBuffer(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  // What was read and not consumed; valid until the next fill().
  [[nodiscard]] std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) {
    begin_ += bytes;
    offset_ += bytes;
  }
  // Position of unread()'s first byte in the stream.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  // Appends what the stream has; false at its end.
  [[nodiscard]] Result<bool> fill();

 private:
  void make_room();

  static constexpr std::size_t kChunk = 256u << 10;

  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
};

// What is left in `buffer`, as a stream again.
[[nodiscard]] std::unique_ptr<ByteStream> stream_of(InputBuffer buffer);

}  // namespace tocsin::produce
