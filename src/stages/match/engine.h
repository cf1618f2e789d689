// SPDX-License-Identifier: Apache-2.0
//
// Engine: all rules compiled together; for an event, the rules that match.
//
//   NormalizedEvent -> each distinct value once: the set of predicates that hold -> signature
//                   -> each distinct signature once: the rules that match
//
// Why: most literals of most rules are absent from most events, and logs repeat themselves. A value
// is looked up in an index of all literals of its field (LiteralIndex) once and remembered by its
// bytes (ValueMemo); an event is then a short list of numbers, whose outcome is remembered too
// (OutcomeMemo). Only for a new list are rules evaluated, and of them those with a witness among
// the predicates that hold.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/event/normalized_event.h"
#include "core/sigma/rule.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::match {

using RuleIndex = std::uint32_t;  // into the span given to build()

struct EngineOptions {
  // Literals of a field that may stand anywhere and are no witnesses: more wait until a candidate
  // asks for them. 0: all wait.
  std::size_t eager_literals_max = 100;
};

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
                                                           const sigma::Taxonomy& taxonomy,
                                                           EngineOptions options = {});
  ~Engine();

  // The fields that rules read; the normalizer fills only these.
  [[nodiscard]] const FieldTable& fields() const;
  // Whether any rule reads events of the route.
  [[nodiscard]] bool reads(std::uint32_t route) const;
  [[nodiscard]] const std::vector<sigma::Rule>& rules() const;
  [[nodiscard]] EngineStats stats() const;

 private:
  friend class Matcher;
  friend class Builder;
  struct Compiled;
  explicit Engine(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

// Matches events with one engine, remembering values between them.
// Ownership: shares the engine. Threads: one thread. Memory: bounded, a few tens of MB.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const Engine> engine);
  ~Matcher();
  Matcher(Matcher&&) noexcept;

  // The rules that match, in order of their index; valid until the next call.
  [[nodiscard]] std::span<const RuleIndex> match(const NormalizedEvent& event);

  // Of the event last matched, which must still be there: values that made predicates of the rule
  // hold. Bounded: at most 32, each cut behind 8 KiB (behind 200 bytes once the event's rules have
  // shown 64 KiB). Of an event of more than 1,000 values or 256 KiB of them: those that decided.
  struct Evidence {
    std::string field;
    std::string value;
  };
  [[nodiscard]] std::vector<Evidence> evidence(RuleIndex rule);

  // What rules cost beyond what all rules share: how often a condition was looked at (an outcome
  // that is remembered needs no look) and for how long, estimated from every sixteenth look.
  struct RuleWork {
    RuleIndex rule;
    std::uint64_t evaluated;
    std::uint64_t nanoseconds;
  };
  // Of the rules looked at since the last call, appended to `out`.
  void take_work(std::vector<RuleWork>& out);

  // How often what was asked for was remembered. Only grows.
  struct MemoUse {
    std::uint64_t values = 0;  // looked up
    std::uint64_t values_missed = 0;
    std::uint64_t events = 0;  // whose signature was looked up
    std::uint64_t events_missed = 0;
  };
  [[nodiscard]] const MemoUse& memo_use() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::match
