// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/health.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::metrics {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

}  // namespace

void Pulse::turn() {
  last_.store(std::max<std::int64_t>(1, steady_ns()), std::memory_order_relaxed);
}

std::optional<std::chrono::nanoseconds> Pulse::age() const {
  const std::int64_t last = last_.load(std::memory_order_relaxed);
  if (last == 0) return std::nullopt;
  return std::chrono::nanoseconds(steady_ns() - last);
}

void Condition::meet() {
  if (met_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  met_ = true;
}

void Condition::fail(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (met_.exchange(false)) since_ = Clock::now();
  if (reason_ != reason) reason_ = reason;
}

std::optional<Condition::Unmet> Condition::unmet() const {
  if (met_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return Unmet{reason_, std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since_)};
}

Pulse& Health::pulse(std::string name) {
  const std::lock_guard lock(mutex_);
  return pulses_.emplace_back(std::move(name));
}

Condition& Health::condition(std::string reason) {
  const std::lock_guard lock(mutex_);
  return conditions_.emplace_back(std::move(reason));
}

void Health::check(std::function<std::string()> why) {
  const std::lock_guard lock(mutex_);
  checks_.push_back(std::move(why));
}

std::vector<std::string> Health::stalled() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const Pulse& pulse : pulses_) {
    const auto age = pulse.age();
    if (age && *age > stall_)
      lines.push_back(fmt::format("{} has not come round for {} s", pulse.name(),
                                  std::chrono::duration_cast<std::chrono::seconds>(*age).count()));
  }
  return lines;
}

std::vector<std::string> Health::unmet() const {
  std::vector<std::string> lines = stalled();
  const std::lock_guard lock(mutex_);
  for (const Condition& condition : conditions_)
    if (const auto why = condition.unmet()) {
      std::string line = fmt::format("{} (for {} s)", why->reason, why->since.count());
      // Several workers wait for the same thing.
      if (std::find(lines.begin(), lines.end(), line) == lines.end())
        lines.push_back(std::move(line));
    }
  for (const auto& why : checks_)
    if (std::string reason = why(); !reason.empty()) lines.push_back(std::move(reason));
  return lines;
}

}  // namespace tocsin::metrics
