// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect_records.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/record_json.h"

namespace tocsin::pipeline {

namespace {

std::vector<bus::Header> headers_of(const Uuid& event_id, const trace::Context& parent) {
  return {{"event_id", event_id.to_string()},
          {"traceparent",
           trace::format_traceparent(
               {parent.trace, trace::span_id_of(parent.trace, "classify_event"), parent.flags})},
          {"source", "detect"},
          {"content-type", "application/json"}};
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

// In one pass, for it runs for every event.
EventHeaders read_headers(const bus::Message& message) {
  EventHeaders out;
  out.source.topic = message.topic;
  out.source.partition = message.partition;
  out.source.offset = message.offset;
  for (const auto& [name, value] : message.headers) {
    if (name == "event_id")
      out.source.event_id = value;
    else if (name == "traceparent")
      out.source.traceparent = value;
    else if (name == "log.file.path")
      out.source.file_path = value;
    else if (name == "log.offset")
      out.source.line = number_of(value);
    else if (name == "winlog.record_id")
      out.source.record_id = number_of(value);
    else if (name == kTruthTactic)
      out.truth = value;
    else if (name == kTruthScenario)
      out.truth_scenario = value;
    else if (name == kTruthTechnique)
      out.truth_technique = value;
  }
  return out;
}

bus::Record alert_record(const Alert& alert, const trace::Context& parent) {
  bus::Record record;
  record.key = alert.host;
  append_json(record.value, alert);
  record.headers = headers_of(alert.event_id, parent);
  return record;
}

bus::Record verdict_record(const Verdict& verdict, const trace::Context& parent,
                           const store::Origin& event) {
  bus::Record record;
  record.key = verdict.host;
  append_json(record.value, verdict);
  record.headers = headers_of(verdict.event_id, parent);
  const auto truth = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) record.headers.push_back({std::string(name), value});
  };
  truth(kTruthTactic, verdict.truth);
  truth(kTruthScenario, verdict.truth_scenario);
  truth(kTruthTechnique, verdict.truth_technique);
  record.headers.push_back(
      {kEventOrigin, fmt::format("{}/{}/{}", event.topic, event.partition, event.offset)});
  return record;
}

// Names of topics hold no slash.
store::Origin event_origin(const bus::Message& verdict) {
  const std::string_view text = verdict.header(kEventOrigin);
  const std::size_t first = text.find('/');
  const std::size_t second = text.find('/', first == text.npos ? first : first + 1);
  if (second == text.npos) return {};
  store::Origin origin;
  const auto number = [&](std::size_t from, std::size_t to, auto& into) {
    const std::string part(text.substr(from, to - from));
    const auto [end, error] = std::from_chars(part.c_str(), part.c_str() + part.size(), into);
    return error == std::errc() && end == part.c_str() + part.size() && into >= 0;
  };
  if (!number(first + 1, second, origin.partition) ||
      !number(second + 1, text.size(), origin.offset))
    return {};
  origin.topic = text.substr(0, first);
  return origin;
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
