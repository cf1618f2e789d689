// SPDX-License-Identifier: Apache-2.0
#include "core/bus/spool/record_bytes.h"

#include <zlib.h>

#include <bit>
#include <cstring>

#include "core/bus/wire.h"

namespace tocsin::bus::spool {
namespace {

using namespace wire;

// Followed by topic, key, value, and for each header two sizes, its key and its value.
struct Head {
  std::int64_t spooled_at;
  std::int64_t timestamp_ms;
  std::uint32_t topic_bytes;
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
  std::uint32_t headers;
};
static_assert(sizeof(Head) == 32);

}  // namespace

void append_bytes(std::string& out, std::string_view topic, const Record& record,
                  UnixNanos spooled_at) {
  put(out, Head{.spooled_at = spooled_at,
                .timestamp_ms = record.timestamp_ms,
                .topic_bytes = narrow(topic.size()),
                .key_bytes = narrow(record.key.size()),
                .value_bytes = narrow(record.value.size()),
                .headers = narrow(record.headers.size())});
  out += topic;
  out += record.key;
  out += record.value;
  for (const Header& header : record.headers) {
    put(out, HeaderHead{narrow(header.key.size()), narrow(header.value.size())});
    out += header.key;
    out += header.value;
  }
}

Result<SpooledRecord> parse_record(std::string_view bytes) {
  const auto wrong = [] { return fail(ErrorCode::kCorrupt, "a spooled record has wrong lengths"); };
  Head head{};
  SpooledRecord out;
  if (!take(bytes, head) || !take(bytes, head.topic_bytes, out.topic) ||
      !take(bytes, head.key_bytes, out.record.key) ||
      !take(bytes, head.value_bytes, out.record.value))
    return wrong();
  for (std::uint32_t i = 0; i < head.headers; ++i) {
    HeaderHead sizes{};
    Header header;
    if (!take(bytes, sizes) || !take(bytes, sizes.key_bytes, header.key) ||
        !take(bytes, sizes.value_bytes, header.value))
      return wrong();
    out.record.headers.push_back(std::move(header));
  }
  if (!bytes.empty()) return wrong();
  out.record.timestamp_ms = head.timestamp_ms;
  out.spooled_at = head.spooled_at;
  return out;
}

std::uint32_t checksum(std::string_view bytes) {
  const auto* const data = reinterpret_cast<const Bytef*>(bytes.data());
  return narrow(crc32_z(0, data, bytes.size()));
}

}  // namespace tocsin::bus::spool
