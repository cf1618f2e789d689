// SPDX-License-Identifier: Apache-2.0
//
// Engine: all rules compiled together; for an event, the rules that match.
//
//   NormalizedEvent -> each distinct value once: which predicates hold -> candidate rules -> their
//   conditions
//
// Why: most literals of most rules are absent from most events, and log values repeat. So a value
// is looked up in an index of all literals of its field (LiteralIndex), the outcome is remembered
// (ValueMemo), and only rules with a witness among the predicates that hold are evaluated.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/event/normalized_event.h"
#include "core/sigma/rule.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::match {

using RuleIndex = std::uint32_t;  // into the span given to build()

struct EngineStats {
  std::size_t rules = 0;
  std::size_t predicates = 0;
  std::size_t fields = 0;
  std::size_t always_candidates = 0;  // rules without a witness
};

// Ownership:  copies what it needs of the rules; the taxonomy must outlive it.
// Threads:    immutable after build(); share freely. A Matcher is for one thread.
// Invariant:  exactly the rules for which sigma::matches() is true and whose logsource reads the
// event's route.
class Engine {
 public:
  [[nodiscard]] static std::shared_ptr<const Engine> build(std::vector<sigma::Rule> rules,
                                                           const sigma::Taxonomy& taxonomy);
  ~Engine();

  // The fields that rules read; the normalizer fills only these.
  [[nodiscard]] const FieldTable& fields() const;
  // Whether rules of the route search every value of an event (keywords).
  [[nodiscard]] bool wants_all_values(std::uint32_t route) const;
  // Whether any rule reads events of the route.
  [[nodiscard]] bool reads(std::uint32_t route) const;
  [[nodiscard]] const std::vector<sigma::Rule>& rules() const;
  [[nodiscard]] EngineStats stats() const;

 private:
  friend class Matcher;
  struct Compiled;
  explicit Engine(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

// Matches events with one engine, remembering values between them.
// Ownership: shares the engine. Threads: one thread. Memory: bounded (ValueMemo), a few tens of MB.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const Engine> engine);
  ~Matcher();
  Matcher(Matcher&&) noexcept;

  // The rules that match, in order of their index; valid until the next call.
  [[nodiscard]] std::span<const RuleIndex> match(const NormalizedEvent& event);

  // After match(): which values made predicates of the rule hold. Slow: only for alerts.
  struct Evidence {
    std::string_view field;
    std::string_view value;
  };
  [[nodiscard]] std::vector<Evidence> evidence(RuleIndex rule, const NormalizedEvent& event);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::match
