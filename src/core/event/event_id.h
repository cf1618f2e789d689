// SPDX-License-Identifier: Apache-2.0
//
// The id of an event: the same for every resend of the same event.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/uuid.h"

namespace tocsin {

// What identifies an event at its source. Empty parts are allowed; all empty means "nothing does".
struct EventIdentity {
  std::string_view event_id;  // body `event.id`
  std::string_view computer;
  std::string_view channel;
  std::string_view record_id;  // EventRecordID as text
  std::string_view time;       // as the event writes it
};

// Order of the contract: header `event_id` (a UUID; any other text is hashed to one); body
// `event.id` if it is a UUID; else derived from computer, channel, EventRecordID and time when the
// record id is known. Empty when none of these exist: the caller falls back to (topic, partition,
// offset) or to the file's position.
[[nodiscard]] std::optional<Uuid> event_id_from(std::string_view header,
                                                const EventIdentity& identity);

[[nodiscard]] Uuid event_id_from_position(std::string_view topic, std::int32_t partition,
                                          std::int64_t offset);

}  // namespace tocsin
