// SPDX-License-Identifier: Apache-2.0
//
// DetectMeter: the metrics and the health of a detector.
//
//   WorkerMeter..., DetectStats, Tracer, rules that were loaded -> Registry, Health
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "app/pipeline/metrics/worker_meter.h"
#include "core/metrics/health.h"
#include "core/metrics/registry.h"
#include "core/trace/tracer.h"

namespace tocsin::pipeline {

struct DetectStats;
struct RuleChanges;

// A detector without partitions is taken for a stand-by after so long: ready to take over.
inline constexpr std::chrono::seconds kStandbyAfter{30};

// Ownership: borrows registry and health, which must outlive it; whoever serves them must end
// first. Threads:   worker(n): its worker's; rules_loaded() and reload_failed(): the thread that
// loads.
class DetectMeter {
 public:
  DetectMeter(metrics::Registry& registry, metrics::Health& health, std::size_t workers);

  [[nodiscard]] WorkerMeter& worker(std::size_t number) { return *workers_[number]; }

  // Only the first `workers` will work; nobody waits for the others. Before run_detect().
  void fit(std::size_t workers);

  // All workers do.
  void wait_for_bus(const Error& error);

  // The first load is no reload.
  void rules_loaded(const RuleChanges& changes, bool reload);
  void reload_failed();

  // Exports these as well, until what is returned is gone.
  [[nodiscard]] metrics::Registry::Asking watch(const DetectStats& stats,
                                                const trace::Tracer& tracer);

 private:
  [[nodiscard]] std::string why_no_partitions() const;

  metrics::Registry& registry_;
  metrics::Condition& rules_;
  metrics::Gauge &in_force_, &rejected_, &kept_, &disabled_;
  metrics::Counter &reloads_, &failed_reloads_;
  metrics::Gauge &reload_ok_, &reload_time_;
  std::vector<std::unique_ptr<WorkerMeter>> workers_;
  std::atomic<std::size_t> at_work_;
  metrics::Registry::Asking asking_;  // last: it asks the others
};

}  // namespace tocsin::pipeline
