// SPDX-License-Identifier: Apache-2.0
//
// Reads spans back from Jaeger's HTTP query API, so that what reads the local span store can read
// there as well.
//
//   http://HOST:16686 -> GET /api/traces... -> StoredSpan[]
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace/span_store.h"

namespace tocsin::trace {

// The spans of the trace, in the order of read_trace(); none when Jaeger does not know it.
// kUnavailable: nobody answers; kInvalid: what answers is not Jaeger.
[[nodiscard]] Result<std::vector<StoredSpan>> query_trace(const std::string& url,
                                                          const TraceId& trace);

// The spans of the last `traces_max` traces in which `service` took part since `since`.
[[nodiscard]] Result<std::vector<StoredSpan>> query_recent(const std::string& url,
                                                           const std::string& service,
                                                           UnixNanos since, std::size_t traces_max);

}  // namespace tocsin::trace
