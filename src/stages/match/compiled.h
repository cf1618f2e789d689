// SPDX-License-Identifier: Apache-2.0
//
// What Engine::build() makes of the rules and Matcher reads: private to this module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/sigma/evaluate.h"
#include "stages/match/engine.h"
#include "stages/match/literals/keyword_filter.h"
#include "stages/match/literals/literal_index.h"
#include "stages/match/literals/regex_filter.h"
#include "stages/match/program.h"

namespace tocsin::match {

// Payloads of a LiteralIndex with this bit are atoms of the field's RegexFilter.
inline constexpr std::uint32_t kAtomBit = 0x8000'0000u;

// In the set of a long value: this predicate may hold; its test is made when a rule asks for it.
inline constexpr PredicateId kOpenBit = 0x8000'0000u;

// All tests of one field's values.
struct FieldTests {
  LiteralIndex literals;
  RegexFilter regexes;
  std::vector<PredicateId> others;  // numbers and networks: tried on each new value

  [[nodiscard]] bool empty() const { return literals.empty() && regexes.empty() && others.empty(); }
};

// What rules of one route need to know of an event.
struct RoutePlan {
  static constexpr std::uint8_t kLookUp = 1;    // a rule tests the field's values
  static constexpr std::uint8_t kPresence = 2;  // a rule asks whether it is there
  static constexpr std::uint32_t kNoKeywords = UINT32_MAX;

  bool used = false;
  std::uint32_t keywords = kNoKeywords;  // index of its KeywordFilter
  std::vector<std::uint8_t> fields;      // by FieldId: kLookUp | kPresence
  std::vector<std::uint8_t> reads;       // by rule
  std::vector<RuleIndex> always;         // rules without a witness
};

struct Engine::Compiled {
  std::vector<sigma::Rule> rules;
  FieldTable fields;
  std::vector<sigma::CompiledPredicate> predicates;
  std::vector<FieldId> predicate_field;  // kNoField: keyword
  std::vector<FieldId> predicate_other;  // kFieldRef
  std::vector<Settled> settled;
  std::vector<std::uint8_t> verify;        // the index finds candidates only: case or wildcards
  std::vector<FieldTests> field_tests;     // by field, kByValue; the last one: keywords
  std::vector<FieldTests> deferred_tests;  // by field, kDeferred
  std::vector<ProgramNode> nodes;
  std::vector<std::uint32_t> program_of;           // by rule
  std::vector<std::vector<RuleIndex>> witness_of;  // by predicate: rules it makes candidates
  std::vector<std::vector<FieldId>> deferred_of;   // by rule: fields with kDeferred tests of it
  std::vector<RoutePlan> plans;
  std::vector<KeywordFilter> keyword_filters;
  std::size_t without_witness = 0;

  std::size_t atoms_max = 0;  // of one field

  // What a signature calls the answers of a field's deferred tests.
  [[nodiscard]] std::uint32_t deferred_entry(FieldId field) const {
    return keyword_field() + 1 + field;
  }
  [[nodiscard]] bool is_deferred_entry(std::uint32_t entry) const {
    return entry > keyword_field();
  }
  [[nodiscard]] FieldId keyword_field() const {
    return static_cast<FieldId>(field_tests.size() - 1);
  }
};

}  // namespace tocsin::match
