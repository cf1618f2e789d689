// SPDX-License-Identifier: Apache-2.0
//
// The aggregates of a report as CSV files, for spreadsheets and notebooks.
//
//   Statistics -> aggregates() -> {name, text} ... -> write_aggregates() -> DIR/classes.csv ...
#pragma once

#include <string>
#include <vector>

#include "app/cli/report/statistics.h"
#include "base/result.h"

namespace tocsin::cli {

struct CsvFile {
  std::string name;
  std::string text;  // RFC 4180; the first row names the columns
};

// All but hourly.csv. Always the same files: one that has nothing to tell has its first row only.
[[nodiscard]] std::vector<CsvFile> aggregates(const Statistics& statistics);

// Makes the folder, and replaces the files in it; hourly.csv is read from `db`.
[[nodiscard]] Status write_aggregates(const std::string& folder, const Statistics& statistics,
                                      const std::string& db);

}  // namespace tocsin::cli
