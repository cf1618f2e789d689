// SPDX-License-Identifier: Apache-2.0
//
// What the user asked `tocsin scan` for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/cli/rule_options.h"

namespace tocsin::cli::scan {

struct Options {
  RuleOptions rules;
  std::vector<std::string> paths;
  std::string format = "table";  // of the output
  std::string output;            // empty or "-": stdout
  std::string html;              // file of the report
  std::size_t html_rows = 20'000;
  std::vector<std::string> timelines;  // files; .csv or .jsonl
  std::string sort = "time";           // of timelines: time, input
  std::string summary = "auto";        // auto, text, json, none
  bool all_verdicts = false;

  std::string min_level;
  std::string from, to;
  std::vector<std::string> hosts, only_rules;

  std::size_t threads = 0;  // 0: as many as there are cores
};

}  // namespace tocsin::cli::scan
