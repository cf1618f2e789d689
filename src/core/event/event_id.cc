// SPDX-License-Identifier: Apache-2.0
#include "core/event/event_id.h"

#include <fmt/format.h>

#include <string>

namespace tocsin {

std::optional<Uuid> event_id_from(std::string_view header, const EventIdentity& identity) {
  if (!header.empty()) {
    if (const auto id = Uuid::parse(header); id && !id->is_nil()) return id;
    return Uuid::hashed(fmt::format("tocsin:event-id\n{}", header));
  }
  if (!identity.event_id.empty()) {
    if (const auto id = Uuid::parse(identity.event_id); id && !id->is_nil()) return id;
  }
  if (identity.record_id.empty() || (identity.computer.empty() && identity.channel.empty()))
    return std::nullopt;
  return Uuid::hashed(fmt::format("tocsin:windows\n{}\n{}\n{}\n{}", identity.computer,
                                  identity.channel, identity.record_id, identity.time));
}

Uuid event_id_from_position(std::string_view topic, std::int32_t partition, std::int64_t offset) {
  return Uuid::hashed(fmt::format("tocsin:position\n{}\n{}\n{}", topic, partition, offset));
}

}  // namespace tocsin
