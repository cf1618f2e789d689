// SPDX-License-Identifier: Apache-2.0
//
// The levels that a term such as "level:>=high" allows.
#pragma once

#include <vector>

#include "core/event/level.h"
#include "stages/store/search/language/query.h"

namespace tocsin::store::search {

// From the lowest to the highest; none for "level:<informational".
[[nodiscard]] std::vector<Level> levels_of(const Term& term);

}  // namespace tocsin::store::search
