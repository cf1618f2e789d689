// SPDX-License-Identifier: Apache-2.0
//
// What tocsin.db knows of one event: for `tocsin trace` and whoever holds an id and wants the
// story.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/event/verdict.h"

namespace tocsin::store {

struct FoundEvent {
  Uuid event_id;
  std::array<std::uint8_t, 16> trace_id{};
  std::string host;
  std::string event_class;
  std::vector<std::string> rules;  // "name (level, id)" of each alert, most severe first
};

// Empty when the database has no verdict on it; kNotFound when there is no database.
[[nodiscard]] Result<std::optional<FoundEvent>> find_event(const std::string& path,
                                                           const Uuid& event_id);
// The same by trace id, where an agent brought its own. Reads the whole table.
[[nodiscard]] Result<std::optional<FoundEvent>> find_event_by_trace(
    const std::string& path, const std::array<std::uint8_t, 16>& trace_id);
// An event worth looking at: the one with the highest score, then the most alerts. Empty without a
// detection.
[[nodiscard]] Result<std::optional<FoundEvent>> find_most_severe(const std::string& path);

}  // namespace tocsin::store
