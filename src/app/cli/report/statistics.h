// SPDX-License-Identifier: Apache-2.0
//
// Everything that `tocsin report` tells, read once.
//
//   tocsin.db, traces.db -> read_statistics() -> Statistics -> ../views/report_text, page, tables
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "app/cli/rules/tally.h"
#include "app/cli/views/latency.h"
#include "base/result.h"
#include "stages/store/summary.h"

namespace tocsin::cli {

struct Statistics {
  store::Summary summary;
  store::Trends trends;
  rules::Tally alerts;            // by tactic and technique
  std::optional<Latency> stages;  // of spans; empty when none were read
};

struct StatisticsSources {
  std::string db;
  std::string spans;         // FILE.db; empty: none
  bool spans_wanted = true;  // false: an absent or empty file of spans is no error
  std::size_t top = 10;      // rules and hosts
};

// kNotFound when there is no such file.
[[nodiscard]] Result<Statistics> read_statistics(const StatisticsSources& sources);

// Position of a class in the kill chain by its display name or slug; classes that are no tactic
// (`Unmapped`, what a rule wrote) come after all tactics.
[[nodiscard]] std::size_t kill_chain_position(std::string_view event_class);
// kill_chain_position() is at most this.
[[nodiscard]] std::size_t kill_chain_length();

}  // namespace tocsin::cli
