// SPDX-License-Identifier: Apache-2.0
//
// How far behind a group is in time: how old the oldest record is that it has not done.
#pragma once

#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::bus {

// For each of the groups, in their order: the time stamp (ms since the Unix epoch) of the oldest
// record that waits for it in each partition with a lag. What Bus::timestamps_at leaves out is left
// out here. All groups share a few questions to the bus: as many as one partition has readers that
// stand at different offsets.
[[nodiscard]] Result<std::vector<Offsets>> oldest_waiting(Bus& bus,
                                                          const std::vector<GroupInfo>& groups);

}  // namespace tocsin::bus
