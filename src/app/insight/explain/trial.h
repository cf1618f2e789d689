// SPDX-License-Identifier: Apache-2.0
//
// RuleTrial: one rule, ready to be tried on events.
//
//   event JSON -> take() -> reads()? matches()? -> view(), for the tree
#pragma once

#include <memory>
#include <string_view>

#include "app/insight/explain/explanation.h"
#include "base/result.h"
#include "core/sigma/taxonomy.h"
#include "stages/match/engine.h"
#include "stages/normalize/normalizer.h"

namespace tocsin::insight {

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

}  // namespace tocsin::insight
