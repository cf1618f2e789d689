// SPDX-License-Identifier: Apache-2.0
#include "stages/match/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/check.h"
#include "base/utf8.h"
#include "core/sigma/evaluate.h"
#include "stages/match/literal_index.h"
#include "stages/match/program.h"
#include "stages/match/value_memo.h"

namespace tocsin::match {

using sigma::CompiledPredicate;
using sigma::Op;
using sigma::Predicate;

namespace {

// Known as soon as the values are looked up; the others are tested when a condition asks.
bool is_eager(const Predicate& p) {
  switch (p.op) {
    case Op::kEquals:
    case Op::kPrefix:
    case Op::kSuffix:
    case Op::kContains:
    case Op::kWildcard:
      return true;
    default:
      return false;
  }
}

// Two predicates with the same key are the same test. Every text carries its length, so that no
// two predicates can be written alike.
std::string key_of(const Predicate& p) {
  std::string key =
      fmt::format("{}:{}{}:{}{}:{} {} {} {}{}{} {} {} {}", p.field.size(), p.field, p.text.size(),
                  p.text, p.other_field.size(), p.other_field, static_cast<int>(p.op), p.cased,
                  p.regex_ignore_case, p.regex_multi_line, p.regex_dot_all, p.number,
                  static_cast<int>(p.time_part), static_cast<int>(p.ref_op));
  for (const sigma::Part& part : p.pattern.parts())
    key += fmt::format(" {} {}:{}", static_cast<int>(part.kind), part.text.size(), part.text);
  return key;
}

// What to file a wildcard pattern under: its longest literal.
struct Filed {
  Anchor anchor;
  std::string_view literal;
};
Filed file_pattern(const sigma::Pattern& pattern) {
  const auto& parts = pattern.parts();
  std::size_t best = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i].kind == sigma::PartKind::kLiteral &&
        (best == parts.size() || parts[i].text.size() > parts[best].text.size()))
      best = i;
  if (best == parts.size()) return {Anchor::kAnywhere, {}};
  const Anchor anchor = best == 0                  ? Anchor::kStart
                        : best + 1 == parts.size() ? Anchor::kEnd
                                                   : Anchor::kAnywhere;
  return {anchor, parts[best].text};
}

// A guess at how often events make the predicate hold. What many rules name (powershell.exe, an
// event id) is common; a long literal is rare.
double cost_of(const Predicate& p, std::size_t uses) {
  const std::size_t length =
      p.op == Op::kWildcard ? file_pattern(p.pattern).literal.size() : p.text.size();
  double cost = 1.0 + 0.5 * static_cast<double>(uses);
  if (length < 6) cost += 200.0 / static_cast<double>(1 + length * length);
  if (p.field == "EventID" || p.field == "Channel" || p.field == "Provider_Name") cost += 500;
  return cost;
}

}  // namespace

struct Engine::Compiled {
  std::vector<sigma::Rule> rules;
  FieldTable fields;
  std::vector<CompiledPredicate> predicates;
  std::vector<FieldId> predicate_field;  // kNoField: keyword
  std::vector<FieldId> predicate_other;  // kFieldRef
  std::vector<std::uint8_t> eager;
  std::vector<std::uint8_t> verify;   // the index finds candidates only: case or wildcards
  std::vector<LiteralIndex> indexes;  // by field; the last one: keywords
  std::vector<ProgramNode> nodes;
  std::vector<std::uint32_t> program_of;               // by rule
  std::vector<std::vector<RuleIndex>> witness_of;      // by predicate: rules it makes candidates
  std::vector<std::vector<std::uint8_t>> reads_route;  // [route][rule]
  std::vector<std::vector<RuleIndex>> always;          // [route]
  std::vector<std::uint8_t> route_used, route_keywords;
  std::size_t without_witness = 0;

  void intern(std::vector<std::vector<PredicateId>>& ids_of_rule, std::vector<std::size_t>& uses);
  void file(PredicateId id);
  void route(const sigma::Taxonomy& taxonomy);
  void compile_programs(const std::vector<std::vector<PredicateId>>& ids_of_rule,
                        const std::vector<std::size_t>& uses);
  [[nodiscard]] std::size_t keyword_index() const { return indexes.size() - 1; }
};

