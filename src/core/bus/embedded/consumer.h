// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus's consumer: reads the partitions that its Membership gives it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/embedded/embedded_bus.h"

namespace tocsin::bus::embedded {

[[nodiscard]] Result<std::unique_ptr<Consumer>> open_consumer(const Settings& settings,
                                                              ConsumerOptions options);

}  // namespace tocsin::bus::embedded
