// SPDX-License-Identifier: Apache-2.0
//
// Filing: the literals under which a LiteralIndex finds a predicate.
//
//   predicate -> one of these literals stands in the value, if the predicate holds
#pragma once

#include <string>
#include <vector>

#include "core/sigma/rule.h"
#include "stages/match/literals/literal_index.h"

namespace tocsin::match {

struct Filed {
  Anchor anchor = Anchor::kAnywhere;
  std::vector<std::string> literals;  // case-folded; at least one
  bool exact = true;                  // where one of them stands, the predicate holds
};

// Whether the predicate compares text with literals or wildcards.
[[nodiscard]] bool has_literal(const sigma::Predicate& p);

// Of such a predicate. Of a pattern with wildcards: its longest piece without one; where the piece
// has a dash of windash, as it reads with each of them.
[[nodiscard]] Filed file_under(const sigma::Predicate& p);

}  // namespace tocsin::match
