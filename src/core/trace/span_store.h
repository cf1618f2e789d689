// SPDX-License-Identifier: Apache-2.0
//
// The span store: one SQLite file that every process on this machine writes its spans to, read by
// `tocsin trace` without any server.
//
//   Tracer -> FILE.db -> read_trace(), find_traces(), visit_times(), visit_latest()
//
// A span is keyed by (trace, span id): both are deterministic, so a replay replaces and never
// doubles.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/trace/span.h"

namespace tocsin::trace {

struct StoredSpan : Span {
  std::string service;
};

// Orders by start; of spans that start at once parents come before their children, even where the
// clock was too coarse to tell them apart (Jaeger's API has microseconds).
void order_by_start(std::vector<StoredSpan>& spans);

// All spans of the trace, in that order; none when it is unknown. kNotFound when there is no such
// file.
[[nodiscard]] Result<std::vector<StoredSpan>> read_trace(const std::string& path,
                                                         const TraceId& trace);

// The same of several traces, in their order, through one connection.
[[nodiscard]] Result<std::vector<std::vector<StoredSpan>>> read_traces(
    const std::string& path, const std::vector<TraceId>& traces);

// The traces whose id begins with `prefix` (lower-case hex, 1 to 32 digits), at most `limit`.
[[nodiscard]] Result<std::vector<TraceId>> find_traces(const std::string& path,
                                                       std::string_view prefix, std::size_t limit);

// A span's times, without its attributes.
struct SpanTimes {
  TraceId trace{};
  std::string_view service;
  std::string_view name;
  UnixNanos start = 0;
  UnixNanos end = 0;
};

// Every span that began at `since` or later, in no particular order; views live during the call.
[[nodiscard]] Status visit_times(const std::string& path, UnixNanos since,
                                 const std::function<void(const SpanTimes&)>& visit);

// The spans that came last, at most `spans_max`, the latest first: a look at a large store that
// costs no more than that. Views live during the call.
[[nodiscard]] Status visit_latest(const std::string& path, std::size_t spans_max,
                                  const std::function<void(const SpanTimes&)>& visit);

}  // namespace tocsin::trace
