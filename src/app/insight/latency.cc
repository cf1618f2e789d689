// SPDX-License-Identifier: Apache-2.0
#include "app/insight/latency.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tocsin::insight {
namespace {

constexpr const char* kTopicWait = "(waiting in topic)";
constexpr const char* kBatchWait = "(waiting in batch)";
constexpr const char* kWhole = "(from reading to durable)";

struct Part {
  std::string step;
  std::int64_t sum = 0;
};

struct Advice {
  std::string_view step;  // its beginning
  std::string_view text;
};
constexpr std::array<Advice, 6> kAdvice = {{
    {"produce_event", "events come slowly from their source: more producers, or faster disks"},
    {"send ", "the bus acknowledges slowly: look at the brokers, their disks and the network"},
    {kTopicWait,
     "detectors do not keep up: more --workers, or more detectors of the same group "
     "(and partitions for them)"},
    {kBatchWait,
     "an event waits for the others of its batch: a smaller --batch, or more --workers"},
    {"classify_event", "matching: see `tocsin rules stats` for dear rules; more --workers"},
    {"write_", "a sink is slow: its disk, --no-fsync, or fewer --sinks"},
}};

int rank_of(std::string_view step) {
  for (std::size_t i = 0; i < kAdvice.size(); ++i)
    if (step.starts_with(kAdvice[i].step)) return static_cast<int>(i) * 10;
  return step.starts_with("process ") ? 25 : 90;
}

// The smallest value that at least `per_mille` of all do not exceed.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, std::size_t per_mille) {
  const std::size_t rank = (sorted.size() * per_mille + 999) / 1'000;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

LatencyRow row_of(std::string step, std::string service, std::vector<std::int64_t> durations) {
  std::sort(durations.begin(), durations.end());
  LatencyRow row;
  row.step = std::move(step);
  row.service = std::move(service);
  row.count = durations.size();
  row.p50 = percentile(durations, 500);
  row.p95 = percentile(durations, 950);
  row.p99 = percentile(durations, 990);
  row.max = durations.back();
  return row;
}

}  // namespace

std::size_t LatencyCollector::HashTrace::operator()(const trace::TraceId& id) const {
  std::uint64_t parts[2];
  std::memcpy(parts, id.data(), sizeof parts);
  return static_cast<std::size_t>(parts[0] ^ (parts[1] * 0x9e3779b97f4a7c15ULL));
}

void LatencyCollector::add(const trace::SpanTimes& span) {
  Step& step = steps_[std::string(span.name)];
  if (step.service.empty()) step.service = span.service;
  const std::int64_t duration = std::max<std::int64_t>(0, span.end - span.start);
  step.durations.push_back(duration);
  if (span.name == "produce_event") {
    events_[span.trace].read = span.start;
  } else if (span.name.starts_with("send ")) {
    Event& event = events_[span.trace];
    event.sent = span.start;
    event.acknowledged = span.end;
  } else if (span.name.starts_with("process ")) {
    Event& event = events_[span.trace];
    event.received = span.start;
    event.done = span.end;
  } else if (span.name == "classify_event") {
    events_[span.trace].classify += duration;
  } else if (span.name.starts_with("write_")) {
    events_[span.trace].writes += duration;
  }
}

Latency LatencyCollector::result() const {
  Latency out;
  std::vector<std::int64_t> topic_wait, batch_wait, whole;
  std::map<std::string, std::int64_t> sums;
  std::int64_t total = 0;
  for (const auto& [id, event] : events_) {
    if (event.sent == 0 || event.received == 0) continue;
    // A consumer may see a record before its producer sees the acknowledgement: no wait, then.
    topic_wait.push_back(std::max<std::int64_t>(0, event.received - event.acknowledged));
    batch_wait.push_back(
        std::max<std::int64_t>(0, event.done - event.received - event.classify - event.writes));
    const UnixNanos read = event.read != 0 ? event.read : event.sent;
    whole.push_back(std::max<std::int64_t>(0, event.done - read));
    total += whole.back();
    sums["produce_event"] += std::max<std::int64_t>(0, event.sent - read);
    sums["send "] +=
        std::max<std::int64_t>(0, std::min(event.acknowledged, event.received) - event.sent);
    sums[kTopicWait] += topic_wait.back();
    sums[kBatchWait] += batch_wait.back();
    sums["classify_event"] += event.classify;
    sums["write_"] += event.writes;
  }
  out.traces = whole.size();
  for (const auto& [name, step] : steps_)
    out.rows.push_back(row_of(name, step.service, step.durations));
  if (out.traces > 0) {
    out.rows.push_back(row_of(kTopicWait, "", std::move(topic_wait)));
    out.rows.push_back(row_of(kBatchWait, "", std::move(batch_wait)));
  }
  std::stable_sort(out.rows.begin(), out.rows.end(),
                   [](const auto& a, const auto& b) { return rank_of(a.step) < rank_of(b.step); });
  if (out.traces == 0) return out;
  out.rows.push_back(row_of(kWhole, "", std::move(whole)));
  const auto largest = std::max_element(
      sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  for (const Advice& advice : kAdvice)
    if (largest->first == advice.step) out.advice = advice.text;
  // The share of the writes is told once, in the row of the sink that took longest.
  const auto slower = [](const LatencyRow* a, const LatencyRow& b) {
    return a == nullptr || b.p50 > a->p50;
  };
  for (const auto& [part, sum] : sums) {
    LatencyRow* found = nullptr;
    for (LatencyRow& row : out.rows)
      if (row.step.starts_with(part) && slower(found, row)) found = &row;
    if (found == nullptr || total == 0) continue;
    found->share = static_cast<double>(sum) / static_cast<double>(total);
    if (part == largest->first) out.bottleneck = found->step;
  }
  return out;
}

}  // namespace tocsin::insight
