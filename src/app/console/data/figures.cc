// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/figures.h"

#include <algorithm>

namespace tocsin::console {

Figures figures_of(const Context& context) {
  Figures out;
  const auto view = context.watch.latest();
  if (!view) return out;
  const Options& options = context.options;
  for (const WatchedGroup& group : (*view)->groups) {
    const bool reads_raw =
        std::any_of(group.partitions.begin(), group.partitions.end(),
                    [&](const auto& p) { return p.state.where.topic == options.raw_topic; });
    if (!reads_raw) continue;
    out.events_per_second = std::max(out.events_per_second, group.per_second);
    out.lag = std::max(out.lag, group.lag);
    out.lag_ms = std::max(out.lag_ms, group.lag_ms);
  }
  if (const WatchedTopic* topic = (*view)->topic(options.raw_topic)) out.events = topic->end;
  if (const WatchedTopic* topic = (*view)->topic(options.alerts_topic)) out.alerts = topic->end;
  return out;
}

}  // namespace tocsin::console
