// SPDX-License-Identifier: Apache-2.0
//
// Aggregations of Sigma 1, `selection | count(Field) by Group > 5`: what to write today.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::sigma {

// `text` is what stands behind the `|`. A hint that spells out the correlation rule.
[[nodiscard]] std::string correlation_hint(std::string_view text, std::string_view timeframe);

}  // namespace tocsin::sigma
