// SPDX-License-Identifier: Apache-2.0
//
// The span that a sink of the store stage adds to an event's trace.
//
//   classify_event (detect's) -> write_opensearch
//
// A verdict and each alert of its event come by topics of their own and are written at times of
// their own: each has its span, told apart by the attributes tocsin.record and rule.id.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bus/bus.h"
#include "core/event/verdict.h"
#include "core/trace/tracer.h"

namespace tocsin::pipeline {

// One record of a batch that a sink has taken.
struct StoredRecord {
  const bus::Message* message = nullptr;
  const Alert* alert = nullptr;  // null: a verdict
};

struct StoredBatch {
  std::span<const StoredRecord> records;
  UnixNanos start = 0;  // of the write that succeeded
  UnixNanos end = 0;
};

// Threads: one thread.
class StoreSpans {
 public:
  // `sink`: "opensearch".
  StoreSpans(trace::Tracer& tracer, std::string_view sink);
  void record(const StoredBatch& batch);

 private:
  [[nodiscard]] bool keeps(const trace::Context& context) const;

  trace::Tracer& tracer_;
  const std::string name_;
  const trace::Stage stage_;
  const trace::SpanTemplate common_;
  trace::SpanWriter spans_;
};

}  // namespace tocsin::pipeline
