// SPDX-License-Identifier: Apache-2.0
//
// A layer for MITRE's ATT&CK Navigator: a score for each technique. Pure.
//
// Standard: ATT&CK Navigator layer file format 4.5.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tocsin::insight {

struct TechniqueScore {
  double score = 0;
  std::string comment;
  std::map<std::string, std::uint64_t> counts;  // shown as metadata: "high" -> 3
};

struct NavigatorLayer {
  std::string name;
  std::string description;
  std::string colour = "#66b1ff";                    // of the highest score
  std::map<std::string, TechniqueScore> techniques;  // by id
};

// One JSON object with its newline.
[[nodiscard]] std::string navigator_json(const NavigatorLayer& layer);

}  // namespace tocsin::insight
