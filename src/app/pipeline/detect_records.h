// SPDX-License-Identifier: Apache-2.0
//
// What detect writes to topics, as records.
//
//   Verdict -> record of `verdicts`; Alert -> record of `alerts`; message that cannot be read ->
//   record of `dead-letter`
#pragma once

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/event/verdict.h"
#include "core/trace/span.h"
#include "stages/store/sink.h"

namespace tocsin::pipeline {

// error.code of an event that is not one.
inline constexpr const char* kUnreadable = "event.invalid";

// Headers of an event that says what it is: a simulator's truth.
inline constexpr const char* kTruthTactic = "tocsin.truth.tactic";
inline constexpr const char* kTruthScenario = "tocsin.truth.scenario";
inline constexpr const char* kTruthTechnique = "tocsin.truth.technique";

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
