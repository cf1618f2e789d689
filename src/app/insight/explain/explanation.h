// SPDX-License-Identifier: Apache-2.0
//
// Why a rule does or does not match an event, as one value, and as programs read it.
//
//   Rule + event of a RuleTrial -> explain_trial() -> Explanation -> explanation_json(), or text
//   (app/cli)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/insight/explain/tree.h"
#include "core/sigma/rule.h"

namespace tocsin::insight {

class RuleTrial;

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

// The rule on the event that the trial holds. `written`: written_rule(rule), or WrittenRule::read()
// of a rule that has no file. The rule must outlive the result.
[[nodiscard]] Explanation explain_trial(const sigma::Rule& rule, const RuleTrial& trial,
                                        const WrittenRule& written);

// One JSON object with its newline.
[[nodiscard]] std::string explanation_json(const Explanation& explanation);

}  // namespace tocsin::insight
