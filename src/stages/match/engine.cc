// SPDX-License-Identifier: Apache-2.0
#include "stages/match/engine.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <unordered_map>

#include "base/check.h"
#include "base/threads/parallel.h"
#include "base/utf8.h"
#include "stages/match/compiled.h"
#include "stages/match/filing.h"
#include "stages/match/implied.h"
#include "stages/match/witness_cost.h"

namespace tocsin::match {

using sigma::Op;
using sigma::Predicate;

namespace {

Settled settled_when(const Predicate& p) {
  if (p.op == Op::kExists || p.op == Op::kNull) return Settled::kByPresence;
  if (p.op == Op::kFieldRef) return Settled::kLate;
  return p.is_keyword() && !has_literal(p) ? Settled::kLate : Settled::kByValue;
}

template <class Value>
void append_bytes(std::string& key, const Value& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void append_text(std::string& key, std::string_view text) {
  append_bytes(key, text.size());
  key += text;
}

// Two predicates with the same key are the same test. Every text carries its length, so that no
// two predicates can be written alike.
std::string key_of(const Predicate& p) {
  std::string key;
  key.reserve(p.field.size() + p.text.size() + p.other_field.size() + 64);
  for (const std::string* text : {&p.field, &p.text, &p.other_field}) append_text(key, *text);
  const std::array<std::uint8_t, 7> marks{
      static_cast<std::uint8_t>(p.op),
      p.cased,
      p.regex_ignore_case,
      p.regex_multi_line,
      p.regex_dot_all,
      static_cast<std::uint8_t>(p.time_part),
      static_cast<std::uint8_t>(p.ref_op),
  };
  append_bytes(key, marks);
  for (const sigma::Part& part : p.pattern.parts()) {
    append_bytes(key, part.kind);
    append_text(key, part.text);
  }
  return key;
}

}  // namespace

// Makes an engine of rules.
class Builder {
 public:
  Builder(Engine::Compiled& compiled, const sigma::Taxonomy& taxonomy, EngineOptions options)
      : c_(compiled), taxonomy_(taxonomy), options_(options) {}

  void run() {
    intern_predicates();
    choose_witnesses();
    defer();
    c_.field_tests.resize(c_.fields.size() + 1);
    c_.deferred_tests.resize(c_.fields.size());
    for (PredicateId id = 0; id < c_.predicates.size(); ++id) file(id);
    finish_fields();
    plan_routes();
    compile_programs();
  }

 private:
  void intern_predicates();
  void add_predicate(const Predicate& p);
  void choose_witnesses();
  void defer();
  void file(PredicateId id);
  void finish_fields();
  static std::size_t finish(FieldTests& tests);
  void plan_routes();
  void plan_rule(RoutePlan& plan, RuleIndex rule, std::vector<PredicateId>& keywords) const;
  [[nodiscard]] std::uint32_t filter_of(std::vector<PredicateId> keywords);
  void compile_programs();

