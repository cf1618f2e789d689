// SPDX-License-Identifier: Apache-2.0
//
// Tests that are made when a rule asks for them, and the values that an alert shows.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "core/event/json_text.h"
#include "core/sigma/evaluate.h"
#include "stages/match/filing.h"
#include "stages/match/matcher.h"

namespace tocsin::match {

using sigma::Op;

namespace {

// An alert shows so much of why it was raised; the event itself has the rest. Once the alerts of
// one event have shown kShownBytesMax, the others show less of each value.
constexpr std::size_t kEvidenceMax = 32;
constexpr std::size_t kEvidenceBytesMax = 8 * 1024;
constexpr std::size_t kShownBytesMax = 64 * 1024;
constexpr std::size_t kBriefBytesMax = 200;

// Of an event with very many values, or longer ones altogether, alerts show what the match itself
// found: nothing is searched for the sake of showing it.
constexpr std::size_t kSearchedBytesMax = 256 * 1024;

// Of a field and the one that it is compared with: so many pairs are compared one by one.
constexpr std::size_t kFewPairs = 1'000;

// So many open values are looked through, whatever is asked; more are sorted by predicate.
constexpr std::size_t kFewOpen = 16;

// Whether one of the texts stands to one of the others as `op` says; the cost grows with the texts,
// not with the pairs.
bool any_refers(sigma::RefOp op, std::vector<std::string> texts, std::vector<std::string> others) {
  if (op == sigma::RefOp::kSuffix)
    for (auto* list : {&texts, &others})
      for (std::string& text : *list) std::reverse(text.begin(), text.end());
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  if (op == sigma::RefOp::kEquals) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return std::binary_search(others.begin(), others.end(), text);
    });
  }
  if (op == sigma::RefOp::kContains) {
    LiteralIndex index;
    for (const std::string& other : others) index.add(Anchor::kAnywhere, other, 0);
    index.build();
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      bool holds = false;
      index.scan(text, [&](std::uint32_t) { holds = true; });
      return holds;
    });
  }
  // What begins with another of them is not needed. Of those left, only the last one that is not
  // behind the text can be its beginning.
  std::vector<std::string_view> beginnings;
  for (const std::string& other : others)
    if (beginnings.empty() || !other.starts_with(beginnings.back())) beginnings.emplace_back(other);
  return std::any_of(texts.begin(), texts.end(), [&](std::string_view text) {
    const auto behind = std::upper_bound(beginnings.begin(), beginnings.end(), text);
    return behind != beginnings.begin() && text.starts_with(*std::prev(behind));
  });
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t size = bytes_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

// As much of the value as is shown: an escape takes six bytes at most. What stands at the cut is
// beyond what shortened() keeps.
FieldValue beginning_of(FieldValue value, std::size_t bytes_max) {
  value.text = value.text.substr(0, 6 * bytes_max + 64);
  return value;
}

}  // namespace

bool Matcher::State::holds(const ProgramNode& node) {
  const Truth truth = known(node);
  return truth == Truth::kUnknown ? test_late(node.argument) : truth == Truth::kYes;
}

bool Matcher::State::test_late(PredicateId id) {
  if (late_tested[id] == epoch) return late_result[id] != 0;
  bool result = false;
  late_value[id] = nullptr;
  const auto holds_here = [&](const FieldValue& value) {
    if (!holds_late(id, value)) return false;
    late_value[id] = &value;
    return true;
  };
  if (c.predicates[id].predicate->op == Op::kFieldRef)
    result = test_reference(id);
  else if (predicate_open[id] == epoch)
    result = any_open(id, holds_here);
  else
    result = std::any_of(event->values.begin(), event->values.end(), holds_here);
  late_tested[id] = epoch;
  late_result[id] = result ? 1 : 0;
  return result;
}

