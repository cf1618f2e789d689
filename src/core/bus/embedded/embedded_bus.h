// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus: topics in one SQLite file, for one machine and any number of processes, no
// server.
//
//   embedded:DIR -> DIR/bus.db -> Producer, Consumer, Reader
//
// Durability: a record is acknowledged after its transaction is in the write-ahead log. That
// survives the death of any process at any moment. A power cut may take the last moments with it,
// unless the property `synchronous=full` is given (an fsync for every batch).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::bus::embedded {

// What a user can set, and what every part of an opened bus needs to know.
struct Settings {
  std::string path;                         // of the file
  std::string url;                          // for people
  std::size_t value_bytes_max = 64u << 20;  // value.bytes.max
  bool synchronous_full = false;            // synchronous = normal | full
  std::int64_t page_count_max = 0;          // page.count.max, pages of 8 KiB
  Milliseconds retention_interval{10'000};  // retention.check.ms
};

// Properties with other names (they may be meant for Kafka) are left alone.
[[nodiscard]] Result<std::unique_ptr<Bus>> open(
    const std::string& folder, const std::map<std::string, std::string>& properties);

}  // namespace tocsin::bus::embedded
