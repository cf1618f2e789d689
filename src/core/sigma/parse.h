// SPDX-License-Identifier: Apache-2.0
//
// From the YAML text of a rule file to Rules: what is wrong is told, what is right goes on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/sigma/diagnostic.h"
#include "core/sigma/modifier.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

struct ParseOptions {
  Placeholders placeholders;
};

struct ParsedFile {
  std::vector<Rule> rules;              // the good ones
  std::vector<Diagnostic> diagnostics;  // errors of the bad ones, warnings of all
  std::size_t rejected = 0;             // documents that are rules and have an error
  std::size_t ignored = 0;              // documents that are something else (correlations, filters)
};

// All documents of one file; `action: global`, `reset` and `repeat` are applied.
[[nodiscard]] ParsedFile parse_rules(std::string_view yaml_text, const std::string& path,
                                     const ParseOptions& options = {});

}  // namespace tocsin::sigma
