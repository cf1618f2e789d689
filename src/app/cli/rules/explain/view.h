// SPDX-License-Identifier: Apache-2.0
//
// An explanation as people and as programs read it. Pure: Explained in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/cli/rules/explain/tree.h"
#include "app/cli/tables.h"
#include "core/sigma/rule.h"

namespace tocsin::cli::rules {

// What was explained, around its tree.
struct ExplainedEvent {
  std::string place;  // "events.jsonl:3", "Security.evtx record 12"
  std::string time, host, channel, event_code;
  std::string route;            // "windows/security/4688"
  bool route_read = false;      // by the rule's logsource
  bool host_counts = true;      // false: an override leaves out the host
  std::uint64_t looked_at = 1;  // events of the input
  std::uint64_t matching = 0;   // of these
};

struct Explanation {
  const sigma::Rule* rule = nullptr;
  std::string condition;            // as written
  std::vector<std::string> routes;  // that the rule reads, without an event
  Explained tree;
  bool has_event = false;
  ExplainedEvent event;

  [[nodiscard]] bool matches() const {
    return has_event && event.route_read && event.host_counts && tree.holds;
  }
};

// `all`: every pattern and value, however many.
[[nodiscard]] std::string render_explanation(const Explanation& explanation, const Style& style,
                                             bool all);
// Only the tree; lines begin with `indent` blanks.
[[nodiscard]] std::string render_tree(const Explained& tree, bool has_event, const Style& style,
                                      bool all, std::size_t indent);
// One JSON object with its newline.
[[nodiscard]] std::string explanation_json(const Explanation& explanation);

}  // namespace tocsin::cli::rules
