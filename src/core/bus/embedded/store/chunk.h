// SPDX-License-Identifier: Apache-2.0
//
// Chunk: some records of one partition in one blob, written and read as a whole.
//
//   Record... -> ChunkWriter -> blob in table chunks -> Chunk -> Message (views into the blob)
//
// Why: a row for every record costs more than the record itself. A chunk is one row for up to half
// a megabyte, and reading one is a copy and a walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::bus::embedded {

// Bytes that can be read after each value without leaving the chunk's memory (what SIMD JSON
// parsers want).
inline constexpr std::size_t kPadding = 64;

// Ownership: owns the bytes.
// Threads:   one thread.
class ChunkWriter {
 public:
  static constexpr std::size_t kBytesMax = 512u << 10;  // a chunk beyond it takes no more records

  ChunkWriter();
  void append(const Record& record, std::int64_t timestamp_ms);
  // The bytes to store; no append() after it.
  [[nodiscard]] std::string_view finish();

  [[nodiscard]] std::uint32_t records() const { return records_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  [[nodiscard]] std::int64_t max_timestamp() const { return max_timestamp_; }
  // What append() would add.
  [[nodiscard]] static std::size_t size_of(const Record& record);

 private:
  std::string bytes_;
  std::uint32_t records_ = 0;
  std::uint32_t headers_ = 0;
  std::int64_t max_timestamp_ = 0;
};

// Ownership: owns the bytes that its messages view.
// Threads:   immutable.
// Errors:    decode() is kCorrupt when the checksum or any length is wrong.
class Chunk {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const Chunk>> decode(
      std::shared_ptr<const std::string> topic, std::int32_t partition, std::int64_t last_offset,
      std::string_view blob);

  [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }

 private:
  Chunk() = default;
  [[nodiscard]] bool walk(std::string_view rest, std::int32_t partition, std::int64_t offset,
                          std::uint32_t records, std::uint32_t headers);

  std::shared_ptr<const std::string> topic_;
  std::unique_ptr<char[]> bytes_;
  std::vector<std::pair<std::string_view, std::string_view>> headers_;
  std::vector<Message> messages_;
};

}  // namespace tocsin::bus::embedded
