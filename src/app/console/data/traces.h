// SPDX-License-Identifier: Apache-2.0
//
// Traces: the spans of one event, recent and slow traces, and percentiles, from the span store or
// Jaeger, whichever the console was given.
//
//   traces.db | Jaeger -> Traces -> /traces, /latency
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/console/data/refreshed.h"
#include "app/insight/latency.h"
#include "base/result.h"
#include "core/trace/span_store.h"

namespace tocsin::console {

struct TraceSummary {
  trace::TraceId id{};
  std::string event_id, host;
  std::string event_class = "None";
  UnixNanos start = 0;
  std::int64_t duration_us = 0;
  std::size_t spans = 0;
  bool error = false;
};
[[nodiscard]] TraceSummary summary_of(const std::vector<trace::StoredSpan>& spans);

struct FoundTrace {
  trace::TraceId id{};
  std::vector<trace::StoredSpan> spans;  // none: unknown
  bool from_jaeger = false;
};

// Threads: thread-safe.
class Traces {
 public:
  static constexpr std::size_t kSpansListed = 20'000;     // looked at for the list
  static constexpr std::size_t kSpansSearched = 100'000;  // for slow ones, and with `q`
  static constexpr std::size_t kSpansMeasured = 100'000;  // for percentiles
  static constexpr std::chrono::seconds kLatencyKept{5};

  // `store`: FILE.db or Jaeger's URL. `jaeger`: asked for what the store lacks; may be empty.
  Traces(std::string store, std::string jaeger);

  // By trace id or event id, with or without dashes. kInvalid when it is neither.
  [[nodiscard]] Result<FoundTrace> find(std::string_view id) const;
  // The latest; with `min_us` the slowest of these. `q`: a part of host, class or id.
  [[nodiscard]] Result<std::vector<TraceSummary>> recent(std::size_t limit, std::int64_t min_us,
                                                         std::string_view q) const;
  // At most kLatencyKept old, and a little more while it is measured anew.
  [[nodiscard]] Result<insight::Latency> latency() const { return latency_.get(); }
  // Without waiting: empty while there is none, or only an old one.
  [[nodiscard]] std::optional<insight::Latency> known_latency() const { return latency_.known(); }

 private:
  [[nodiscard]] bool store_is_jaeger() const { return store_.find("://") != std::string::npos; }

  const std::string store_, jaeger_;
  Refreshed<insight::Latency> latency_;
};

}  // namespace tocsin::console
