// SPDX-License-Identifier: Apache-2.0
//
// What detect writes to topics, as records.
//
//   Verdict -> record of `verdicts`; Alert -> record of `alerts`; message that cannot be read ->
//   record of `dead-letter`
#pragma once

#include <string_view>

#include "app/pipeline/classifier.h"
#include "base/result.h"
#include "core/bus/bus.h"
#include "core/event/verdict.h"
#include "core/trace/span.h"
#include "stages/store/sink.h"

namespace tocsin::pipeline {

// error.code of an event that is not one.
inline constexpr const char* kUnreadable = "event.invalid";

// Headers of an event that says what it is: a simulator's truth.
inline constexpr std::string_view kTruthTactic = "tocsin.truth.tactic";
inline constexpr std::string_view kTruthScenario = "tocsin.truth.scenario";
inline constexpr std::string_view kTruthTechnique = "tocsin.truth.technique";

// What a message of `raw-events` says about its event beside the event itself. Views into the
// message. Of headers with one name the last counts, as in Message::header().
struct EventHeaders {
  EventSource source;
  std::string_view truth, truth_scenario, truth_technique;
};
[[nodiscard]] EventHeaders read_headers(const bus::Message& message);

// `parent`: of the event's trace.
[[nodiscard]] bus::Record alert_record(const Alert& alert, const trace::Context& parent);

// Where the event of a verdict lies: TOPIC/PARTITION/OFFSET.
inline constexpr const char* kEventOrigin = "event.origin";

// Its truth, if any, in the headers that the event had it in.
[[nodiscard]] bus::Record verdict_record(const Verdict& verdict, const trace::Context& parent,
                                         const store::Origin& event);
[[nodiscard]] store::Origin event_origin(const bus::Message& verdict);

// The original bytes and headers, and why.
[[nodiscard]] bus::Record dead_letter(const bus::Message& message, const Error& error);

}  // namespace tocsin::pipeline
