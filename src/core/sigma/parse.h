// SPDX-License-Identifier: Apache-2.0
//
// From the YAML text of a rule file to Rules: what is wrong is told, what is right goes on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/sigma/detection/lowering.h"
#include "core/sigma/diagnostic.h"
#include "core/sigma/filter.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

inline constexpr std::size_t kFileBytesMax = 64 << 20;
inline constexpr std::size_t kDocumentDiagnosticsMax = 20;
inline constexpr std::size_t kFileDiagnosticsMax = 1'000;
// Nodes that `action: global` and `repeat` may copy within a file.
inline constexpr std::size_t kCollectionNodesMax = 4'000'000;

struct ParseOptions {
  Placeholders placeholders;
  std::vector<std::string> filter_paths;  // files and folders of filters, besides those of rules
  FilterMode filter_mode = FilterMode::kPySigma;
};

struct ParsedFile {
  std::vector<Rule> rules;  // the good ones
  std::vector<Filter> filters;
  std::vector<Diagnostic> diagnostics;  // errors of the bad ones, warnings of all
  std::size_t rejected = 0;             // documents with an error
  std::size_t correlations = 0;         // documents that are correlation rules: not evaluated yet
};

// All documents of one file; `action: global`, `reset` and `repeat` are applied. What a document
// says itself wins over `global`; correlations and filters take nothing from it.
[[nodiscard]] ParsedFile parse_rules(std::string_view yaml_text, const std::string& path,
                                     const ParseOptions& options = {});

}  // namespace tocsin::sigma