void Engine::Compiled::intern(std::vector<std::vector<PredicateId>>& ids_of_rule,
                              std::vector<std::size_t>& uses) {
  std::unordered_map<std::string, PredicateId> known;
  for (const sigma::Rule& rule : rules) {
    std::vector<PredicateId>& ids = ids_of_rule.emplace_back();
    for (const Predicate& p : rule.predicates) {
      const auto [entry, is_new] =
          known.try_emplace(key_of(p), static_cast<PredicateId>(predicates.size()));
      if (is_new) {
        predicates.push_back(sigma::compile(p));
        predicate_field.push_back(p.is_keyword() ? kNoField : fields.intern(p.field));
        predicate_other.push_back(p.op == Op::kFieldRef ? fields.intern(p.other_field) : kNoField);
        eager.push_back(is_eager(p));
        verify.push_back(is_eager(p) && (p.cased || p.op == Op::kWildcard));
        uses.push_back(0);
      }
      ids.push_back(entry->second);
      ++uses[entry->second];
    }
  }
}

void Engine::Compiled::file(PredicateId id) {
  const Predicate& p = *predicates[id].predicate;
  if (!eager[id]) return;
  LiteralIndex& index =
      predicate_field[id] == kNoField ? indexes.back() : indexes[predicate_field[id]];
  const auto add = [&](Anchor anchor, std::string_view literal) {
    index.add(anchor, p.cased ? folded(literal) : std::string(literal), id);
  };
  switch (p.op) {
    case Op::kEquals:
      add(Anchor::kWhole, p.text);
      break;
    case Op::kPrefix:
      add(Anchor::kStart, p.text);
      break;
    case Op::kSuffix:
      add(Anchor::kEnd, p.text);
      break;
    case Op::kContains:
      add(Anchor::kAnywhere, p.text);
      break;
    default: {
      const Filed filed = file_pattern(p.pattern);
      add(filed.anchor, filed.literal);
    }
  }
}

void Engine::Compiled::route(const sigma::Taxonomy& taxonomy) {
  const auto& routes = taxonomy.routes();
  reads_route.assign(routes.size(), std::vector<std::uint8_t>(rules.size(), 0));
  always.resize(routes.size());
  route_used.assign(routes.size(), 0);
  route_keywords.assign(routes.size(), 0);
  for (std::size_t r = 0; r < routes.size(); ++r) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!sigma::Taxonomy::reads(rules[i].logsource, routes[r])) continue;
      reads_route[r][i] = 1;
      route_used[r] = 1;
      if (std::any_of(rules[i].predicates.begin(), rules[i].predicates.end(),
                      [](const Predicate& p) { return p.is_keyword(); }))
        route_keywords[r] = 1;
    }
  }
}

void Engine::Compiled::compile_programs(const std::vector<std::vector<PredicateId>>& ids_of_rule,
                                        const std::vector<std::size_t>& uses) {
  witness_of.resize(predicates.size());
  for (RuleIndex rule = 0; rule < rules.size(); ++rule) {
    program_of.push_back(static_cast<std::uint32_t>(nodes.size()));
    append_program(nodes, rules[rule].condition, ids_of_rule[rule]);
    const auto witness = choose_witness(rules[rule].condition, ids_of_rule[rule],
                                        [&](PredicateId id) -> std::optional<double> {
                                          if (!eager[id]) return std::nullopt;
                                          return cost_of(*predicates[id].predicate, uses[id]);
                                        });
    if (witness) {
      for (const PredicateId id : witness->predicates) witness_of[id].push_back(rule);
      continue;
    }
    ++without_witness;
    for (std::size_t r = 0; r < always.size(); ++r)
      if (reads_route[r][rule]) always[r].push_back(rule);
  }
}

