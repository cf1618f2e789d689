// SPDX-License-Identifier: Apache-2.0
//
// ProduceMeter: the metrics and the health of a producer.
//
//   publish() -> PublishCells; problems; Tracer -> Registry, Health
//
// A producer has no loop that must come round: it may rightly wait for its input for days, and for
// the bus as long as that is away. So it is healthy while it answers, and ready while the bus
// acknowledges.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/metrics/health.h"
#include "core/metrics/registry.h"
#include "core/trace/tracer.h"
#include "stages/produce/publish.h"

namespace tocsin::pipeline {

// The bus is taken for unreachable when it acknowledged nothing for so long while events wait.
inline constexpr std::chrono::seconds kSilenceMax{15};

// Ownership: borrows registry and health, which must outlive it; whoever serves them must end
// first. Threads:   problem(): the thread of publish().
class ProduceMeter {
 public:
  ProduceMeter(metrics::Registry& registry, metrics::Health& health);

  // The topics are there.
  void bus_reached() { bus_.meet(); }
  void problem(const produce::Problem& problem);
  // How the spool stands now; from any thread. Without a call there is no spool to tell of.
  void spool(const bus::spool::SpooledProducerStats& stats);
  [[nodiscard]] produce::PublishCells& cells() { return cells_; }

  // Exports it as well, until what is returned is gone.
  [[nodiscard]] metrics::Registry::Asking watch(const trace::Tracer& tracer);

 private:
  [[nodiscard]] std::uint64_t in_flight() const;
  [[nodiscard]] std::string why_silent();
  void add_spool(metrics::Answers& answers);

  metrics::Registry& registry_;
  metrics::Condition& bus_;
  produce::PublishCells cells_;
  metrics::Counter& skipped_;
  std::map<std::string, metrics::Counter*> dead_letters_;
  std::mutex mutex_;
  std::optional<bus::spool::SpooledProducerStats> spool_;
  std::uint64_t answered_seen_ = 0;
  std::chrono::steady_clock::time_point answered_at_{};
  metrics::Registry::Asking asking_;  // last: it asks the others
};

}  // namespace tocsin::pipeline