// Texts that the undecided rules look for in the field's values, each once.
std::vector<PredicateId> Matcher::State::asked_of(FieldId field) const {
  std::vector<PredicateId> ids;
  for (const RuleIndex rule : undecided) {
    const std::uint32_t start = c.program_of[rule];
    for (std::uint32_t at = start; at < c.nodes[start].end; ++at) {
      const ProgramNode& node = c.nodes[at];
      if (node.kind != sigma::Expr::Kind::kPredicate) continue;
      const PredicateId id = node.argument;
      if (node.settled == Settled::kDeferred && c.predicate_field[id] == field &&
          has_literal(*c.predicates[id].predicate))
        ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// Late tests of a field with very many values: those that the undecided rules may ask for, all in
// one pass, by an index made for the occasion.
void Matcher::State::test_many(FieldId field) {
  const std::vector<PredicateId> ids = asked_of(field);
  if (ids.empty()) return;
  LiteralIndex index;
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    late_tested[ids[i]] = epoch;
    late_result[ids[i]] = 0;
    late_value[ids[i]] = nullptr;
    const Filed filed = file_under(*c.predicates[ids[i]].predicate);
    for (const std::string& literal : filed.literals) index.add(filed.anchor, literal, i);
  }
  index.build();
  for (const FieldValue& value : event->values) {
    if (value.field != field || !value.has_text()) continue;
    index.scan(value_texts.of(value).folded, [&](std::uint32_t i) {
      const PredicateId id = ids[i];
      if (late_result[id] != 0 || (c.verify[id] != 0 && !holds_late(id, value))) return;
      late_result[id] = 1;
      late_value[id] = &value;
    });
  }
}

// Of a late predicate that is no reference, a deferred one, or one left open.
bool Matcher::State::holds_late(PredicateId id, const FieldValue& value) {
  const FieldId field = c.predicate_field[id];
  if ((field != kNoField && value.field != field) || !value.has_text()) return false;
  const sigma::Predicate& p = *c.predicates[id].predicate;
  const ValueTexts::Text text = value_texts.of(value, !p.cased && p.op != Op::kRegex);
  return sigma::value_holds(c.predicates[id], {value.field, value.kind, text.plain, false},
                            text.folded);
}

// Whether the test is true of a value that may satisfy the predicate and was not tested yet.
template <class Test>
bool Matcher::State::any_open(PredicateId id, Test&& test) {
  if (open.size() <= kFewOpen) {
    return std::any_of(open.begin(), open.end(), [&](const Satisfied& value) {
      const auto ids = sets.at(value.set);
      return std::binary_search(ids.begin(), ids.end(), id | kOpenBit) && test(*value.value);
    });
  }
  sort_open();
  const auto those = open_values.find(id);
  return those != open_values.end() &&
         std::any_of(those->second.begin(), those->second.end(),
                     [&](const FieldValue* value) { return test(*value); });
}

// An array of a hundred thousand values, of which many rules ask: each is asked only about its own.
void Matcher::State::sort_open() {
  for (; open_sorted < open.size(); ++open_sorted) {
    const auto [value, set] = open[open_sorted];
    const auto ids = sets.at(set);
    for (auto id = ids.rbegin(); id != ids.rend() && (*id & kOpenBit) != 0; ++id)
      open_values[*id & ~kOpenBit].push_back(value);
  }
}

void Matcher::State::forget_open() {
  open.clear();
  if (std::exchange(open_sorted, 0) != 0) open_values.clear();
}

// Pairs are compared one by one while they are few.
bool Matcher::State::test_reference(PredicateId id) {
  const sigma::Predicate& p = *c.predicates[id].predicate;
  std::vector<std::string> texts, others;
  for (const FieldValue& value : event->values) {
    if (!value.has_text()) continue;
    for (const auto& [field, list] :
         {std::pair{c.predicate_field[id], &texts}, std::pair{c.predicate_other[id], &others}}) {
      if (value.field != field) continue;
      arena.reset();
      const std::string_view text = decoded(value, arena);
      list->push_back(p.cased ? std::string(text) : folded(text));
    }
  }
  if (texts.size() * others.size() <= kFewPairs) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return std::any_of(others.begin(), others.end(), [&](const std::string& other) {
        return sigma::reference_holds(p.ref_op, text, other);
      });
    });
  }
  return any_refers(p.ref_op, std::move(texts), std::move(others));
}