  Engine::Compiled& c_;
  const sigma::Taxonomy& taxonomy_;
  const EngineOptions options_;
  std::vector<std::vector<PredicateId>> ids_of_rule_;
  std::vector<Filed> filed_;               // by predicate; no literal: it has none
  std::vector<std::size_t> uses_;          // by predicate: how many times rules name it
  std::vector<std::uint8_t> always_;       // by rule: it has no witness
  std::vector<std::uint8_t> asked_first_;  // by predicate: a witness, or of a rule without one
  std::map<std::vector<PredicateId>, std::uint32_t> filters_;
};

void Builder::intern_predicates() {
  std::size_t most = 0;
  for (const sigma::Rule& rule : c_.rules) most += rule.predicates.size();
  std::unordered_map<std::string, PredicateId> known(most);
  c_.predicates.reserve(most);
  filed_.reserve(most);
  ids_of_rule_.reserve(c_.rules.size());
  for (const sigma::Rule& rule : c_.rules) {
    std::vector<PredicateId>& ids = ids_of_rule_.emplace_back();
    ids.reserve(rule.predicates.size());
    std::vector<std::uint32_t> meant(rule.predicates.size());  // the predicate to look for instead
    std::iota(meant.begin(), meant.end(), 0);
    for (const Implied& implied : find_implied(rule.condition, rule.predicates))
      meant[implied.predicate] = implied.by;
    for (std::uint32_t number = 0; number < meant.size(); ++number) {
      const Predicate& p = rule.predicates[meant[number]];
      const auto [entry, is_new] =
          known.try_emplace(key_of(p), static_cast<PredicateId>(c_.predicates.size()));
      if (is_new) add_predicate(p);
      ids.push_back(entry->second);
      if (meant[number] == number) ++uses_[entry->second];
    }
  }
}

void Builder::add_predicate(const Predicate& p) {
  c_.predicates.push_back(sigma::compile(p));
  c_.predicate_field.push_back(p.is_keyword() ? kNoField : c_.fields.intern(p.field));
  c_.predicate_other.push_back(p.op == Op::kFieldRef ? c_.fields.intern(p.other_field) : kNoField);
  c_.settled.push_back(settled_when(p));
  filed_.push_back(has_literal(p) ? file_under(p) : Filed{});
  c_.verify.push_back(filed_.back().exact ? 0 : 1);
  uses_.push_back(0);
}

void Builder::choose_witnesses() {
  c_.witness_of.resize(c_.predicates.size());
  always_.resize(c_.rules.size());
  asked_first_.resize(c_.predicates.size());
  WitnessCost costs;
  for (const Filed& filed : filed_)
    if (!filed.literals.empty()) costs.add(filed.literals.front());
  const auto cost = [&](PredicateId id) -> std::optional<double> {
    if (c_.settled[id] != Settled::kByValue) return std::nullopt;
    const Predicate& p = *c_.predicates[id].predicate;
    if (!has_literal(p)) return costs.of_other(p, uses_[id]);
    return costs.of_literal(p, filed_[id].literals.front(), uses_[id]);
  };
  for (RuleIndex rule = 0; rule < c_.rules.size(); ++rule) {
    const auto witness = choose_witness(c_.rules[rule].condition, ids_of_rule_[rule], cost);
    if (!witness) {
      ++c_.without_witness;
      always_[rule] = 1;
      for (const PredicateId id : ids_of_rule_[rule]) asked_first_[id] = 1;
      continue;
    }
    for (const PredicateId id : witness->predicates) {
      c_.witness_of[id].push_back(rule);
      asked_first_[id] = 1;
    }
  }
}

// What no rule needs to become a candidate can wait: expressions, networks and comparisons until
// they are asked one by one; literals, where a field has many, until a candidate asks for them all.
void Builder::defer() {
  std::vector<std::size_t> rest(c_.fields.size());
  std::vector<PredicateId> literals;
  for (PredicateId id = 0; id < c_.predicates.size(); ++id) {
    if (c_.settled[id] != Settled::kByValue || asked_first_[id] != 0 ||
        c_.predicate_field[id] == kNoField)
      continue;
    const Predicate& p = *c_.predicates[id].predicate;
    if (!has_literal(p)) {
      c_.settled[id] = Settled::kLate;
      continue;
    }
    literals.push_back(id);
    // What stands at a known place costs nothing to search for.
    rest[c_.predicate_field[id]] += p.op == Op::kContains || p.op == Op::kWildcard ? 1 : 0;
  }
  for (const PredicateId id : literals)
    if (rest[c_.predicate_field[id]] > options_.eager_literals_max)
      c_.settled[id] = Settled::kDeferred;
}

void Builder::file(PredicateId id) {
  const bool deferred = c_.settled[id] == Settled::kDeferred;
  if (c_.settled[id] != Settled::kByValue && !deferred) return;
  const Predicate& p = *c_.predicates[id].predicate;
  const FieldId field = c_.predicate_field[id];
  FieldTests& tests = deferred            ? c_.deferred_tests[field]
                      : field == kNoField ? c_.field_tests.back()
                                          : c_.field_tests[field];
  if (has_literal(p)) {
    for (const std::string& literal : filed_[id].literals)
      tests.literals.add(filed_[id].anchor, literal, id);
  } else if (p.op == Op::kRegex && c_.predicates[id].regex->linear_time()) {
    tests.regexes.add(p, id);
  } else {
    tests.others.push_back(id);
  }
}

// A field's tables need nothing of another's.
void Builder::finish_fields() {
  std::vector<FieldTests*> all;
  for (auto* fields : {&c_.field_tests, &c_.deferred_tests})
    for (FieldTests& tests : *fields)
      if (!tests.empty()) all.push_back(&tests);
  std::vector<std::size_t> atoms(all.size());
  parallel_for(all.size(), 1, [&](std::size_t i) { atoms[i] = finish(*all[i]); });
  for (const std::size_t count : atoms) c_.atoms_max = std::max(c_.atoms_max, count);
}

// The number of its atoms.
std::size_t Builder::finish(FieldTests& tests) {
  const std::vector<std::string> atoms = tests.regexes.build();
  for (std::size_t i = 0; i < atoms.size(); ++i)
    tests.literals.add(Anchor::kAnywhere, folded(atoms[i]),
                       kAtomBit | static_cast<std::uint32_t>(i));
  tests.literals.build();
  return atoms.size();
}

void Builder::plan_rule(RoutePlan& plan, RuleIndex rule, std::vector<PredicateId>& keywords) const {
  plan.used = true;
  plan.reads[rule] = 1;
  for (const PredicateId id : ids_of_rule_[rule]) {
    const FieldId field = c_.predicate_field[id];
    if (field == kNoField) {
      if (c_.settled[id] == Settled::kByValue) keywords.push_back(id);
    } else if (c_.settled[id] == Settled::kByValue) {
      plan.fields[field] |= RoutePlan::kLookUp;
    } else if (c_.settled[id] == Settled::kByPresence) {
      plan.fields[field] |= RoutePlan::kPresence;
    }
  }
}

std::uint32_t Builder::filter_of(std::vector<PredicateId> keywords) {
  std::sort(keywords.begin(), keywords.end());
  keywords.erase(std::unique(keywords.begin(), keywords.end()), keywords.end());
  const auto [entry, is_new] = filters_.try_emplace(
      std::move(keywords), static_cast<std::uint32_t>(c_.keyword_filters.size()));
  if (!is_new) return entry->second;
  KeywordFilter& filter = c_.keyword_filters.emplace_back();
  for (const PredicateId id : entry->first)
    for (const std::string& literal : filed_[id].literals) filter.add(literal);
  filter.build();
  return entry->second;
}

void Builder::plan_routes() {
  // Thousands of rules have a hundred log sources.
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<RuleIndex>> sources;
  for (RuleIndex rule = 0; rule < c_.rules.size(); ++rule) {
    const sigma::Logsource& source = c_.rules[rule].logsource;
    sources[{source.category, source.product, source.service}].push_back(rule);
  }
  for (const sigma::Route& route : taxonomy_.routes()) {
    RoutePlan& plan = c_.plans.emplace_back();
    plan.fields.assign(c_.fields.size(), 0);
    plan.reads.assign(c_.rules.size(), 0);
    std::vector<PredicateId> keywords;
    for (const auto& [source, rules] : sources) {
      if (!sigma::Taxonomy::reads(c_.rules[rules.front()].logsource, route)) continue;
      for (const RuleIndex rule : rules) plan_rule(plan, rule, keywords);
    }
    if (!keywords.empty()) plan.keywords = filter_of(std::move(keywords));
  }
}

void Builder::compile_programs() {
  for (RuleIndex rule = 0; rule < c_.rules.size(); ++rule) {
    c_.program_of.push_back(static_cast<std::uint32_t>(c_.nodes.size()));
    append_program(c_.nodes, c_.rules[rule].condition, ids_of_rule_[rule], c_.settled);
    std::vector<FieldId>& deferred = c_.deferred_of.emplace_back();
    for (const PredicateId id : ids_of_rule_[rule])
      if (c_.settled[id] == Settled::kDeferred) deferred.push_back(c_.predicate_field[id]);
    std::sort(deferred.begin(), deferred.end());
    deferred.erase(std::unique(deferred.begin(), deferred.end()), deferred.end());
    if (always_[rule] == 0) continue;
    for (RoutePlan& plan : c_.plans)
      if (plan.reads[rule] != 0) plan.always.push_back(rule);
  }
}

std::shared_ptr<const Engine> Engine::build(std::vector<sigma::Rule> rules,
                                            const sigma::Taxonomy& taxonomy,
                                            EngineOptions options) {
  auto compiled = std::make_unique<Compiled>();
  compiled->rules = std::move(rules);
  Builder(*compiled, taxonomy, options).run();
  return std::shared_ptr<const Engine>(new Engine(std::move(compiled)));
}

Engine::Engine(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Engine::~Engine() = default;

const FieldTable& Engine::fields() const { return compiled_->fields; }
bool Engine::reads(std::uint32_t route) const { return compiled_->plans[route].used; }
const std::vector<sigma::Rule>& Engine::rules() const { return compiled_->rules; }
EngineStats Engine::stats() const {
  return {compiled_->rules.size(), compiled_->predicates.size(), compiled_->fields.size(),
          compiled_->without_witness};
}

}  // namespace tocsin::match
