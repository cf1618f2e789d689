// SPDX-License-Identifier: Apache-2.0
#include "core/event/level.h"

#include <array>
#include <cstddef>

namespace tocsin {
namespace {
constexpr std::array<std::string_view, 5> kNames = {"informational", "low", "medium", "high",
                                                    "critical"};
constexpr std::array<int, 5> kScores = {1, 21, 47, 73, 99};
}  // namespace

std::string_view to_string(Level level) { return kNames[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<Level>(i);
  return std::nullopt;
}

int severity_score(Level level) { return kScores[static_cast<std::size_t>(level)]; }

}  // namespace tocsin
