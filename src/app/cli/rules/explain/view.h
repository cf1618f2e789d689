// SPDX-License-Identifier: Apache-2.0
//
// An explanation as people read it. Pure: Explanation in, text out.
#pragma once

#include <string>

#include "app/cli/tables.h"
#include "app/insight/explain/explanation.h"

namespace tocsin::cli::rules {

using insight::Explained;
using insight::ExplainedEvent;
using insight::ExplainedPattern;
using insight::Explanation;
using insight::SeenValue;

// `all`: every pattern and value, however many.
[[nodiscard]] std::string render_explanation(const Explanation& explanation, const Style& style,
                                             bool all);
// Only the tree; lines begin with `indent` blanks.
[[nodiscard]] std::string render_tree(const Explained& tree, bool has_event, const Style& style,
                                      bool all, std::size_t indent);

}  // namespace tocsin::cli::rules
