// SPDX-License-Identifier: Apache-2.0
//
// Matcher: one event's way through an engine.
#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/arena.h"
#include "base/utf8.h"
#include "core/event/json_text.h"
#include "core/sigma/evaluate.h"
#include "stages/match/compiled.h"
#include "stages/match/engine.h"
#include "stages/match/memo/outcome_memo.h"
#include "stages/match/memo/value_memo.h"
#include "stages/match/work_counter.h"

namespace tocsin::match {

using sigma::Op;

namespace {

// In a signature: the field is there, and null; of a deferred entry: it was not asked.
constexpr SetId kNullValue = UINT32_MAX;
constexpr std::size_t kSetNumbersMax = 4u << 20;
constexpr std::size_t kRecentEntries = 256;

// Of a longer value that is not remembered, patterns and expressions are tried when a rule asks. A
// field's deferred tests are made one by one when its values are few and together this long.
constexpr std::size_t kLongBytes = 1'024;
constexpr std::size_t kFewValues = 4;

// The values of an event that has more are not remembered, and looked up like long ones.
constexpr std::size_t kManyValues = 1'000;

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

struct Matcher::State {
  std::shared_ptr<const Engine> engine;
  const Engine::Compiled& c;
  const NormalizedEvent* event = nullptr;
  const RoutePlan* plan = nullptr;

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
  bool values_found = false;
  std::vector<RuleIndex> matched;

  // Scratch of looking a value up.
  struct Pending {
    ValueMemo::Key key;
    const FieldValue* value;
  };
  std::vector<Pending> pending;
  Arena arena;
  std::string folded_text;
  std::vector<PredicateId> found, keyword_found;
  std::vector<int> atoms;
  std::uint32_t search_number = 0;
  std::vector<std::uint32_t> tried;  // by predicate, then by atom: the search that last met it
  std::vector<std::uint32_t> regexes;

  // Stamped with the epoch in which they were last true, so that nothing needs clearing.
  std::uint32_t epoch = 0;
  std::vector<std::uint32_t> predicate_seen, predicate_open, field_seen, field_filled, rule_seen;
  std::vector<std::uint32_t> late_tested;
  std::uint64_t event_number = 0;
  std::vector<std::uint64_t> deferred_asked;  // by field: the event whose deferred tests were made
  struct Wanted {
    FieldId field;
    std::size_t values, bytes;
  };
  std::vector<Wanted> deferred_wanted;
  // Texts of the event's values that late tests were made of, the last few.
  struct LateText {
    const FieldValue* value = nullptr;
    std::string_view text;
    std::string folded;
  };
  std::array<LateText, 4> late_texts;
  std::size_t late_next = 0;
  Arena late_arena;
  std::vector<std::uint8_t> late_result;
  std::vector<RuleIndex> candidates, undecided;
  WorkCounter work;

  explicit State(std::shared_ptr<const Engine> e);

