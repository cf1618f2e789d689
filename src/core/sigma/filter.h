// SPDX-License-Identifier: Apache-2.0
//
// Filter: a Sigma filter, which tunes rules without changing their files (Sigma specification 2.1,
// "Filters").
//
//   Filter, rules -> the rules that it names, each with the filter as one more part of its
//   condition
//
// The names of detections never meet: a filter is lowered on its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/sigma/diagnostic.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

// What the condition of a filter says. Authors differ, and the examples of the specification do.
enum class FilterMode : std::uint8_t {
  kPySigma,  // (rule) and (filter): what is let through; `condition: not selection`
  kExclude,  // (rule) and not (filter): what is left out; `condition: selection`
};

struct Filter {
  struct Reference {
    std::string rule;  // an id in lower case, or a name as written
    yaml::Mark mark;
  };
  std::string id;  // may be empty
  std::string title;
  std::string path;
  yaml::Mark mark;            // of the document
  yaml::Mark condition_mark;  // of its condition
  Logsource logsource;        // which rules it is for: those inside
  bool any = false;           // every rule inside the logsource
  std::vector<Reference> references;
  std::vector<Predicate> predicates;
  Expr condition;
};

// Values, and nodes of conditions, that filters may add to all rules together.
inline constexpr std::size_t kFilterCopiesMax = 2'000'000;
// Rules that the references of all filters may find: many rules can have one name.
inline constexpr std::size_t kFilterReferencesMax = 2'000'000;

// Every attribute that `outer` has is the same in `inner`.
[[nodiscard]] bool contains(const Logsource& outer, const Logsource& inner);

// Adds each filter to the rules that it names. Tells of references to nothing, and of filters that
// mean the opposite of what they say in this mode.
void apply_filters(std::vector<Rule>& rules, const std::vector<Filter>& filters, FilterMode mode,
                   const std::function<void(Diagnostic)>& tell);

}  // namespace tocsin::sigma
