// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/store/store_spans.h"

#include <fmt/format.h>

namespace tocsin::pipeline {

StoreSpans::StoreSpans(trace::Tracer& tracer, std::string_view sink)
    : tracer_(tracer),
      name_(fmt::format("write_{}", sink)),
      stage_(name_),
      common_(name_, trace::SpanKind::kInternal) {}

// What detect did not keep has no span to hang under, whatever this stage would choose.
bool StoreSpans::keeps(const trace::Context& context) const {
  const trace::Sampler& sampler = tracer_.sampler();
  return context.sampled() && (sampler.decides_late() || sampler.keeps(context.trace, &context));
}

void StoreSpans::record(const StoredBatch& batch) {
  if (!tracer_.enabled()) return;
  std::size_t unmade = 0;
  for (const StoredRecord& record : batch.records) {
    const auto context = trace::parse_traceparent(record.message->header("traceparent"));
    if (!context || !keeps(*context)) continue;
    if (!tracer_.has_room()) {
      ++unmade;
      continue;
    }
    const trace::SpanId id =
        record.alert == nullptr
            ? stage_.id_in(context->trace)
            : trace::span_id_of(context->trace, fmt::format("{} {}", name_, record.alert->rule_id));
    spans_.begin(common_, {context->trace, id, context->span}, batch.start, batch.end);
    spans_.text("event.id", record.message->header("event_id"));
    spans_.text("tocsin.record", record.alert == nullptr ? "verdict" : "alert");
    if (record.alert != nullptr) spans_.text("rule.id", record.alert->rule_id);
    spans_.integer("tocsin.batch.records", static_cast<std::int64_t>(batch.records.size()));
    spans_.end();
    if (spans_.full()) tracer_.record(spans_.take());
  }
  tracer_.record(spans_.take());
  if (unmade > 0) tracer_.count_dropped(unmade);
}

}  // namespace tocsin::pipeline
