// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/language/levels.h"

namespace tocsin::store::search {

std::vector<Level> levels_of(const Term& term) {
  const Level wanted = parse_level(term.value).value_or(Level::kInformational);
  std::vector<Level> out;
  for (const Level level :
       {Level::kInformational, Level::kLow, Level::kMedium, Level::kHigh, Level::kCritical}) {
    const bool holds = term.compare == Compare::kLess           ? level < wanted
                       : term.compare == Compare::kLessEqual    ? level <= wanted
                       : term.compare == Compare::kGreater      ? level > wanted
                       : term.compare == Compare::kGreaterEqual ? level >= wanted
                                                                : level == wanted;
    if (holds) out.push_back(level);
  }
  return out;
}

}  // namespace tocsin::store::search
