// SPDX-License-Identifier: Apache-2.0
//
// Report: a scan as one HTML file that needs no network and no other file.
//
//   Alert..., Findings, Damage -> Report -> report.html
//
// What comes from logs is hostile. It enters the page in two ways only: escaped as text, or inside
// a block of JSON, whose "<" are escaped, and which the script puts on the page as text nodes. A
// content security policy allows no script but ours (by its hash), no request and no form.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "app/cli/scan/damage.h"
#include "app/cli/scan/findings.h"
#include "base/result.h"
#include "core/event/verdict.h"

namespace tocsin::cli::scan::html {

struct ReportInfo {
  UnixNanos now = 0;
  std::vector<std::string> paths;
  std::size_t rules = 0;  // loaded
};

// Threads: one thread. Memory: at most `rows_max` alerts.
class Report {
 public:
  explicit Report(std::size_t rows_max) : rows_max_(rows_max) {}

  // In the order of the input. When there are too many, the most severe stay, of these the first.
  void add(Alert&& alert);
  [[nodiscard]] std::string render(const Findings& findings, const Damage& damage,
                                   const ReportInfo& info);
  [[nodiscard]] Status write(const std::string& path, const Findings& findings,
                             const Damage& damage, const ReportInfo& info);

 private:
  [[nodiscard]] std::vector<const Alert*> rows_by_time() const;

  const std::size_t rows_max_;
  std::size_t size_ = 0;
  std::array<std::vector<Alert>, 5> rows_;  // by level
};

}  // namespace tocsin::cli::scan::html
