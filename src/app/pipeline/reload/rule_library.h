// SPDX-License-Identifier: Apache-2.0
//
// RuleLibrary: the rules in force, and the next ones when their files changed.
//
//   rule files + overrides -> load() -> RuleSnapshot; again -> RuleSnapshot + RuleChanges
//
// Rules are mended while a detector runs, and sometimes broken. So a rule whose file, or whose
// filter's file, has an error now keeps its last good version, and a set that cannot be used as a
// whole (a path is missing, no rule is left, the overrides are wrong) replaces nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/pipeline/tuning/alert_filter.h"
#include "app/pipeline/tuning/tuning.h"
#include "base/result.h"
#include "core/sigma/rule_set.h"
#include "core/sigma/taxonomy.h"
#include "stages/match/engine.h"

namespace tocsin::pipeline {

// Everything that a worker matches with. Immutable; shared by all workers.
struct RuleSnapshot {
  std::uint64_t number = 0;  // 1, 2, ...
  std::shared_ptr<const sigma::Taxonomy> taxonomy;
  std::shared_ptr<const match::Engine> engine;
  std::shared_ptr<const SuppressionPlan> suppression;
};

// Where rules come from; asked at each load, in the thread that loads.
struct RuleSources {
  std::function<Result<sigma::RuleSet>()> rules;  // as their authors wrote them
  std::function<Result<Tuning>()> tuning;
  std::shared_ptr<const sigma::Taxonomy> taxonomy;
};

enum class ChangeKind : std::uint8_t {
  kAdded,
  kChanged,
  kRemoved,
  kDisabled,  // by an override
  kKept,      // its file is broken; the last good version stays
};

struct RuleChange {
  ChangeKind kind;
  std::string id, title, path;
  std::string tuning;  // what overrides make of it
};

// What a load found, and how it differs from the one before.
struct RuleChanges {
  std::vector<RuleChange> changes;              // by kind, then id; empty at the first load
  std::vector<sigma::Diagnostic> new_problems;  // errors and unknown overrides not told before
  std::size_t in_force = 0;
  std::size_t files = 0;
  std::size_t rejected = 0;  // without those whose last good version stays
  std::size_t kept = 0;
  std::size_t disabled = 0;  // by overrides
  std::size_t tuned = 0;     // changed by overrides
};

// Threads: one thread; snapshots may be shared.
class RuleLibrary {
 public:
  explicit RuleLibrary(RuleSources sources) : sources_(std::move(sources)) {}

  // The rules as the files are now. Errors leave all as it was.
  [[nodiscard]] Result<std::shared_ptr<const RuleSnapshot>> load(RuleChanges& changes);

 private:
  using Digest = std::array<std::uint8_t, 16>;
  struct InForce {
    Digest digest;
    std::string title, path, tuning;
  };

  std::size_t keep_broken(sigma::RuleSet& set, RuleChanges& changes) const;
  void compare(const std::vector<sigma::Rule>& rules, const std::vector<std::string>& loaded,
               RuleChanges& changes);
  void tell_new(const std::vector<sigma::Diagnostic>& diagnostics, RuleChanges& changes);

  RuleSources sources_;
  std::vector<sigma::Rule> last_good_;       // before overrides
  std::map<std::string, InForce> in_force_;  // by id
  std::set<std::string> told_;               // problems of the last load
  std::uint64_t number_ = 0;
};

}  // namespace tocsin::pipeline
