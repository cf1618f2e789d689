// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect_records.h"

#include <fmt/format.h>

#include <string>

namespace tocsin::pipeline {

bus::Record alert_record(const Alert& alert, const trace::Context& parent) {
  bus::Record record;
  record.key = alert.host;
  append_json(record.value, alert);
  record.headers = {
      {"event_id", alert.event_id.to_string()},
      {"traceparent",
       trace::format_traceparent(
           {parent.trace, trace::span_id_of(parent.trace, "classify_event"), parent.flags})},
      {"source", "detect"},
      {"content-type", "application/json"}};
  return record;
}

bus::Record dead_letter(const bus::Message& message, const Error& error) {
  bus::Record record;
  record.key = message.key;
  record.value = message.value;
  for (const auto& [key, value] : message.headers)
    record.headers.push_back({std::string(key), std::string(value)});
  record.headers.push_back({"error.stage", "detect"});
  record.headers.push_back({"error.code", kUnreadable});
  record.headers.push_back({"error.message", error.message});
  record.headers.push_back(
      {"origin", fmt::format("{}/{}/{}", message.topic, message.partition, message.offset)});
  return record;
}

}  // namespace tocsin::pipeline
