// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/metrics/worker_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/pipeline/metrics/families.h"

namespace tocsin::pipeline {
namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr std::array kLevels = {Level::kInformational, Level::kLow, Level::kMedium, Level::kHigh,
                                Level::kCritical};

double seconds(std::int64_t nanoseconds) {
  return static_cast<double>(std::max<std::int64_t>(0, nanoseconds)) * 1e-9;
}

}  // namespace

WorkerMeter::WorkerMeter(metrics::Registry& registry, metrics::Health& health, std::size_t number)
    : registry_(registry),
      name_(fmt::format("worker {}", number + 1)),
      pulse_(health.pulse(name_)),
      bus_(health.condition(name_ + " has not heard of the bus yet")),
      outputs_(health.condition({})),
      classify_seconds_(registry.histogram(family::kClassifySeconds)),
      batch_seconds_(registry.histogram(family::kBatchSeconds)),
      wait_seconds_(registry.histogram(family::kWaitSeconds)),
      latency_seconds_(registry.histogram(family::kLatencySeconds)),
      skipped_(registry.counter(family::kSkippedOffsets)),
      poll_errors_(registry.counter(family::kPollErrors)),
      queue_(registry.gauge(family::kBusQueue)),
      value_hits_(memo("values", "hit")),
      value_misses_(memo("values", "miss")),
      outcome_hits_(memo("outcomes", "hit")),
      outcome_misses_(memo("outcomes", "miss")) {
  outputs_.meet();
  for (const Level level : kLevels) {
    auto& counters = matches_[static_cast<std::size_t>(level)];
    for (const bool alert : {false, true})
      counters[alert] = &registry.counter(
          family::kRuleMatches,
          {{"level", std::string(to_string(level))}, {"outcome", alert ? "alert" : "suppressed"}});
  }
}

metrics::Counter& WorkerMeter::memo(const char* name, const char* result) {
  return registry_.counter(family::kMemoLookups, {{"memo", name}, {"result", result}});
}

void WorkerMeter::turn(bus::Consumer& consumer, std::size_t unacknowledged) {
  pulse_.turn();
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  queue_.set(static_cast<double>(unacknowledged));
  lag_.look(consumer.positions());
  if (lag_.partitions() > 0 && idle_since_.load(std::memory_order_relaxed) != 0)
    idle_since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

std::optional<std::chrono::steady_clock::time_point> WorkerMeter::idle_since() const {
  const std::int64_t since = idle_since_.load(std::memory_order_relaxed);
  if (since == 0) return std::nullopt;
  return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(since));
}

void WorkerMeter::poll_failed(const Error& error) {
  poll_errors_.add();
  bus_.fail(error.message);
  idle_since_.store(0, std::memory_order_relaxed);
}

void WorkerMeter::taken(bus::Consumer& consumer, const bus::Batch& batch, UnixNanos received) {
  bus_.meet();
  if (idle_since_.load(std::memory_order_relaxed) == 0)
    idle_since_.store(std::chrono::steady_clock::now().time_since_epoch().count(),
                      std::memory_order_relaxed);
  if (batch.empty()) return;
  for (const bus::Message& message : batch.messages())
    wait_seconds_.observe(seconds(received - message.timestamp_ms * 1'000'000));
  if (!lag_.knows(batch)) lag_.meet(consumer.positions());
  lag_.taken(batch);
}

metrics::Counter& WorkerMeter::dead_letters(std::string_view code) {
  auto counter = dead_letters_.find(code);
  if (counter == dead_letters_.end())
    counter =
        dead_letters_
            .emplace(code, &registry_.counter(family::kDeadLetters, {{"code", std::string(code)}}))
            .first;
  return *counter->second;
}

WorkerMeter::Output& WorkerMeter::output_of(std::string_view name) {
  const auto known = outputs_by_name_.find(name);
  if (known != outputs_by_name_.end()) return known->second;
  const metrics::Labels labels = {{"output", std::string(name)}};
  return outputs_by_name_
      .emplace(name, Output{registry_.histogram(family::kOutputSeconds, labels),
                            registry_.counter(family::kOutputFailures, labels),
                            registry_.counter(family::kOutputRetries, labels)})
      .first->second;
}

void WorkerMeter::wrote(std::string_view output, std::int64_t nanoseconds) {
  output_of(output).seconds.observe(seconds(nanoseconds));
  outputs_.meet();
}

void WorkerMeter::write_failed(std::string_view output, const Error& error, bool again) {
  pulse_.turn();
  Output& one = output_of(output);
  one.failures.add();
  if (again) one.retries.add();
  outputs_.fail(fmt::format("{}: output {}: {}", name_, output, error.message));
}

void WorkerMeter::settled(const bus::Message& message, const trace::TraceId* trace,
                          UnixNanos done) {
  const double latency = seconds(done - message.timestamp_ms * 1'000'000);
  latency_seconds_.observe(latency);
  if (trace != nullptr) latency_seconds_.note({*trace, latency, done});
}

void WorkerMeter::committed(UnixNanos received, UnixNanos now) {
  batch_seconds_.observe(seconds(now - received));
  lag_.committed(now);
}

// New rules bring a new matcher, which begins at 0.
void WorkerMeter::remembered(const match::Matcher::MemoUse& use) {
  if (use.values < memo_before_.values || use.events < memo_before_.events) memo_before_ = {};
  const std::uint64_t value_misses = use.values_missed - memo_before_.values_missed;
  const std::uint64_t event_misses = use.events_missed - memo_before_.events_missed;
  value_hits_.add(use.values - memo_before_.values - value_misses);
  value_misses_.add(value_misses);
  outcome_hits_.add(use.events - memo_before_.events - event_misses);
  outcome_misses_.add(event_misses);
  memo_before_ = use;
}

void WorkerMeter::excuse() {
  bus_.meet();
  pulse_.rest();
}

void WorkerMeter::rest() {
  pulse_.rest();
  queue_.set(0);
  lag_.clear();
}

}  // namespace tocsin::pipeline
