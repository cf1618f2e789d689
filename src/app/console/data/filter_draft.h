// SPDX-License-Identifier: Apache-2.0
//
// FilterDraft: a Sigma filter that leaves out what an analyst called a false positive. A draft: it
// is written for somebody to read, and never loaded by itself.
//
//   rule + chosen (field, value)s -> draft_filter() -> YAML, checked by the rule parser
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/sigma/filter.h"
#include "core/sigma/rule.h"

namespace tocsin::console {

struct DraftRequest {
  std::string rule_id, rule_title;
  sigma::Logsource logsource;  // of the rule; may be empty when the rule is gone
  std::vector<std::pair<std::string, std::string>> fields;
  std::string user, alert_id, note;
  sigma::FilterMode mode = sigma::FilterMode::kPySigma;
};

// kInvalid: without fields, or when what came out is no filter.
[[nodiscard]] Result<std::string> draft_filter(const DraftRequest& request);

// A value as Sigma writes it: wildcards and backslashes stand for themselves.
[[nodiscard]] std::string escape_sigma(std::string_view value);

}  // namespace tocsin::console
