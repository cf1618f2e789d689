// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/producer_spans.h"

#include <array>
#include <charconv>

namespace tocsin::produce {
namespace {

const trace::Stage kProduce("produce_event");
const trace::Stage kSend("send raw-events");  // whatever the topic is called: ids stay

}  // namespace

trace::SpanId send_span_id(const trace::TraceId& trace) { return kSend.id_in(trace); }

std::string_view error_type(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "bus.invalid";
    case ErrorCode::kUnavailable:
      return "bus.unavailable";
    case ErrorCode::kNotFound:
      return "bus.not_found";
    case ErrorCode::kExhausted:
      return "bus.exhausted";
    default:
      return "bus.failed";
  }
}

ProducerSpans::ProducerSpans(std::string_view system, std::string_view topic)
    : produce_("produce_event", trace::SpanKind::kInternal),
      send_("send " + std::string(topic), trace::SpanKind::kProducer,
            {{"messaging.system", std::string(system)},
             {"messaging.operation.name", "send"},
             {"messaging.operation.type", "send"},
             {"messaging.destination.name", std::string(topic)}}) {}

void ProducerSpans::write(trace::SpanWriter& out, const ProducedEvent& event) const {
  const trace::SpanId produce_id = kProduce.id_in(event.trace);
  out.begin(produce_, {event.trace, produce_id, event.parent}, event.started, event.read);
  out.text("event.id", event.event_id);
  if (!event.key.empty()) out.text("host.name", event.key);
  if (!event.origin.empty()) out.text("tocsin.origin", event.origin);
  if (event.reconstructed) out.boolean("tocsin.reconstructed", true);
  out.end();

  out.begin(send_, {event.trace, kSend.id_in(event.trace), produce_id}, event.sent,
            event.acknowledged);
  out.text("messaging.message.id", event.event_id);
  out.integer("messaging.message.body.size", static_cast<std::int64_t>(event.bytes));
  if (!event.key.empty()) out.text("messaging.kafka.message.key", event.key);
  if (event.error == nullptr && event.partition >= 0) {
    std::array<char, 12> number{};
    const char* const end =
        std::to_chars(number.data(), number.data() + number.size(), event.partition).ptr;
    out.text("messaging.destination.partition.id", {number.data(), end});
    out.integer("messaging.kafka.offset", event.offset);
  }
  if (event.reconstructed) out.boolean("tocsin.reconstructed", true);
  if (event.error != nullptr) out.fail(error_type(event.error->code), event.error->message);
  out.end();
}

}  // namespace tocsin::produce
