// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/metrics/detect_meter.h"

#include <algorithm>

#include "app/pipeline/detect.h"
#include "app/pipeline/metrics/families.h"
#include "app/pipeline/reload/rule_library.h"
#include "core/metrics/process.h"

namespace tocsin::pipeline {

namespace {

metrics::Registry& declared(metrics::Registry& registry) {
  registry.declare(common_families());
  registry.declare(detect_families());
  registry.declare(metrics::process_families());
  return registry;
}

metrics::Gauge& rules_in(metrics::Registry& registry, const char* state) {
  return registry.gauge(family::kRules, {{"state", state}});
}

double as_double(const std::atomic<std::uint64_t>& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

}  // namespace

DetectMeter::DetectMeter(metrics::Registry& registry, metrics::Health& health, std::size_t workers)
    : registry_(declared(registry)),
      rules_(health.condition("rules are being loaded")),
      in_force_(rules_in(registry, "in_force")),
      rejected_(rules_in(registry, "rejected")),
      kept_(rules_in(registry, "kept")),
      disabled_(rules_in(registry, "disabled")),
      reloads_(registry.counter(family::kReloads, {{"outcome", "success"}})),
      failed_reloads_(registry.counter(family::kReloads, {{"outcome", "failure"}})),
      reload_ok_(registry.gauge(family::kReloadOk)),
      reload_time_(registry.gauge(family::kReloadTime)),
      at_work_(workers),
      asking_(registry.ask([this](metrics::Answers& answers) {
        metrics::add_process(answers);
        add_build_info(answers);
        answers.add(family::kWorkers, {}, static_cast<double>(at_work_.load()));
        double partitions = 0;
        for (const auto& worker : workers_) {
          worker->answer(answers);
          partitions += static_cast<double>(worker->partitions());
        }
        answers.add(family::kPartitions, {}, partitions);
      })) {
  for (std::size_t i = 0; i < workers; ++i)
    workers_.push_back(std::make_unique<WorkerMeter>(registry, health, i));
  health.check([this] { return why_no_partitions(); });
}

std::string DetectMeter::why_no_partitions() const {
  std::optional<std::chrono::steady_clock::time_point> idle_since;
  for (const auto& worker : workers_) {
    if (worker->partitions() > 0) return "";
    idle_since = std::max(idle_since, worker->idle_since());
  }
  if (!idle_since) return "no partitions: the group is not joined";
  return std::chrono::steady_clock::now() - *idle_since < kStandbyAfter
             ? "no partitions are assigned to this detector yet"
             : "";
}

void DetectMeter::fit(std::size_t workers) {
  at_work_ = workers;
  for (std::size_t i = workers; i < workers_.size(); ++i) workers_[i]->excuse();
}

void DetectMeter::wait_for_bus(const Error& error) {
  for (std::size_t i = 0; i < at_work_; ++i) workers_[i]->waits_for_bus(error);
}

void DetectMeter::rules_loaded(const RuleChanges& changes, bool reload) {
  in_force_.set(static_cast<double>(changes.in_force));
  rejected_.set(static_cast<double>(changes.rejected));
  kept_.set(static_cast<double>(changes.kept));
  disabled_.set(static_cast<double>(changes.disabled));
  reload_ok_.set(1);
  reload_time_.set(static_cast<double>(now_ns()) / 1e9);
  if (reload) reloads_.add();
  rules_.meet();
}

void DetectMeter::reload_failed() {
  reload_ok_.set(0);
  failed_reloads_.add();
}

metrics::Registry::Asking DetectMeter::watch(const DetectStats& stats,
                                             const trace::Tracer& tracer) {
  return registry_.ask([&stats, &tracer](metrics::Answers& answers) {
    answers.add(family::kEvents, {}, as_double(stats.events));
    answers.add(family::kEventBytes, {}, as_double(stats.bytes));
    answers.add(family::kDetections, {}, as_double(stats.detections));
    answers.add(family::kRepaired, {}, as_double(stats.repaired));
    answers.add(family::kLostPartitions, {}, as_double(stats.lost_partitions));
    add_spans(answers, tracer);
  });
}

}  // namespace tocsin::pipeline
