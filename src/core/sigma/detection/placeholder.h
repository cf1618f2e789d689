// SPDX-License-Identifier: Apache-2.0
//
// Placeholders: `%name%` in a value with the modifier `expand` to the values that a user gives it.
//
//   Pattern or regular expression, Placeholders -> one for each combination of values
//
// `\%` is a percent sign, unless a whole `%name%` begins there: then the backslash is one (a path
// before a placeholder), as in the reference implementation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/sigma/detection/lowering.h"
#include "core/sigma/pattern.h"

namespace tocsin::sigma {

// Fails with kNotFound for a name without a value and with kExhausted beyond kExpansionsMax.
[[nodiscard]] Result<std::vector<Pattern>> expand(const Pattern& pattern,
                                                  const Placeholders& placeholders);
// The values are inserted as they are, so they are part of the expression.
[[nodiscard]] Result<std::vector<std::string>> expand(std::string_view regex,
                                                      const Placeholders& placeholders);

}  // namespace tocsin::sigma
