// SPDX-License-Identifier: Apache-2.0
//
// ChunkWalker: the records of one 64 KiB chunk, and the places where there should be one.
//
//   chunk bytes -> ChunkWalker -> (offset, size, id) of each record | damaged range
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin::produce::evtx {

inline constexpr std::size_t kChunkSize = 65536;
inline constexpr std::size_t kChunkHeaderSize = 512;
inline constexpr std::size_t kRecordHeaderSize = 24;  // magic, size, id, time; BinXML follows
inline constexpr std::size_t kRecordTrailerSize = 4;  // the size again
inline constexpr std::string_view kChunkMagic{"ElfChnk\0", 8};

struct ChunkHeader {
  bool has_magic = false;
  std::uint64_t first_record_id = 0;
  std::uint64_t last_record_id = 0;
  std::uint32_t free_space = 0;  // offset behind the last record
  std::uint32_t records_checksum = 0;
  bool has_checksum = false;

  [[nodiscard]] bool free_space_is_sane() const {
    return free_space >= kChunkHeaderSize && free_space <= kChunkSize;
  }
};
// `bytes`: at least the first 128 of the chunk; else all zero.
[[nodiscard]] ChunkHeader read_chunk_header(std::string_view bytes);

// Whether the records are as Windows sealed them; true when the chunk carries no seal. `chunk`
// holds them all.
[[nodiscard]] bool checksum_holds(std::string_view chunk, const ChunkHeader& header);

// Whether a whole record stands at `at`: magic, a size that fits before `end`, and the size again.
[[nodiscard]] bool is_record(std::string_view chunk, std::size_t at, std::size_t end);

struct RecordSpan {
  std::size_t begin = 0;  // in the chunk
  std::size_t end = 0;
  std::uint64_t id = 0;
};

// Ownership: borrows the chunk.
// Invariant: only the used part of the chunk is walked, never the slack behind it, where records
// that
//            Windows has dropped may still lie.
class ChunkWalker {
 public:
  enum class Step : std::uint8_t { kRecord, kDamage, kEnd };

  ChunkWalker() = default;
  // `end`: where the used part ends; with `end_known` false the walk ends at the first thing that
  // is not a record instead of calling it damage.
  ChunkWalker(std::string_view chunk, std::size_t end, bool end_known);

  // kRecord: span() is the record. kDamage: span() is a range without one.
  [[nodiscard]] Step next();
  [[nodiscard]] const RecordSpan& span() const { return span_; }

 private:
  std::string_view chunk_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool end_known_ = true;
  RecordSpan span_;
};

}  // namespace tocsin::produce::evtx
