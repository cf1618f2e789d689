// SPDX-License-Identifier: Apache-2.0
//
// What detect writes to topics, as records.
//
//   Alert -> record of `alerts`; message that cannot be read -> record of `dead-letter`
#pragma once

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/event/verdict.h"
#include "core/trace/span.h"

namespace tocsin::pipeline {

// error.code of an event that is not one.
inline constexpr const char* kUnreadable = "event.invalid";

// `parent`: of the event's trace.
[[nodiscard]] bus::Record alert_record(const Alert& alert, const trace::Context& parent);

// The original bytes and headers, and why.
[[nodiscard]] bus::Record dead_letter(const bus::Message& message, const Error& error);

}  // namespace tocsin::pipeline
