// SPDX-License-Identifier: Apache-2.0
//
// A made-up month of an estate, written by the real sink: what the searches are measured on.
//
//   FillPlan -> verdicts and alerts, the same for the same plan -> Sink::write() in batches
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tocsin::bench {

struct FillPlan {
  std::uint64_t verdicts = 1'000'000;
  std::uint64_t alerts = 100'000;
  std::uint64_t batch = 2'000;
  unsigned hosts = 300;
  unsigned rules = 400;
  unsigned days = 30;
  bool fsync = false;
  std::int64_t end = 1'790'000'000'000'000'000;  // of the month, nanoseconds
};

struct FillResult {
  double seconds = 0;  // within Sink::write() alone
  std::uint64_t verdicts = 0;
  std::uint64_t alerts = 0;
};

// Of the rule with this number.
[[nodiscard]] std::string rule_id(unsigned number);

[[nodiscard]] Result<FillResult> fill(const std::string& path, const FillPlan& plan);

}  // namespace tocsin::bench
