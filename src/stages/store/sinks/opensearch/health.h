// SPDX-License-Identifier: Apache-2.0
//
// Whether a server can take what the sink sends, and what to do when it cannot.
//
//   client, options -> who it is, health, templates, blocks, permission -> HealthFinding...
//
// Nothing is changed there: whether bulk requests are permitted is tried with one that may only
// write to an alias (`require_alias`), by a name that is none.
#pragma once

#include <string>
#include <vector>

#include "stages/store/sinks/opensearch/http_client.h"

namespace tocsin::store::opensearch {

struct HealthFinding {
  enum class State : std::uint8_t { kGood, kNote, kProblem };
  std::string what;
  State state = State::kGood;
  std::string found;
  std::string advice = {};  // what to do; empty when all is well
};

// Takes at most some seconds a request that is not answered. Threads: as the client.
[[nodiscard]] std::vector<HealthFinding> check_health(HttpClient& client, const Options& options);

}  // namespace tocsin::store::opensearch
