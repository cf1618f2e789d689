// SPDX-License-Identifier: Apache-2.0
//
// The condition of a rule as a tree that people can follow: selections by name, one item for each
// key of the rule, and, with an event, what held and which values decided it. Pure.
//
//   Rule + WrittenRule (+ event) -> explain_rule() -> Explained -> view: text, JSON
#pragma once

#include <string>
#include <vector>

#include "app/insight/explain/written.h"
#include "core/event/normalized_event.h"
#include "core/sigma/rule.h"

namespace tocsin::insight {

// One value that a key was compared with.
struct ExplainedPattern {
  std::string text;   // as written where it is known
  std::string words;  // "ends with '\vssadmin.exe'"
  bool holds = false;
};

// One value of the event that a key reads.
struct SeenValue {
  std::string field;
  std::string text;
  bool null = false;
  bool holds = false;  // makes one of the patterns true
};

struct Explained {
  enum class Kind : std::uint8_t { kAll, kAny, kNot, kItem };
  Kind kind = Kind::kAll;
  std::string name;  // of the selection or the filter; mostly empty further in
  bool is_filter = false;
  bool holds = false;               // false without an event
  std::vector<Explained> children;  // kNot: one

  // kItem: one key of the rule with its values.
  std::string key;    // "Image|endswith"
  std::string field;  // empty: a keyword
  bool all = false;   // every pattern must hold
  bool negated = false;
  std::vector<ExplainedPattern> patterns;
  std::vector<SeenValue> values;  // of the field; of a keyword those that hold
};

struct EventView {
  const FieldTable& fields;
  const NormalizedEvent& event;
};

// `written` may be empty; names and keys are then as good as the lowered rule knows them. `event`
// null: nothing holds, no values.
[[nodiscard]] Explained explain_rule(const sigma::Rule& rule, const WrittenRule& written,
                                     const EventView* event);

}  // namespace tocsin::insight
