// SPDX-License-Identifier: Apache-2.0
//
// The Kafka consumer: a member of a group that commits by hand. Partitions move one by one when
// members come and go (cooperative-sticky), so the others read on meanwhile. A batch in hand is
// finished before a partition goes: rebalances are heard in poll() only.
#pragma once

#include <memory>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

[[nodiscard]] Result<std::unique_ptr<Consumer>> open_consumer(const Settings& settings,
                                                              const ConsumerOptions& options);

}  // namespace tocsin::bus::kafka
