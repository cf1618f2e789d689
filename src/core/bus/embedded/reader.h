// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus's reader: looks at a topic without a group.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/embedded/embedded_bus.h"

namespace tocsin::bus::embedded {

[[nodiscard]] Result<std::unique_ptr<Reader>> open_reader(const Settings& settings,
                                                          std::string topic, ReadFrom from);

}  // namespace tocsin::bus::embedded
