// SPDX-License-Identifier: Apache-2.0
//
// How old the record at an offset is: a fetch of one record of each partition.
#pragma once

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

// Partitions without a record there, or that do not answer in a few seconds, are left out.
[[nodiscard]] Result<Offsets> timestamps_at(const Settings& settings, const Offsets& offsets);

}  // namespace tocsin::bus::kafka
