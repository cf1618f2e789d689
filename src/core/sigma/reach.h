// SPDX-License-Identifier: Apache-2.0
//
// Whether any event can fire a rule: some event must be of its log source, and its condition must
// be able to hold with the fields that such events carry.
//
//   Rule + Taxonomy -> "" or "no event ... carries CommandLine"
#pragma once

#include <string>

#include "core/sigma/rule.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::sigma {

// Why no event can fire the rule; empty when one can, or when the mappings do not say which fields
// the events have. Rules for products that the mappings say nothing about are taken as good.
[[nodiscard]] std::string why_never_fires(const Taxonomy& taxonomy, const Rule& rule);

}  // namespace tocsin::sigma
