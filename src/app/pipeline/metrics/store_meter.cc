// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/metrics/store_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/pipeline/metrics/families.h"
#include "core/metrics/process.h"

namespace tocsin::pipeline {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

double seconds(std::int64_t nanoseconds) {
  return static_cast<double>(std::max<std::int64_t>(0, nanoseconds)) * 1e-9;
}

metrics::Registry& declared(metrics::Registry& registry) {
  registry.declare(common_families());
  registry.declare(store_families());
  registry.declare(metrics::process_families());
  return registry;
}

metrics::Labels output(const std::string& name) { return {{"output", name}}; }

metrics::Counter& stored(metrics::Registry& registry, const std::string& name, const char* record) {
  return registry.counter(family::kStored, {{"output", name}, {"record", record}});
}

}  // namespace

SinkMeter::SinkMeter(metrics::Registry& registry, metrics::Health& health, std::string name)
    : registry_(registry),
      name_(std::move(name)),
      pulse_(health.pulse(name_)),
      bus_(health.condition(name_ + " has not heard of the bus yet")),
      output_(health.condition({})),
      verdicts_(stored(registry, name_, "verdict")),
      alerts_(stored(registry, name_, "alert")),
      batch_seconds_(registry.histogram(family::kBatchSeconds, output(name_))),
      write_seconds_(registry.histogram(family::kOutputSeconds, output(name_))),
      failures_(registry.counter(family::kOutputFailures, output(name_))),
      retries_(registry.counter(family::kOutputRetries, output(name_))),
      skipped_(registry.counter(family::kSkippedOffsets, output(name_))),
      poll_errors_(registry.counter(family::kPollErrors, output(name_))),
      refused_commits_(registry.counter(family::kLostPartitions, output(name_))) {
  output_.meet();
}

void SinkMeter::turn(bus::Consumer& consumer) {
  pulse_.turn();
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  lag_.look(consumer.positions());
}

void SinkMeter::poll_failed(const Error& error) {
  poll_errors_.add();
  bus_.fail(error.message);
}

void SinkMeter::taken(bus::Consumer& consumer, const bus::Batch& batch) {
  bus_.meet();
  if (batch.empty()) return;
  if (!lag_.knows(batch)) lag_.meet(consumer.positions());
  lag_.taken(batch);
}

metrics::Counter& SinkMeter::dead_letters(std::string_view code) {
  auto counter = dead_letters_.find(code);
  if (counter == dead_letters_.end())
    counter =
        dead_letters_
            .emplace(code, &registry_.counter(family::kDeadLetters,
                                              {{"code", std::string(code)}, {"output", name_}}))
            .first;
  return *counter->second;
}

void SinkMeter::wrote(std::int64_t nanoseconds) {
  write_seconds_.observe(seconds(nanoseconds));
  output_.meet();
}

void SinkMeter::write_failed(const Error& error) {
  pulse_.turn();
  failures_.add();
  retries_.add();
  output_.fail(fmt::format("output {}: {}", name_, error.message));
}

void SinkMeter::committed(std::size_t verdicts, std::size_t alerts, UnixNanos received,
                          UnixNanos now) {
  verdicts_.add(verdicts);
  alerts_.add(alerts);
  batch_seconds_.observe(seconds(now - received));
  lag_.committed(now);
}

void SinkMeter::rest() {
  pulse_.rest();
  lag_.clear();
}

void SinkMeter::answer(metrics::Answers& answers) const {
  lag_.answer(answers, output(name_));
  answers.add(family::kPartitions, output(name_), static_cast<double>(lag_.partitions()));
}

StoreMeter::StoreMeter(metrics::Registry& registry, metrics::Health& health)
    : registry_(declared(registry)), health_(health) {}

void StoreMeter::wait_for_bus(const Error& error) {
  for (SinkMeter& sink : sinks_) sink.waits_for_bus(error);
}

SinkMeter& StoreMeter::add(const std::string& sink) {
  return sinks_.emplace_back(registry_, health_, sink);
}

metrics::Registry::Asking StoreMeter::watch(const trace::Tracer& tracer) {
  return registry_.ask([this, &tracer](metrics::Answers& answers) {
    metrics::add_process(answers);
    add_build_info(answers);
    for (const SinkMeter& sink : sinks_) sink.answer(answers);
    add_spans(answers, tracer);
  });
}

}  // namespace tocsin::pipeline
