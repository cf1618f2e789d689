// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/chunk.h"

#include <algorithm>

#include "stages/produce/evtx/binxml/bytes.h"
#include "stages/produce/evtx/crc32.h"

namespace tocsin::produce::evtx {
namespace {

constexpr std::string_view kRecordMagic{"**\0\0", 4};
constexpr std::size_t kRecordSizeMin = kRecordHeaderSize + kRecordTrailerSize;
constexpr std::size_t kChunkFieldsSize = 128;
constexpr std::uint32_t kFlagNoChecksum = 4;

bool has_magic(std::string_view chunk, std::size_t at) {
  return chunk.substr(at, kRecordMagic.size()) == kRecordMagic;
}

// The size that the record at `at` states; 0 when it cannot be.
std::size_t stated_size(std::string_view chunk, std::size_t at, std::size_t end) {
  if (at > end || end - at < kRecordSizeMin || !has_magic(chunk, at)) return 0;
  const std::size_t size = load<std::uint32_t>(chunk, at + 4);
  return size >= kRecordSizeMin && size <= end - at ? size : 0;
}

}  // namespace

ChunkHeader read_chunk_header(std::string_view bytes) {
  ChunkHeader header;
  if (bytes.size() < kChunkFieldsSize) return header;
  header.has_magic = bytes.substr(0, kChunkMagic.size()) == kChunkMagic;
  header.first_record_id = load<std::uint64_t>(bytes, 24);
  header.last_record_id = load<std::uint64_t>(bytes, 32);
  header.free_space = load<std::uint32_t>(bytes, 48);
  header.records_checksum = load<std::uint32_t>(bytes, 52);
  header.has_checksum = (load<std::uint32_t>(bytes, 120) & kFlagNoChecksum) == 0;
  return header;
}

bool checksum_holds(std::string_view chunk, const ChunkHeader& header) {
  return !header.has_checksum ||
         crc32(chunk.substr(kChunkHeaderSize, header.free_space - kChunkHeaderSize)) ==
             header.records_checksum;
}

bool is_record(std::string_view chunk, std::size_t at, std::size_t end) {
  const std::size_t size = stated_size(chunk, at, end);
  return size != 0 && load<std::uint32_t>(chunk, at + size - kRecordTrailerSize) == size;
}

ChunkWalker::ChunkWalker(std::string_view chunk, std::size_t end, bool end_known)
    : chunk_(chunk),
      at_(kChunkHeaderSize),
      end_(std::min(end, chunk.size())),
      end_known_(end_known) {}

ChunkWalker::Step ChunkWalker::next() {
  if (at_ >= end_) return Step::kEnd;
  const std::size_t size = stated_size(chunk_, at_, end_);
  const std::size_t behind = at_ + size;
  // A damaged trailer alone does not lose a record whose neighbour stands where it says.
  const bool whole = size != 0 && (is_record(chunk_, at_, end_) || behind == end_ ||
                                   stated_size(chunk_, behind, end_) != 0);
  if (whole) {
    span_ = {.begin = at_, .end = behind, .id = load<std::uint64_t>(chunk_, at_ + 8)};
    at_ = behind;
    return Step::kRecord;
  }
  if (!end_known_) {
    at_ = end_;
    return Step::kEnd;
  }
  std::size_t resume = chunk_.find(kRecordMagic, at_ + 1);
  while (resume < end_ && !is_record(chunk_, resume, end_))
    resume = chunk_.find(kRecordMagic, resume + 1);
  span_ = {.begin = at_, .end = std::min(resume, end_), .id = 0};
  at_ = span_.end;
  return Step::kDamage;
}

}  // namespace tocsin::produce::evtx
