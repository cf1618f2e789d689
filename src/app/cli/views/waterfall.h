// SPDX-License-Identifier: Apache-2.0
//
// The waterfall of one trace: a row per span, indented by its depth, with a bar on a common time
// axis. Pure: spans in, text out.
//
//   read_trace() + what tocsin.db knows -> render_waterfall() -> stdout of `tocsin trace` and the
//   demo
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/cli/tables.h"
#include "core/trace/span_store.h"

namespace tocsin::cli {

// Lines above the waterfall; empty ones are left out.
struct WaterfallHeader {
  std::string event_id;
  std::string host;
  std::string event_class;
  std::vector<std::string> rules;  // as people call them
};

// `spans` are of one trace, in any order. The time between the end of a PRODUCER span and the start
// of its CONSUMER child, the message's wait in the topic, is a row of its own. A span whose parent
// is missing stands at the top, so that an incomplete trace shows all it has. No gap is negative: a
// consumer that seems to begin before its producer's span ended is drawn later, and this is said.
[[nodiscard]] std::string render_waterfall(std::span<const trace::StoredSpan> spans,
                                           const WaterfallHeader& header, const Style& style);

// One JSON object, with its newline: {"trace_id":...,"duration_ns":...,"spans":[...]}.
[[nodiscard]] std::string trace_json(std::span<const trace::StoredSpan> spans);

}  // namespace tocsin::cli