  void forget_when_full();
  void sign_fields();
  void sign_keywords();
  void collect_keywords(const FieldValue& value);
  void tidy_signature();
  void decide();
  void judge(std::uint32_t key);
  void stamp();
  bool sign_deferred();
  void look_up_deferred(const FieldValue& value);
  bool recall(std::uint32_t key);
  void settle();
  SetId look_up(const ValueMemo::Key& key, const FieldTests& tests, const FieldValue& value);
  void search(const FieldTests& tests, const FieldValue& value, bool whole);
  void search_literals(const FieldTests& tests, const FieldValue& value, bool whole);
  void run_regexes(const FieldTests& tests, const FieldValue& value, bool whole);
  void note_satisfied(const FieldValue& value, SetId set);
  [[nodiscard]] bool leaves_open(const Satisfied& value, PredicateId id) const;
  [[nodiscard]] Truth known(PredicateId id) const;
  [[nodiscard]] Truth known_of_values(PredicateId id) const;
  [[nodiscard]] bool holds(PredicateId id);
  [[nodiscard]] bool test_late(PredicateId id);
  [[nodiscard]] bool test_reference(PredicateId id);
  [[nodiscard]] bool holds_late(PredicateId id, const FieldValue& value);
  const LateText& late_text(const FieldValue& value);
  void forget_late_texts();
  void find_values_of();
  void collect_evidence(PredicateId id, std::vector<const FieldValue*>& out);
  const std::vector<const FieldValue*>& open_values_of(PredicateId id);
};

Matcher::State::State(std::shared_ptr<const Engine> e)
    : engine(std::move(e)), c(*engine->compiled_) {
  tried.assign(c.predicates.size() + c.atoms_max, 0);
  deferred_asked.assign(c.fields.size(), 0);
  predicate_seen.assign(c.predicates.size(), 0);
  predicate_open.assign(c.predicates.size(), 0);
  late_tested.assign(c.predicates.size(), 0);
  late_result.assign(c.predicates.size(), 0);
  field_seen.assign(c.fields.size() + 1, 0);
  field_filled.assign(c.fields.size() + 1, 0);
  rule_seen.assign(c.rules.size(), 0);
  work.resize(c.rules.size());
}

// The three memories speak of each other's numbers, so they are forgotten together.
void Matcher::State::forget_when_full() {
  if (!values.full() && !outcomes.full() && sets.size() < kSetNumbersMax) return;
  values.clear();
  outcomes.clear();
  sets.clear();
}

// Which of the tests hold for the value: `found`, sorted, each once. Unless `whole`, those that are
// dear for a long value are left open.
void Matcher::State::search(const FieldTests& tests, const FieldValue& coded, bool whole) {
  arena.reset();
  const FieldValue value{coded.field, coded.kind, decoded(coded, arena), false};
  folded_text.clear();
  append_folded(folded_text, value.text);
  found.clear();
  search_literals(tests, value, whole);
  if (!tests.regexes.empty()) run_regexes(tests, value, whole);
  for (const PredicateId id : tests.others) {
    if (!whole && c.predicates[id].predicate->op == Op::kRegex)
      found.push_back(id | kOpenBit);
    else if (sigma::value_holds(c.predicates[id], value, folded_text))
      found.push_back(id);
  }
  std::sort(found.begin(), found.end());
}

// A literal may be found many times; it counts, and its pattern is tried, once.
void Matcher::State::search_literals(const FieldTests& tests, const FieldValue& value, bool whole) {
  atoms.clear();
  if (++search_number == 0) {
    std::fill(tried.begin(), tried.end(), 0);
    search_number = 1;
  }
  const std::size_t predicates = c.predicates.size();
  tests.literals.scan(folded_text, [&](std::uint32_t payload) {
    const bool is_atom = (payload & kAtomBit) != 0;
    const std::uint32_t number = payload & ~kAtomBit;
    std::uint32_t& last = tried[is_atom ? predicates + number : number];
    if (std::exchange(last, search_number) == search_number) return;
    if (is_atom)
      atoms.push_back(static_cast<int>(number));
    else if (!whole && c.verify[number] != 0 && c.predicates[number].predicate->op == Op::kWildcard)
      found.push_back(number | kOpenBit);
    else if (c.verify[number] == 0 || sigma::value_holds(c.predicates[number], value, folded_text))
      found.push_back(number);
  });
}

void Matcher::State::run_regexes(const FieldTests& tests, const FieldValue& value, bool whole) {
  std::sort(atoms.begin(), atoms.end());
  regexes.clear();
  tests.regexes.candidates(atoms, folded_text, regexes);
  for (const PredicateId id : regexes) {
    if (!whole)
      found.push_back(id | kOpenBit);
    else if (sigma::value_holds(c.predicates[id], value, folded_text))
      found.push_back(id);
  }
}

SetId Matcher::State::look_up(const ValueMemo::Key& key, const FieldTests& tests,
                              const FieldValue& value) {
  if (const auto known_set = values.find(key)) return *known_set;
  const bool many = event->values.size() > kManyValues;
  const bool kept = !many && values.wants(key);
  search(tests, value, kept || (!many && value.text.size() <= kLongBytes));
  const SetId set = sets.intern(found);
  if (kept) values.insert(key, set);
  return set;
}

void Matcher::State::note_satisfied(const FieldValue& value, SetId set) {
  satisfied.push_back({&value, set});
  if ((sets.at(set).back() & kOpenBit) != 0) open.push_back({&value, set});
}

// The same bytes can be another text when they are JSON's, and another number; a value may be asked
// for a field's deferred tests, too.
constexpr std::uint32_t kDeferredTag = 4;
std::uint32_t tag_of(FieldId field, const FieldValue& value) {
  return field * 8 + (value.encoded ? 2 : 0) + (value.kind == ValueKind::kNumber ? 1 : 0);
}

// Of the fields that deferred_asked names for this event.
void Matcher::State::look_up_deferred(const FieldValue& value) {
  if (value.kind == ValueKind::kNull) return;
  const SetId set = look_up(values.key(tag_of(value.field, value) + kDeferredTag, value.text),
                            c.deferred_tests[value.field], value);
  if (set == kEmptySet) return;
  signature.push_back({c.deferred_entry(value.field), set});
  note_satisfied(value, set);
}

// What the undecided rules want to know besides, if anything. Fields of few long values are left
// out: of them only what a rule asks is tested (test_late), not all that any rule could ask.
bool Matcher::State::sign_deferred() {
  deferred_wanted.clear();
  for (const RuleIndex rule : undecided)
    for (const FieldId field : c.deferred_of[rule])
      if (std::exchange(deferred_asked[field], event_number) != event_number)
        deferred_wanted.push_back({field, 0, 0});
  if (deferred_wanted.empty()) return false;
  for (const FieldValue& value : event->values)
    for (Wanted& wanted : deferred_wanted)
      if (value.field == wanted.field) {
        ++wanted.values;
        wanted.bytes += value.text.size();
      }
  for (const Wanted& wanted : deferred_wanted) {
    if (wanted.bytes <= kLongBytes || wanted.values > kFewValues) continue;
    deferred_asked[wanted.field] = 0;
    signature.push_back({c.deferred_entry(wanted.field), kNullValue});  // nothing is known of it
  }
  for (const FieldValue& value : event->values)
    if (value.field != kNoField && deferred_asked[value.field] == event_number)
      look_up_deferred(value);
  tidy_signature();
  return true;
}

void Matcher::State::sign_fields() {
  pending.clear();
  for (const FieldValue& value : event->values) {
    if (value.field == kNoField || plan->fields[value.field] == 0) continue;
    pending.push_back({values.key(tag_of(value.field, value), value.text), &value});
    values.prefetch(pending.back().key);
  }
  for (const Pending& p : pending) values.prefetch_entry(p.key);
  for (const Pending& p : pending) {
    const FieldId field = p.value->field;
    const std::uint8_t wants = plan->fields[field];
    SetId set = kNullValue;
    if (p.value->kind != ValueKind::kNull)
      set = (wants & RoutePlan::kLookUp) != 0 ? look_up(p.key, c.field_tests[field], *p.value)
                                              : kEmptySet;
    const bool tells =
        (wants & RoutePlan::kPresence) != 0 || (set != kEmptySet && set != kNullValue);
    if (tells) signature.push_back({field, set});
    if (set != kEmptySet && set != kNullValue) note_satisfied(*p.value, set);
  }
}

// Keywords search every value. The filter proves that nearly no event holds any.
void Matcher::State::sign_keywords() {
  if (plan->keywords == RoutePlan::kNoKeywords) return;
  const KeywordFilter& filter = c.keyword_filters[plan->keywords];
  keyword_found.clear();
  if (event->json.empty()) {
    for (const FieldValue& value : event->values) collect_keywords(value);
  } else {
    const KeywordHint hint = filter.scan(event->json);
    for (const FieldValue& value : event->values) {
      if (hint == KeywordHint::kSome || (!value.encoded && !value.text.empty())) {
        collect_keywords(value);  // a derived value is no part of the JSON
      } else if (hint == KeywordHint::kOdd && KeywordFilter::is_odd(value.text)) {
        arena.reset();
        if (filter.may_hold(decoded(value, arena))) collect_keywords(value);
      }
    }
  }
  if (keyword_found.empty()) return;
  std::sort(keyword_found.begin(), keyword_found.end());
  keyword_found.erase(std::unique(keyword_found.begin(), keyword_found.end()), keyword_found.end());
  signature.push_back({c.keyword_field(), sets.intern(keyword_found)});
}

void Matcher::State::collect_keywords(const FieldValue& value) {
  if (value.kind == ValueKind::kNull) return;
  const FieldId field = c.keyword_field();
  const SetId id =
      look_up(values.key(tag_of(field, value), value.text), c.field_tests[field], value);
  if (id == kEmptySet) return;
  note_satisfied(value, id);
  const auto set = sets.at(id);
  keyword_found.insert(keyword_found.end(), set.begin(), set.end());
}

// A long array is a set as far as rules are concerned. Most of its values say the same, so what was
// met a moment ago is dropped before the rest is sorted.
void Matcher::State::tidy_signature() {
  if (signature.size() <= OutcomeMemo::kEntriesMax / 2) return;
  if (signature.size() > 4 * kRecentEntries) {
    std::array<SignatureEntry, kRecentEntries> recent{};
    std::erase_if(signature, [&](const SignatureEntry& entry) {
      SignatureEntry& last = recent[(entry.set * 31 + entry.field) % kRecentEntries];
      const bool met = last.field == entry.field && last.set == entry.set;
      last = entry;
      return met && entry.set != kEmptySet;
    });
  }
  const auto less = [](const SignatureEntry& a, const SignatureEntry& b) {
    return a.field != b.field ? a.field < b.field : a.set < b.set;
  };
  std::sort(signature.begin(), signature.end(), less);
  signature.erase(std::unique(signature.begin(), signature.end()), signature.end());
}

// Marks what the signature says to hold.
void Matcher::State::stamp() {
  if (++epoch == 0) {
    // Four billion events later: old stamps could be taken for new ones.
    for (auto* stamps :
         {&predicate_seen, &predicate_open, &field_seen, &field_filled, &rule_seen, &late_tested})
      std::fill(stamps->begin(), stamps->end(), 0);
    epoch = 1;
  }
  for (const auto& [field, set] : signature) {
    const bool deferred = c.is_deferred_entry(field);
    if (!deferred) field_seen[field] = epoch;
    if (set == kNullValue) continue;
    if (!deferred) field_filled[field] = epoch;
    for (const PredicateId id : sets.at(set))
      ((id & kOpenBit) == 0 ? predicate_seen[id] : predicate_open[id & ~kOpenBit]) = epoch;
  }
}

Truth Matcher::State::known_of_values(PredicateId id) const {
  if (predicate_seen[id] == epoch) return Truth::kYes;
  return predicate_open[id] == epoch ? Truth::kUnknown : Truth::kNo;
}

Truth Matcher::State::known(PredicateId id) const {
  switch (c.settled[id]) {
    case Settled::kByValue:
      return known_of_values(id);
    case Settled::kByPresence: {
      const FieldId field = c.predicate_field[id];
      const bool is_null_test = c.predicates[id].predicate->op == Op::kNull;
      const bool yes = is_null_test ? field_filled[field] != epoch : field_seen[field] == epoch;
      return yes ? Truth::kYes : Truth::kNo;
    }
    case Settled::kDeferred:
      if (deferred_asked[c.predicate_field[id]] != event_number) break;
      return known_of_values(id);
    case Settled::kLate:
      break;
  }
  return Truth::kUnknown;
}

// What is remembered of the signature: `matched` grows, `undecided` is replaced.
bool Matcher::State::recall(std::uint32_t key) {
  const auto known_outcome = outcomes.find(key, signature);
  if (!known_outcome) return false;
  matched.insert(matched.end(), known_outcome->matched.begin(), known_outcome->matched.end());
  undecided.assign(known_outcome->undecided.begin(), known_outcome->undecided.end());
  return true;
}

// The outcome of a signature that was not seen before.
void Matcher::State::decide() {
  stamp();
  candidates.assign(plan->always.begin(), plan->always.end());
  for (const auto& [field, set] : signature) {
    if (set == kNullValue) continue;
    for (const PredicateId id : sets.at(set)) {
      for (const RuleIndex rule : c.witness_of[id & ~kOpenBit]) {
        if (plan->reads[rule] == 0 || rule_seen[rule] == epoch) continue;
        rule_seen[rule] = epoch;
        candidates.push_back(rule);
      }
    }
  }
  judge(event->route);
}

// Sorts the candidates into `matched` and `undecided`, by what is stamped, and remembers it.
void Matcher::State::judge(std::uint32_t key) {
  const std::size_t before = matched.size();
  undecided.clear();
  for (const RuleIndex rule : candidates) {
    const Truth truth = work.count(rule, [&] {
      return evaluate_partly(c.nodes, c.program_of[rule],
                             [&](PredicateId id) { return known(id); });
    });
    if (truth == Truth::kYes) matched.push_back(rule);
    if (truth == Truth::kUnknown) undecided.push_back(rule);
  }
  outcomes.insert(key, signature, {std::span(matched).subspan(before), undecided});
}

// Rules that the signature leaves open: with what deferred tests tell, which is remembered like the
// first outcome; then with what only the event itself tells.
void Matcher::State::settle() {
  const bool asked = sign_deferred();
  const auto key = static_cast<std::uint32_t>(event->route + c.plans.size());
  if (asked && recall(key)) {
    if (undecided.empty()) return;
    stamp();
  } else {
    stamp();
    if (asked) {
      candidates.assign(undecided.begin(), undecided.end());
      judge(key);
    }
  }
  for (const RuleIndex rule : undecided) {
    const bool matches = work.count(rule, [&] {
      return evaluate(c.nodes, c.program_of[rule], [&](PredicateId id) { return holds(id); });
    });
    if (matches) matched.push_back(rule);
  }
}

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

Matcher::Matcher(std::shared_ptr<const Engine> engine)
    : state_(std::make_unique<State>(std::move(engine))) {}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;

std::span<const RuleIndex> Matcher::match(const NormalizedEvent& event) {
  State& s = *state_;
  s.matched.clear();
  s.plan = &s.c.plans[event.route];
  if (!s.plan->used) return s.matched;
  s.event = &event;
  ++s.event_number;
  s.forget_late_texts();
  s.forget_when_full();
  s.signature.clear();
  s.satisfied.clear();
  s.open.clear();
  s.values_of.clear();
  s.values_found = false;
  s.sign_fields();
  s.sign_keywords();
  s.tidy_signature();
  if (!s.recall(event.route)) s.decide();
  if (!s.undecided.empty()) s.settle();
  std::sort(s.matched.begin(), s.matched.end());
  return s.matched;
}

void Matcher::take_work(std::vector<RuleWork>& out) { state_->work.take(out); }

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
