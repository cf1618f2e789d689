// SPDX-License-Identifier: Apache-2.0
//
// Figures: the pipeline at this moment, in a few numbers.
//
//   BusWatch -> figures_of() -> /overview (now), /live (stats)
#pragma once

#include <cstdint>
#include <optional>

#include "app/console/context.h"

namespace tocsin::console {

struct Figures {
  double events_per_second = 0;  // classified
  std::int64_t lag = 0;          // of the groups that read the raw topic, the largest
  std::int64_t lag_ms = 0;
  std::int64_t events = 0, alerts = 0;  // on their topics since these began
};

// Zeros while the bus does not answer.
[[nodiscard]] Figures figures_of(const Context& context);

}  // namespace tocsin::console
