// SPDX-License-Identifier: Apache-2.0
#include "app/insight/explain/trial.h"

#include <algorithm>

#include "base/utf8.h"
#include "core/sigma/evaluate.h"

namespace tocsin::insight {

RuleTrial::RuleTrial(const sigma::Rule& rule, const sigma::Taxonomy& taxonomy)
    : rule_(rule),
      taxonomy_(taxonomy),
      engine_(match::Engine::build({rule}, taxonomy)),
      normalizer_(taxonomy, engine_->fields()) {}

Status RuleTrial::take(std::string_view json) { return normalizer_.normalize(json, event_); }

bool RuleTrial::reads() const {
  return sigma::Taxonomy::reads(rule_.logsource, taxonomy_.routes()[event_.route]);
}

bool RuleTrial::host_counts() const {
  const std::string host = folded(event_.host);
  const auto fits = [&](const sigma::Pattern& pattern) { return pattern.matches(host); };
  const auto& only = rule_.only_hosts;
  const auto& except = rule_.except_hosts;
  if (!only.empty() && std::none_of(only.begin(), only.end(), fits)) return false;
  return std::none_of(except.begin(), except.end(), fits);
}

bool RuleTrial::matches() const {
  return reads() && host_counts() && sigma::matches(rule_, engine_->fields(), event_.values);
}

void RuleTrial::describe(ExplainedEvent& out) const {
  out.time = event_.time_text;
  out.host = event_.host;
  out.channel = event_.channel;
  out.event_code = event_.event_code;
  out.route = event_.route == 0 ? "of no known kind" : taxonomy_.routes()[event_.route].name;
  out.route_read = reads();
  out.host_counts = host_counts();
}

Explanation explain_trial(const sigma::Rule& rule, const RuleTrial& trial,
                          const WrittenRule& written) {
  Explanation out;
  out.rule = &rule;
  out.condition = written.condition(rule.mark);
  trial.describe(out.event);
  out.event.matching = trial.matches() ? 1 : 0;
  out.has_event = true;
  const EventView view = trial.view();
  out.tree = explain_rule(rule, written, &view);
  return out;
}

}  // namespace tocsin::insight
