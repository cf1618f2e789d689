// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/store/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/bus/wire.h"

namespace tocsin::bus::embedded {
namespace {

using namespace wire;

constexpr std::uint32_t kMagic = 0x314b4254;  // "TBK1"

struct ChunkHead {
  std::uint32_t magic;
  std::uint32_t records;
  std::uint32_t headers;  // of all records together
  std::uint32_t reserved;
  std::uint64_t checksum;  // of everything after this head
};
static_assert(sizeof(ChunkHead) == 24);

// Followed by the headers (two sizes, key, value each), the key, the value.
struct RecordHead {
  std::int64_t timestamp_ms;
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
  std::uint32_t headers;
  std::uint32_t header_bytes;
};
static_assert(sizeof(RecordHead) == 24);

std::uint64_t mix(std::uint64_t lane, std::uint64_t word) {
  return std::rotl(lane ^ (word * 0x9e3779b97f4a7c15ULL), 29) * 0xbf58476d1ce4e5b9ULL;
}

// Finds damage, not forgery. Four lanes, so that the multiplications overlap: several GB/s.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t lanes[4] = {1, 2, 3, bytes.size()};
  while (bytes.size() >= 32) {
    std::uint64_t words[4];
    std::memcpy(words, bytes.data(), 32);
    for (int i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
    bytes.remove_prefix(32);
  }
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min<std::size_t>(8, bytes.size());
    std::memcpy(&word, bytes.data(), size);
    lanes[0] = mix(lanes[0], word);
    bytes.remove_prefix(size);
  }
  return mix(mix(lanes[0], lanes[1]), mix(lanes[2], lanes[3]));
}

std::size_t header_bytes(const Record& record) {
  std::size_t bytes = 0;
  for (const Header& header : record.headers)
    bytes += sizeof(HeaderHead) + header.key.size() + header.value.size();
  return bytes;
}

}  // namespace

ChunkWriter::ChunkWriter() : bytes_(sizeof(ChunkHead), '\0') {}

std::size_t ChunkWriter::size_of(const Record& record) {
  return sizeof(RecordHead) + header_bytes(record) + record.key.size() + record.value.size();
}

void ChunkWriter::append(const Record& record, std::int64_t timestamp_ms) {
  put(bytes_, RecordHead{timestamp_ms, narrow(record.key.size()), narrow(record.value.size()),
                         narrow(record.headers.size()), narrow(header_bytes(record))});
  for (const Header& header : record.headers) {
    put(bytes_, HeaderHead{narrow(header.key.size()), narrow(header.value.size())});
    bytes_ += header.key;
    bytes_ += header.value;
  }
  bytes_ += record.key;
  bytes_ += record.value;
  max_timestamp_ = records_ == 0 ? timestamp_ms : std::max(max_timestamp_, timestamp_ms);
  records_ += 1;
  headers_ += narrow(record.headers.size());
}

std::string_view ChunkWriter::finish() {
  const ChunkHead head{kMagic, records_, headers_, 0,
                       checksum(std::string_view(bytes_).substr(sizeof(ChunkHead)))};
  std::memcpy(bytes_.data(), &head, sizeof head);
  return bytes_;
}

Result<std::shared_ptr<const Chunk>> Chunk::decode(std::shared_ptr<const std::string> topic,
                                                   std::int32_t partition, std::int64_t last_offset,
                                                   std::string_view blob) {
  std::shared_ptr<Chunk> chunk(new Chunk);
  chunk->topic_ = std::move(topic);
  chunk->bytes_ = std::make_unique_for_overwrite<char[]>(blob.size() + kPadding);
  std::memcpy(chunk->bytes_.get(), blob.data(), blob.size());
  std::memset(chunk->bytes_.get() + blob.size(), 0, kPadding);
  std::string_view rest(chunk->bytes_.get(), blob.size());
  ChunkHead head{};
  if (!take(rest, head) || head.magic != kMagic || head.checksum != checksum(rest) ||
      !chunk->walk(rest, partition, last_offset - head.records + 1, head.records, head.headers))
    return fail(ErrorCode::kCorrupt,
                fmt::format("topic {} partition {}: the records up to offset {} are damaged",
                            *chunk->topic_, partition, last_offset));
  return chunk;
}

bool Chunk::walk(std::string_view rest, std::int32_t partition, std::int64_t offset,
                 std::uint32_t records, std::uint32_t headers) {
  // Neither count can be larger than the bytes that hold them: no huge allocation for a damaged
  // head.
  if (records > rest.size() / sizeof(RecordHead) || headers > rest.size() / sizeof(HeaderHead))
    return false;
  messages_.reserve(records);
  headers_.reserve(headers);
  for (std::uint32_t i = 0; i < records; ++i) {
    RecordHead head{};
    if (!take(rest, head)) return false;
    const std::size_t first_header = headers_.size();
    if (head.headers > headers - first_header) return false;
    for (std::uint32_t h = 0; h < head.headers; ++h) {
      HeaderHead sizes{};
      std::string_view key;
      std::string_view value;
      if (!take(rest, sizes) || !take(rest, sizes.key_bytes, key) ||
          !take(rest, sizes.value_bytes, value))
        return false;
      headers_.emplace_back(key, value);
    }
    Message message{.topic = *topic_,
                    .partition = partition,
                    .offset = offset + i,
                    .timestamp_ms = head.timestamp_ms,
                    .key = {},
                    .value = {},
                    .headers = {headers_.data() + first_header, head.headers}};
    if (!take(rest, head.key_bytes, message.key) || !take(rest, head.value_bytes, message.value))
      return false;
    messages_.push_back(message);
  }
  return rest.empty();
}

}  // namespace tocsin::bus::embedded
