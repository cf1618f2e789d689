// SPDX-License-Identifier: Apache-2.0
//
// Messages of a topic as the console shows them: JSON of one, which of them are wanted, and pages
// of a topic forwards and backwards.
//
//   Bus -> read_page() -> MessagePage;   bus::Message -> append_message() -> JSON
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::console {

inline constexpr std::size_t kValueBytesShown = 256u << 10;

// {partition, offset, time, key, headers, size, value, json, truncated}
void append_message(std::string& out, const bus::Message& message);

// TEXT: the value or the key holds it, case ignored in ASCII. FIELD:TEXT: a header FIELD, the key,
// or a member FIELD of the JSON value (nested as in Event.System.Channel, or its last name alone)
// holds it. Empty: everything passes.
class MessageTest {
 public:
  explicit MessageTest(std::string text);
  [[nodiscard]] bool passes(const bus::Message& message) const;

 private:
  std::string text_;           // lower case
  std::string field_, value_;  // lower case; empty: no FIELD:TEXT
};

enum class Direction : std::uint8_t { kForward, kBackward };

struct PageRequest {
  std::string topic;
  std::optional<std::int32_t> partition;
  Direction direction = Direction::kBackward;
  // Of each partition: forwards the offset to begin with, backwards the one to end before.
  // Partitions without one begin at the first, or end at the last.
  std::map<std::int32_t, std::int64_t> bounds;
  std::size_t limit = 50;
  std::size_t scan_max = 20'000;
  std::function<bool(const bus::Message&)> test;  // which are wanted; empty: all
  // What is shown of one.
  std::function<void(std::string&, const bus::Message&)> write = &append_message;
};

struct MessagePage {
  std::vector<std::string> items;  // JSON: forwards the oldest first, backwards the newest
  std::map<std::int32_t, std::int64_t> bounds;  // of the next page
  std::size_t scanned = 0;
  bool reached_end = false;  // there is no more in this direction
};

// kNotFound: no such topic or partition.
[[nodiscard]] Result<MessagePage> read_page(bus::Bus& bus, const PageRequest& request);

// Where the next page begins, as text: "f.0-120.1-99": direction, then partition and bound.
[[nodiscard]] std::string page_cursor(Direction direction,
                                      const std::map<std::int32_t, std::int64_t>& bounds);
// False: it is no such text.
[[nodiscard]] bool read_page_cursor(const std::string& text, PageRequest& page);

// The one record, or empty when it is not there any more.
[[nodiscard]] Result<std::optional<std::string>> read_value(bus::Bus& bus, const std::string& topic,
                                                            std::int32_t partition,
                                                            std::int64_t offset);

// Calls `take` with the records [first, end) of a partition, until it returns false.
[[nodiscard]] Status read_range(bus::Bus& bus, const bus::TopicPartition& where, std::int64_t first,
                                std::int64_t end,
                                const std::function<bool(const bus::Message&)>& take);

}  // namespace tocsin::console
