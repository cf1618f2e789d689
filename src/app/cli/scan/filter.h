// SPDX-License-Identifier: Apache-2.0
//
// Filter: which alerts the user wants to see.
//
//   --min-level, --from, --to, --host, --rule -> Filter -> keeps(alert)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "app/cli/scan/options.h"
#include "base/clock.h"
#include "base/result.h"
#include "core/event/verdict.h"
#include "core/sigma/rule.h"

namespace tocsin::cli::scan {

// Whether `text` matches the pattern: '*' any characters, '?' one; the case of ASCII does not
// matter.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

// "2026-01-05", "2026-01-05 10:00", RFC 3339 (UTC without an offset), or an age: "24h", "7d",
// "90m". A date alone is its first moment, or with `end` the last one before the next day.
[[nodiscard]] std::optional<UnixNanos> read_moment(std::string_view text, UnixNanos now, bool end);

// Threads: immutable.
class Filter {
 public:
  // kInvalid names the option that cannot be read, or the --rule that no loaded rule matches.
  [[nodiscard]] static Result<Filter> make(const Options& options,
                                           const std::vector<sigma::Rule>& rules, UnixNanos now);

  [[nodiscard]] bool keeps(const Alert& alert) const;
  // Of an event: its time and host alone. An event without a readable time is always kept: what an
  // attacker damaged must not vanish.
  [[nodiscard]] bool keeps(UnixNanos time, std::string_view host) const;
  // False when everything passes.
  [[nodiscard]] bool any() const { return any_; }

 private:
  bool any_ = false;
  Level min_level_ = Level::kInformational;
  UnixNanos from_ = INT64_MIN, to_ = INT64_MAX;
  std::vector<std::string> hosts_;
  bool only_rules_ = false;
  std::unordered_set<std::string> rules_;  // ids
};

}  // namespace tocsin::cli::scan
