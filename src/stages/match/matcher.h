// SPDX-License-Identifier: Apache-2.0
//
// Matcher::State: one event's way through an engine. Private to this module.
//
//   values -> sets -> signature -> matched, undecided      matcher.cc
//   undecided -> tests made one by one; values shown       late_tests.cc
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "stages/match/compiled.h"
#include "stages/match/engine.h"
#include "stages/match/memo/outcome_memo.h"
#include "stages/match/memo/value_memo.h"
#include "stages/match/predicate_sketch.h"
#include "stages/match/value_texts.h"
#include "stages/match/work_counter.h"

namespace tocsin::match {

// In a signature: the field is there, and null; of a deferred entry: it was not asked.
inline constexpr SetId kNullValue = UINT32_MAX;

struct Matcher::State {
  std::shared_ptr<const Engine> engine;
  const Engine::Compiled& c;
  const NormalizedEvent* event = nullptr;
  const RoutePlan* plan = nullptr;
  bool many_values = false;  // the event has very many

  ValueMemo values;
  PredicateSets sets;
  OutcomeMemo outcomes;
  std::vector<SignatureEntry> signature;
  // The event's values that satisfy some predicate, and for evidence() those of each predicate.
  struct Satisfied {
    const FieldValue* value;
    SetId set;
  };
  std::vector<Satisfied> satisfied, open;  // open: the set has predicates with kOpenBit
  std::unordered_map<PredicateId, std::vector<const FieldValue*>> values_of;
  // Of many open values those of each predicate, as far as they are sorted.
  std::unordered_map<PredicateId, std::vector<const FieldValue*>> open_values;
  std::size_t open_sorted = 0;
  bool values_found = false;
  bool searches_more = false;   // for what alerts show
  std::size_t shown_bytes = 0;  // by the event's alerts
  std::vector<RuleIndex> matched;

  // Scratch of looking a value up.
  struct Pending {
    ValueMemo::Key key;
    const FieldValue* value;
  };
  std::vector<Pending> pending;
  Arena arena;
  ValueTexts value_texts;
  std::vector<PredicateId> found, keyword_found;
  std::vector<int> atoms;
  std::uint32_t search_number = 0;
  std::vector<std::uint32_t> tried;  // by predicate, then by atom: the search that last met it
  std::vector<std::uint32_t> regexes;

  // Stamped with the epoch in which they were last true, so that nothing needs clearing.
  std::uint32_t epoch = 0;
  std::vector<std::uint32_t> predicate_seen, predicate_open, field_seen, field_filled, rule_seen;
  PredicateSketch stamped;  // the predicates that are seen or open
  std::vector<std::uint32_t> late_tested;
  std::uint64_t event_number = 0;
  std::vector<std::uint64_t> deferred_asked;  // by field: the event whose deferred tests were made
  struct Wanted {
    FieldId field;
    std::size_t values, bytes;
  };
  std::vector<Wanted> deferred_wanted;
  std::vector<FieldId> many_valued;  // of these, those of very many values
  std::vector<std::uint8_t> late_result;
  std::vector<const FieldValue*> late_value;  // the one for which it holds
  std::vector<RuleIndex> candidates, undecided;
  WorkCounter work;
  MemoUse memo_use;

  explicit State(std::shared_ptr<const Engine> e);

  void forget_when_full();
  void sign_fields();
  template <class LookUp>
  void sign_field(const FieldValue& value, LookUp&& look_up_value);
  void sign_keywords();
  void collect_keywords(const FieldValue& value);
  void tidy_signature();
  void decide();
  void judge(std::uint32_t key, bool asked_deferred);
  void stamp();
  bool sign_deferred();
  void look_up_deferred(const FieldValue& value);
  bool recall(std::uint32_t key);
  void settle();
  SetId look_up(std::uint32_t tag, const FieldTests& tests, const FieldValue& value);
  SetId look_up(const ValueMemo::Key& key, const FieldTests& tests, const FieldValue& value);
  SetId look_up_unseen(const FieldTests& tests, const FieldValue& value);
  [[nodiscard]] bool is_remembered(const FieldValue& value) const;
  void search(const FieldTests& tests, const FieldValue& value, bool whole);
  void search_literals(const FieldTests& tests, const FieldValue& value, std::string_view folded,
                       bool whole);
  void run_regexes(const FieldTests& tests, const FieldValue& value, std::string_view folded,
                   bool whole);
  void note_satisfied(const FieldValue& value, SetId set);
  template <class Test>
  bool any_open(PredicateId id, Test&& test);
  void sort_open();
  void forget_open();
  [[nodiscard]] Truth known(const ProgramNode& node) const;
  [[nodiscard]] Truth known_of_values(PredicateId id) const;
  [[nodiscard]] bool holds(const ProgramNode& node);
  [[nodiscard]] bool test_late(PredicateId id);
  void test_many(FieldId field);
  [[nodiscard]] std::vector<PredicateId> asked_of(FieldId field) const;
  [[nodiscard]] bool test_reference(PredicateId id);
  [[nodiscard]] bool holds_late(PredicateId id, const FieldValue& value);
  void find_values_of();
  void collect_evidence(PredicateId id, std::vector<const FieldValue*>& out);
  const std::vector<const FieldValue*>& open_values_of(PredicateId id);
};

}  // namespace tocsin::match
