// SPDX-License-Identifier: Apache-2.0
//
// Random legal rules and random events of all shapes, that meet often enough to be worth while.
#pragma once

#include <random>

#include "differential/world.h"

namespace tocsin::differential {

struct WorldSize {
  std::size_t rules, events;
};

// The same seed gives the same world.
[[nodiscard]] World random_world(std::mt19937& random, WorldSize size);

}  // namespace tocsin::differential
