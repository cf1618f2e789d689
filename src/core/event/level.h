// SPDX-License-Identifier: Apache-2.0
//
// Level: how severe a rule says its match is (Sigma specification 2.1, "level").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin {

enum class Level : std::uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };

[[nodiscard]] std::string_view to_string(Level level);  // "informational" ... "critical"
[[nodiscard]] std::optional<Level> parse_level(std::string_view text);

// ECS event.severity and the verdict's score: 1, 21, 47, 73, 99 (the scale of Elastic's risk
// score).
[[nodiscard]] int severity_score(Level level);

}  // namespace tocsin
