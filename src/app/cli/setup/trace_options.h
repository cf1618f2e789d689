// SPDX-License-Identifier: Apache-2.0
//
// The options of tracing, of the whole program like --traces, and what they and the OTEL_*
// variables add up to.
//
//   add_shared_options() -> add_tracing_options() ... trace_options() -> Tracer::open()
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "base/json_writer.h"
#include "core/trace/tracer.h"

namespace tocsin::cli {

// --trace-sampling and the others; they are read once, at the start, into a place of this file.
void add_tracing_options(CLI::App& root);

// What was said about traces, completed by the OTEL_* variables, for the stage `service`.
[[nodiscard]] Result<trace::TracerOptions> trace_options(const Shared& shared,
                                                         const std::string& service);

// The same as flags for a process that this one starts. Destinations are not among them.
[[nodiscard]] std::vector<std::string> trace_arguments();

// The member "spans" of a command's final figures: what became of its spans.
void append_span_counts(JsonWriter& json, const trace::TracerStats& spans);

// tocsin latency (latency.cc), as the other commands are in command.h.
void add_latency(Context& context);

}  // namespace tocsin::cli