std::shared_ptr<const Engine> Engine::build(std::vector<sigma::Rule> rules,
                                            const sigma::Taxonomy& taxonomy) {
  auto compiled = std::make_unique<Compiled>();
  compiled->rules = std::move(rules);
  std::vector<std::vector<PredicateId>> ids_of_rule;
  std::vector<std::size_t> uses;
  compiled->intern(ids_of_rule, uses);
  compiled->indexes.resize(compiled->fields.size() + 1);
  for (PredicateId id = 0; id < compiled->predicates.size(); ++id) compiled->file(id);
  for (LiteralIndex& index : compiled->indexes) index.build();
  compiled->route(taxonomy);
  compiled->compile_programs(ids_of_rule, uses);
  return std::shared_ptr<const Engine>(new Engine(std::move(compiled)));
}

Engine::Engine(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Engine::~Engine() = default;

const FieldTable& Engine::fields() const { return compiled_->fields; }
bool Engine::wants_all_values(std::uint32_t route) const {
  return compiled_->route_keywords[route] != 0;
}
bool Engine::reads(std::uint32_t route) const { return compiled_->route_used[route] != 0; }
const std::vector<sigma::Rule>& Engine::rules() const { return compiled_->rules; }
EngineStats Engine::stats() const {
  return {compiled_->rules.size(), compiled_->predicates.size(), compiled_->fields.size(),
          compiled_->without_witness};
}

struct Matcher::State {
  std::shared_ptr<const Engine> engine;
  ValueMemo memo;
  std::uint32_t epoch = 0;
  std::vector<std::uint32_t> predicate_seen;  // epoch in which the predicate was found to hold
  std::vector<std::uint32_t> lazy_tested;     // epoch of lazy_result
  std::vector<std::uint8_t> lazy_result;
  std::vector<std::uint32_t> rule_seen;
  std::vector<RuleIndex> candidates, matched;
  std::vector<PredicateId> found;
  std::string folded_text;
  const NormalizedEvent* event = nullptr;

  const Engine::Compiled& compiled() const { return *engine->compiled_; }
  void next_epoch();
  void look_up(std::size_t index, const FieldValue& value);
  std::span<const PredicateId> search(std::size_t index, const FieldValue& value);
  void note(std::span<const PredicateId> holding);
  bool test(PredicateId id);
  bool test_lazily(PredicateId id);
  bool test_reference(PredicateId id) const;
};

void Matcher::State::next_epoch() {
  if (++epoch != 0) return;
  // Four billion events later: old stamps could be taken for new ones.
  std::fill(predicate_seen.begin(), predicate_seen.end(), 0);
  std::fill(lazy_tested.begin(), lazy_tested.end(), 0);
  std::fill(rule_seen.begin(), rule_seen.end(), 0);
  epoch = 1;
}

// The predicates that hold for the value, by the index and by verification.
std::span<const PredicateId> Matcher::State::search(std::size_t index, const FieldValue& value) {
  const Engine::Compiled& c = compiled();
  folded_text.clear();
  append_folded(folded_text, value.text);
  found.clear();
  c.indexes[index].scan(folded_text, [&](PredicateId id) {
    if (!c.verify[id] || sigma::value_holds(c.predicates[id], value, folded_text))
      found.push_back(id);
  });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void Matcher::State::look_up(std::size_t index, const FieldValue& value) {
  if (compiled().indexes[index].empty()) return;
  if (value.text.size() > ValueMemo::kValueBytesMax) {
    note(search(index, value));
    return;
  }
  const ValueMemo::Key key = memo.key(static_cast<std::uint32_t>(index), value.text);
  if (const auto known = memo.find(key)) {
    note(*known);
    return;
  }
  const auto holding = search(index, value);
  memo.insert(key, holding);
  note(holding);
}

void Matcher::State::note(std::span<const PredicateId> holding) {
  const Engine::Compiled& c = compiled();
  const std::vector<std::uint8_t>& readers = c.reads_route[event->route];
  for (const PredicateId id : holding) {
    if (predicate_seen[id] == epoch) continue;
    predicate_seen[id] = epoch;
    for (const RuleIndex rule : c.witness_of[id]) {
      if (readers[rule] == 0 || rule_seen[rule] == epoch) continue;
      rule_seen[rule] = epoch;
      candidates.push_back(rule);
    }
  }
}

bool Matcher::State::test(PredicateId id) {
  return compiled().eager[id] != 0 ? predicate_seen[id] == epoch : test_lazily(id);
}

bool Matcher::State::test_lazily(PredicateId id) {
  if (lazy_tested[id] == epoch) return lazy_result[id] != 0;
  const Engine::Compiled& c = compiled();
  const CompiledPredicate& p = c.predicates[id];
  const FieldId field = c.predicate_field[id];
  bool holds = p.predicate->op == Op::kNull;
  if (p.predicate->op == Op::kFieldRef) {
    holds = test_reference(id);
  } else {
    for (const FieldValue& value : event->values) {
      if (field != kNoField && value.field != field) continue;
      if (p.predicate->op == Op::kExists) {
        holds = true;
      } else if (p.predicate->op == Op::kNull) {
        holds = holds && value.kind == ValueKind::kNull;
      } else if (sigma::value_holds(p, value, {})) {
        holds = true;
        break;
      }
    }
  }
  lazy_tested[id] = epoch;
  lazy_result[id] = holds ? 1 : 0;
  return holds;
}

bool Matcher::State::test_reference(PredicateId id) const {
  const Engine::Compiled& c = compiled();
  for (const FieldValue& value : event->values) {
    if (value.field != c.predicate_field[id] || value.kind == ValueKind::kNull) continue;
    for (const FieldValue& other : event->values)
      if (other.field == c.predicate_other[id] && other.kind != ValueKind::kNull &&
          sigma::reference_holds(*c.predicates[id].predicate, value.text, other.text))
        return true;
  }
  return false;
}

Matcher::Matcher(std::shared_ptr<const Engine> engine) : state_(std::make_unique<State>()) {
  state_->engine = std::move(engine);
  const Engine::Compiled& c = state_->compiled();
  state_->predicate_seen.assign(c.predicates.size(), 0);
  state_->lazy_tested.assign(c.predicates.size(), 0);
  state_->lazy_result.assign(c.predicates.size(), 0);
  state_->rule_seen.assign(c.rules.size(), 0);
}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;

std::span<const RuleIndex> Matcher::match(const NormalizedEvent& event) {
  State& s = *state_;
  const Engine::Compiled& c = s.compiled();
  s.matched.clear();
  if (c.route_used[event.route] == 0) return s.matched;
  s.next_epoch();
  s.event = &event;
  s.candidates.assign(c.always[event.route].begin(), c.always[event.route].end());
  const bool keywords = c.route_keywords[event.route] != 0;
  for (const FieldValue& value : event.values) {
    if (value.kind == ValueKind::kNull) continue;
    if (value.field != kNoField) s.look_up(value.field, value);
    if (keywords) s.look_up(c.keyword_index(), value);
  }
  for (const RuleIndex rule : s.candidates)
    if (evaluate(c.nodes, c.program_of[rule], [&](PredicateId id) { return s.test(id); }))
      s.matched.push_back(rule);
  std::sort(s.matched.begin(), s.matched.end());
  return s.matched;
}

std::vector<Matcher::Evidence> Matcher::evidence(RuleIndex rule, const NormalizedEvent& event) {
  const Engine::Compiled& c = state_->compiled();
  std::vector<Evidence> out;
  std::vector<PredicateId> positive;
  const std::uint32_t start = c.program_of[rule];
  for (std::uint32_t at = start; at < c.nodes[start].end;) {
    const ProgramNode& node = c.nodes[at];
    if (node.kind == sigma::Expr::Kind::kPredicate) positive.push_back(node.argument);
    at = node.kind == sigma::Expr::Kind::kNot ? node.end : at + 1;
  }
  for (const FieldValue& value : event.values) {
    std::string text = folded(value.text);
    for (const PredicateId id : positive) {
      const bool of_field =
          c.predicate_field[id] == kNoField || c.predicate_field[id] == value.field;
      if (!of_field || !sigma::value_holds(c.predicates[id], value, text)) continue;
      const std::string_view name =
          value.field == kNoField ? std::string_view("keyword") : c.fields.name(value.field);
      out.push_back({name, value.text});
      break;
    }
  }
  return out;
}

}  // namespace tocsin::match
