// SPDX-License-Identifier: Apache-2.0
//
// The simulated estate as a source of events: a company at work, and now and then an attack.
//
//   options, seed -> open_synthetic() -> Source -> RawEvent with its truth
//
// The same options give the same bytes, on every machine. The truth travels beside the event, never
// in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

struct SyntheticOptions {
  std::uint64_t seed = 1;
  int workstations = 20;
  int servers =
      5;  // the first is the domain controller, then file, web, SQL, jump, application server
  int users = 25;
  UnixNanos start = 1772436600LL * 1000000000LL;  // Monday 2026-03-02T07:30:00Z
  std::uint64_t events_max = 0;                   // 0: endless
  double attack_share = 0.02;                     // of all events
  std::vector<std::string> scenarios;             // empty: all
};

// Fails with kInvalid when an option is out of range or a scenario does not exist.
[[nodiscard]] Result<std::unique_ptr<Source>> open_synthetic(SyntheticOptions options);

struct ScenarioInfo {
  std::string id;
  std::string title;
  std::vector<std::string> tactics;     // slugs
  std::vector<std::string> techniques;  // "T1003.001"
};

// All scenarios that exist. Truth.scenario is the id, a dash and the number of the run:
// "kerberoast-3".
[[nodiscard]] std::vector<ScenarioInfo> scenarios();

}  // namespace tocsin::produce
