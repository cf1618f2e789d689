// SPDX-License-Identifier: Apache-2.0
//
// Value: `Field|modifier: values` to an expression of predicates.
#pragma once

#include <string>

#include "base/yaml.h"
#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {

// `key` is "Field|mod|mod" ("" or "|mod": a keyword), `value` a scalar or a sequence of scalars.
[[nodiscard]] Expr lower_item(Lowering& lowering, const std::string& key, yaml::Mark key_mark,
                              const yaml::Node& value);

}  // namespace tocsin::sigma
