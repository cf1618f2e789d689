// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/metrics/produce_meter.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/pipeline/metrics/families.h"
#include "base/clock.h"
#include "core/metrics/process.h"

namespace tocsin::pipeline {
namespace {

metrics::Registry& declared(metrics::Registry& registry) {
  registry.declare(common_families());
  registry.declare(produce_families());
  registry.declare(metrics::process_families());
  return registry;
}

}  // namespace

ProduceMeter::ProduceMeter(metrics::Registry& registry, metrics::Health& health)
    : registry_(declared(registry)),
      bus_(health.condition("the topics of the bus have not been reached yet")),
      cells_{registry.counter(family::kEvents),       registry.counter(family::kEventBytes),
             registry.counter(family::kAcknowledged), registry.counter(family::kNotStored),
             registry.counter(family::kNotStored),    registry.histogram(family::kSendSeconds)},
      skipped_(registry.counter(family::kFilesSkipped)),
      asking_(registry.ask([this](metrics::Answers& answers) {
        metrics::add_process(answers);
        add_build_info(answers);
        answers.add(family::kBusQueue, {}, static_cast<double>(in_flight()));
        add_spool(answers);
      })) {
  health.check([this] { return why_silent(); });
}

std::uint64_t ProduceMeter::in_flight() const {
  const std::uint64_t answered = cells_.answered.value();
  const std::uint64_t sent = cells_.sent.value();
  return sent > answered ? sent - answered : 0;
}

std::string ProduceMeter::why_silent() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t answered = cells_.answered.value();
  if (in_flight() == 0 || answered != answered_seen_ ||
      answered_at_.time_since_epoch().count() == 0)
    answered_at_ = now;
  answered_seen_ = answered;
  const auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - answered_at_);
  if (silent < kSilenceMax) return {};
  return fmt::format("the bus has acknowledged none of {} events for {} s", in_flight(),
                     silent.count());
}

void ProduceMeter::problem(const produce::Problem& problem) {
  if (problem.skipped_only) return skipped_.add();
  metrics::Counter*& counter = dead_letters_[problem.code];
  if (counter == nullptr)
    counter = &registry_.counter(family::kDeadLetters, {{"code", problem.code}});
  counter->add();
}

void ProduceMeter::spool(const bus::spool::SpooledProducerStats& stats) {
  const std::lock_guard lock(mutex_);
  spool_ = stats;
}

void ProduceMeter::add_spool(metrics::Answers& answers) {
  const std::lock_guard lock(mutex_);
  if (!spool_) return;
  answers.add(family::kSpoolRecords, {}, static_cast<double>(spool_->waiting));
  answers.add(family::kSpoolBytes, {}, static_cast<double>(spool_->waiting_bytes));
  answers.add(family::kSpoolBytesMax, {}, static_cast<double>(spool_->bytes_max));
  const UnixNanos age = spool_->oldest == 0 ? 0 : std::max<UnixNanos>(0, now_ns() - spool_->oldest);
  answers.add(family::kSpoolOldestSeconds, {}, static_cast<double>(age) / 1e9);
}

metrics::Registry::Asking ProduceMeter::watch(const trace::Tracer& tracer) {
  return registry_.ask([&tracer](metrics::Answers& answers) { add_spans(answers, tracer); });
}

}  // namespace tocsin::pipeline
