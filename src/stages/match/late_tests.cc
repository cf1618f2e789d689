// SPDX-License-Identifier: Apache-2.0
//
// Tests that are made when a rule asks for them, and the values that an alert shows.
#include <algorithm>

#include "base/utf8.h"
#include "core/event/json_text.h"
#include "core/sigma/evaluate.h"
#include "stages/match/matcher.h"

namespace tocsin::match {

using sigma::Op;

namespace {

// An alert shows so much of why it was raised; the event itself has the rest.
constexpr std::size_t kEvidenceMax = 32;
constexpr std::size_t kEvidenceBytesMax = 8 * 1024;

std::string shortened(std::string_view text) {
  if (text.size() <= kEvidenceBytesMax) return std::string(text);
  std::size_t size = kEvidenceBytesMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

// As much of the value as is shown: an escape takes six bytes at most. What stands at the cut is
// beyond what shortened() keeps.
FieldValue beginning_of(FieldValue value) {
  value.text = value.text.substr(0, 6 * kEvidenceBytesMax + 64);
  return value;
}

}  // namespace

bool Matcher::State::holds(PredicateId id) {
  const Truth truth = known(id);
  return truth == Truth::kUnknown ? test_late(id) : truth == Truth::kYes;
}

bool Matcher::State::test_late(PredicateId id) {
  if (late_tested[id] == epoch) return late_result[id] != 0;
  bool result = false;
  if (c.predicates[id].predicate->op == Op::kFieldRef) {
    result = test_reference(id);
  } else if (predicate_open[id] == epoch) {
    result = std::any_of(open.begin(), open.end(), [&](const Satisfied& v) {
      return leaves_open(v, id) && holds_late(id, *v.value);
    });
  } else {
    result = std::any_of(event->values.begin(), event->values.end(),
                         [&](const FieldValue& v) { return holds_late(id, v); });
  }
  late_tested[id] = epoch;
  late_result[id] = result ? 1 : 0;
  return result;
}

// Of a late predicate that is no reference, a deferred one, or one left open.
bool Matcher::State::holds_late(PredicateId id, const FieldValue& value) {
  const FieldId field = c.predicate_field[id];
  if ((field != kNoField && value.field != field) || value.kind == ValueKind::kNull) return false;
  const LateText& late = late_text(value);
  return sigma::value_holds(c.predicates[id], {value.field, value.kind, late.text, false},
                            late.folded);
}

const Matcher::State::LateText& Matcher::State::late_text(const FieldValue& value) {
  for (const LateText& known_text : late_texts)
    if (known_text.value == &value) return known_text;
  LateText& late = late_texts[late_next++ % late_texts.size()];
  late.value = &value;
  late.text = decoded(value, late_arena);
  late.folded.clear();
  append_folded(late.folded, late.text);
  return late;
}

void Matcher::State::forget_late_texts() {
  if (late_next == 0) return;
  late_next = 0;
  late_arena.reset();
  for (LateText& late : late_texts) late.value = nullptr;
}

// Whether the value may satisfy the predicate, and nobody has tested it yet.
bool Matcher::State::leaves_open(const Satisfied& value, PredicateId id) const {
  const auto ids = sets.at(value.set);
  return std::binary_search(ids.begin(), ids.end(), id | kOpenBit);
}

bool Matcher::State::test_reference(PredicateId id) {
  arena.reset();
  for (const FieldValue& value : event->values) {
    if (value.field != c.predicate_field[id] || value.kind == ValueKind::kNull) continue;
    const std::string_view text = decoded(value, arena);
    for (const FieldValue& other : event->values)
      if (other.field == c.predicate_other[id] && other.kind != ValueKind::kNull &&
          sigma::reference_holds(*c.predicates[id].predicate, text, decoded(other, arena)))
        return true;
  }
  return false;
}

// Which values satisfy each predicate, worked out once for all alerts of the event.
void Matcher::State::find_values_of() {
  values_found = true;
  for (const FieldValue& value : event->values)
    if (value.field != kNoField && !c.deferred_tests[value.field].empty() &&
        deferred_asked[value.field] != event_number)
      look_up_deferred(value);
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
  for (const Satisfied& values_set : open) {
    if (leaves_open(values_set, id) && holds_late(id, *values_set.value))
      entry->second.push_back(values_set.value);
    if (entry->second.size() >= kEvidenceMax) break;
  }
  return entry->second;
}

// The values by which the predicate holds, appended to `out`.
void Matcher::State::collect_evidence(PredicateId id, std::vector<const FieldValue*>& out) {
  if (const auto entry = values_of.find(id); entry != values_of.end())
    out.insert(out.end(), entry->second.begin(), entry->second.end());
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
    out.push_back({std::string(name), shortened(decoded(beginning_of(*value), state_->arena))});
  }
  return out;
}

}  // namespace tocsin::match
