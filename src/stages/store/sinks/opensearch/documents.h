// SPDX-License-Identifier: Apache-2.0
//
// Documents: what a verdict or an alert is in OpenSearch, and in which index.
//
//   Alert   -> {prefix}-alerts-2026.11.27,   _id = alert id
//   Verdict -> {prefix}-verdicts-2026.11.27, _id = event id
//
// Ids are unique within an index only, so the index must follow from the event alone: from the day
// on which it happened. An event that comes again, hours or days later, under new rules too, meets
// its first document. A data stream, or an index of the day of writing, would keep both.
//
// But what an event says of its time may be anything. Days are few: only those up to 35 days before
// the verdict have an index of their own. Older events share that of their year, and those without
// a believable time share one. So a host with a wrong clock, or a hostile one, cannot fill a
// cluster with indices.
#pragma once

#include <string>
#include <string_view>

#include "core/event/verdict.h"

namespace tocsin::store::opensearch {

// "2026.11.27", "2019" or "undated".
[[nodiscard]] std::string period_of(UnixNanos happened, UnixNanos seen);

// One compact JSON object with the names of ECS, no newline. `@timestamp` is there in any case:
// without a time of its own it is when detect saw the event.
void append_document(std::string& out, const Verdict& verdict);
void append_document(std::string& out, const Alert& alert);

}  // namespace tocsin::store::opensearch
