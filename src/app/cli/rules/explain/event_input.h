// SPDX-License-Identifier: Apache-2.0
//
// The event that a rule is explained on: the chosen one of a file, an EVTX, an archive or standard
// input; else the first that the rule matches; else the first that it reads; else the first.
//
//   path, line + Rule -> choose_event() -> normalised event
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/cli/rules/explain/tree.h"
#include "app/cli/rules/explain/view.h"
#include "base/result.h"
#include "core/sigma/taxonomy.h"
#include "stages/match/engine.h"
#include "stages/normalize/normalizer.h"

namespace tocsin::cli::rules {

// One rule ready to be tried on events.
// Ownership: the taxonomy must outlive it. Threads: one thread.
class RuleTrial {
 public:
  RuleTrial(const sigma::Rule& rule, const sigma::Taxonomy& taxonomy);

  // Normalises the event; fails when it is no JSON object.
  [[nodiscard]] Status take(std::string_view json);
  // Of the event taken last.
  [[nodiscard]] bool reads() const;
  [[nodiscard]] bool host_counts() const;
  [[nodiscard]] bool matches() const;
  [[nodiscard]] EventView view() const { return {engine_->fields(), event_}; }
  // Fills what the event says of itself; place and counts are the caller's.
  void describe(ExplainedEvent& out) const;

 private:
  const sigma::Rule& rule_;
  const sigma::Taxonomy& taxonomy_;
  std::shared_ptr<const match::Engine> engine_;
  normalize::Normalizer normalizer_;
  NormalizedEvent event_;
};

struct EventChoice {
  std::string path;
  std::uint64_t number = 0;  // line of a text, record id of an EVTX; 0: by what the rule says
};

// The trial then holds the chosen event.
[[nodiscard]] Result<ExplainedEvent> choose_event(const EventChoice& choice, RuleTrial& trial);

}  // namespace tocsin::cli::rules
