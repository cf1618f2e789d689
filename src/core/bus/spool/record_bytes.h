// SPDX-License-Identifier: Apache-2.0
//
// A record as bytes: what stands between two frames of a spool's segment. Numbers are
// little-endian.
//
//   SpooledRecord -> append_bytes() -> payload -> parse_record() -> SpooledRecord
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::bus::spool {

struct SpooledRecord {
  std::string topic;
  Record record;
  UnixNanos spooled_at = 0;
};

void append_bytes(std::string& out, std::string_view topic, const Record& record,
                  UnixNanos spooled_at);
// kCorrupt when a length is wrong.
[[nodiscard]] Result<SpooledRecord> parse_record(std::string_view bytes);

// The CRC-32 of zip and Ethernet: finds damage, not forgery.
[[nodiscard]] std::uint32_t checksum(std::string_view bytes);

}  // namespace tocsin::bus::spool