// Which values satisfy each predicate, worked out once for all alerts of the event.
void Matcher::State::find_values_of() {
  values_found = true;
  shown_bytes = 0;
  std::size_t bytes = 0;
  for (const FieldValue& value : event->values) bytes += value.text.size();
  searches_more = !many_values && bytes <= kSearchedBytesMax;
  if (searches_more) {
    for (const FieldValue& value : event->values)
      if (value.field != kNoField && !c.deferred_tests[value.field].empty() &&
          deferred_asked[value.field] != event_number)
        look_up_deferred(value);
  }
  for (const auto& [value, set] : satisfied) {
    for (const PredicateId id : sets.at(set)) {
      if ((id & kOpenBit) != 0) break;  // they stand last
      auto& list = values_of[id];
      if (list.size() < kEvidenceMax) list.push_back(value);
    }
  }
}

// The values of which the predicate was left open and holds.
const std::vector<const FieldValue*>& Matcher::State::open_values_of(PredicateId id) {
  const auto [entry, is_new] = values_of.try_emplace(id | kOpenBit);
  if (!is_new) return entry->second;
  std::vector<const FieldValue*>& shown = entry->second;
  any_open(id, [&](const FieldValue& value) {
    if (holds_late(id, value)) shown.push_back(&value);
    return shown.size() >= kEvidenceMax;
  });
  return shown;
}

// The values by which the predicate holds, appended to `out`.
void Matcher::State::collect_evidence(PredicateId id, std::vector<const FieldValue*>& out) {
  if (const auto entry = values_of.find(id); entry != values_of.end())
    out.insert(out.end(), entry->second.begin(), entry->second.end());
  if (!searches_more) {
    // Without undecided rules nothing was tested late, and the stamps are an earlier event's.
    const bool tested = !undecided.empty() && late_tested[id] == epoch;
    if (tested && late_value[id] != nullptr) out.push_back(late_value[id]);
    return;
  }
  if (!open.empty()) {
    const auto& values_too = open_values_of(id);
    out.insert(out.end(), values_too.begin(), values_too.end());
  }
  if (c.settled[id] != Settled::kLate || c.predicates[id].predicate->op == Op::kFieldRef) return;
  for (const FieldValue& value : event->values) {
    if (holds_late(id, value)) out.push_back(&value);
    if (out.size() >= kEvidenceMax) return;
  }
}

std::vector<Matcher::Evidence> Matcher::evidence(RuleIndex rule) {
  const Engine::Compiled& c = state_->c;
  if (!state_->values_found) state_->find_values_of();
  std::vector<const FieldValue*> shown;
  const std::uint32_t start = c.program_of[rule];
  for (std::uint32_t at = start; at < c.nodes[start].end;) {
    const ProgramNode& node = c.nodes[at];
    if (node.kind == sigma::Expr::Kind::kPredicate) state_->collect_evidence(node.argument, shown);
    at = node.kind == sigma::Expr::Kind::kNot ? node.end : at + 1;
  }
  std::sort(shown.begin(), shown.end());
  shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
  if (shown.size() > kEvidenceMax) shown.resize(kEvidenceMax);
  std::vector<Evidence> out;
  for (const FieldValue* value : shown) {
    const std::string_view name =
        value->field == kNoField ? std::string_view("keyword") : c.fields.name(value->field);
    state_->arena.reset();
    const std::size_t bytes_max =
        state_->shown_bytes < kShownBytesMax ? kEvidenceBytesMax : kBriefBytesMax;
    const FieldValue beginning = beginning_of(*value, bytes_max);
    out.push_back({std::string(name), shortened(decoded(beginning, state_->arena), bytes_max)});
    state_->shown_bytes += out.back().value.size();
  }
  return out;
}

}  // namespace tocsin::match
