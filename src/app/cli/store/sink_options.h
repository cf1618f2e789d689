// SPDX-License-Identifier: Apache-2.0
//
// --sink KIND=TARGET and what goes with it: which sinks the store stage feeds, and how.
//
//   options -> parse_sink() -> open_sinks() -> pipeline::StoreSink...
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/pipeline/store/store_stage.h"
#include "stages/store/sinks/opensearch/options.h"

namespace tocsin::cli {

struct SinkOptions {
  std::vector<std::string> sinks;  // KIND[-alerts|-verdicts][:NAME]=TARGET
  std::string verdicts = "all";
  bool no_fsync = false;
  std::uint64_t rotate_bytes = 0;
  std::string rotate = "never";
  store::opensearch::Options opensearch;
  bool no_opensearch_setup = false;
};

struct SinkSpec {
  std::string kind;    // "opensearch"
  std::string name;    // "opensearch", or as it was named: of its group and its metrics
  std::string target;  // URL, FILE, topic
  bool alerts = true;
  bool verdicts = true;
};

// kInvalid says what is wrong, without the target: it may hold a secret by mistake.
[[nodiscard]] Result<SinkSpec> parse_sink(const std::string& text);

// --sink alone, and all that goes with it.
void add_sink_list(CLI::App& command, SinkOptions& options);
void add_sink_options(CLI::App& command, SinkOptions& options);

// Files are opened; OpenSearch is not asked yet. `bus`: for sinks that are topics; `topics`: those
// of the pipeline, which no sink may write to.
[[nodiscard]] Result<std::vector<pipeline::StoreSink>> open_sinks(
    const SinkOptions& options, bus::Bus& bus, const std::set<std::string>& topics);

}  // namespace tocsin::cli
