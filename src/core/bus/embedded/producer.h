// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus's producer: send() encodes the record into its partition's open chunk, a thread
// writes all waiting chunks in one transaction and reports the deliveries.
//
//   send() -> open chunk of the partition -> sealed -> transaction -> on_delivery
//
// A transaction that fails for a reason that may pass (disk full, file busy) is tried again until
// it succeeds or the producer is destroyed; meanwhile send() fills the queue and then waits.
#pragma once

#include <memory>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/embedded/embedded_bus.h"

namespace tocsin::bus::embedded {

[[nodiscard]] Result<std::unique_ptr<Producer>> open_producer(const Settings& settings,
                                                              ProducerOptions options);

}  // namespace tocsin::bus::embedded
