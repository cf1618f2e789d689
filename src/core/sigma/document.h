// SPDX-License-Identifier: Apache-2.0
//
// Document: one YAML document to a Rule or a Filter: meta data, logsource, detections.
#pragma once

#include <optional>
#include <string>

#include "base/yaml.h"
#include "core/sigma/detection/lowering.h"
#include "core/sigma/filter.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

// What one document is read with.
struct DocumentContext {
  const std::string& path;
  const Placeholders& placeholders;
  Budget& budget;
  Tell tell;
};

// Nothing after an error, which was told.
[[nodiscard]] std::optional<Rule> read_rule(const yaml::Node& document, DocumentContext context);
[[nodiscard]] std::optional<Filter> read_filter(const yaml::Node& document,
                                                DocumentContext context);

// The text of a member that is a scalar and not null, else empty.
[[nodiscard]] std::string scalar_of(const yaml::Node& map, std::string_view key);

}  // namespace tocsin::sigma
