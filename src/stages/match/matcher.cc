// SPDX-License-Identifier: Apache-2.0
#include "stages/match/matcher.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/event/json_text.h"
#include "core/sigma/evaluate.h"

namespace tocsin::match {

using sigma::Op;

namespace {

constexpr std::size_t kSetNumbersMax = 4u << 20;
constexpr std::size_t kRecentEntries = 256;

// Of a longer value that is not remembered, patterns and expressions are tried when a rule asks. A
// field's deferred tests are made one by one when its values are few and together this long.
constexpr std::size_t kLongBytes = 1'024;
constexpr std::size_t kFewValues = 4;

// The values of an event that has more are not remembered, and looked up like long ones.
constexpr std::size_t kManyValues = 1'000;

}  // namespace

Matcher::State::State(std::shared_ptr<const Engine> e)
    : engine(std::move(e)), c(*engine->compiled_) {
  tried.assign(c.predicates.size() + c.atoms_max, 0);
  deferred_asked.assign(c.fields.size(), 0);
  predicate_seen.assign(c.predicates.size(), 0);
  predicate_open.assign(c.predicates.size(), 0);
  late_tested.assign(c.predicates.size(), 0);
  late_result.assign(c.predicates.size(), 0);
  late_value.assign(c.predicates.size(), nullptr);
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
  const ValueTexts::Text text = value_texts.of(coded);
  const FieldValue value{coded.field, coded.kind, text.plain, false};
  found.clear();
  search_literals(tests, value, text.folded, whole);
  if (!tests.regexes.empty()) run_regexes(tests, value, text.folded, whole);
  for (const PredicateId id : tests.others) {
    if (!whole && c.predicates[id].predicate->op == Op::kRegex)
      found.push_back(id | kOpenBit);
    else if (sigma::value_holds(c.predicates[id], value, text.folded))
      found.push_back(id);
  }
  std::sort(found.begin(), found.end());
}

// A literal may be found many times; it counts, and its pattern is tried, once.
void Matcher::State::search_literals(const FieldTests& tests, const FieldValue& value,
                                     std::string_view folded, bool whole) {
  atoms.clear();
  if (++search_number == 0) {
    std::fill(tried.begin(), tried.end(), 0);
    search_number = 1;
  }
  const std::size_t predicates = c.predicates.size();
  tests.literals.scan(folded, [&](std::uint32_t payload) {
    const bool is_atom = (payload & kAtomBit) != 0;
    const std::uint32_t number = payload & ~kAtomBit;
    std::uint32_t& last = tried[is_atom ? predicates + number : number];
    if (std::exchange(last, search_number) == search_number) return;
    if (is_atom)
      atoms.push_back(static_cast<int>(number));
    else if (!whole && c.verify[number] != 0 && c.predicates[number].predicate->op == Op::kWildcard)
      found.push_back(number | kOpenBit);
    else if (c.verify[number] == 0 || sigma::value_holds(c.predicates[number], value, folded))
      found.push_back(number);
  });
}

void Matcher::State::run_regexes(const FieldTests& tests, const FieldValue& value,
                                 std::string_view folded, bool whole) {
  std::sort(atoms.begin(), atoms.end());
  regexes.clear();
  tests.regexes.candidates(atoms, folded, regexes);
  for (const PredicateId id : regexes) {
    if (!whole)
      found.push_back(id | kOpenBit);
    else if (sigma::value_holds(c.predicates[id], value, folded))
      found.push_back(id);
  }
}

SetId Matcher::State::look_up(std::uint32_t tag, const FieldTests& tests, const FieldValue& value) {
  if (!is_remembered(value)) return look_up_unseen(tests, value);
  return look_up(values.key(tag, value.text), tests, value);
}

SetId Matcher::State::look_up(const ValueMemo::Key& key, const FieldTests& tests,
                              const FieldValue& value) {
  ++memo_use.values;
  if (const auto known_set = values.find(key)) return *known_set;
  ++memo_use.values_missed;
  const bool kept = values.wants(key);
  search(tests, value, kept || value.text.size() <= kLongBytes);
  const SetId set = sets.intern(found);
  if (kept) values.insert(key, set);
  return set;
}

// Of a value that is not remembered, nor asked for.
SetId Matcher::State::look_up_unseen(const FieldTests& tests, const FieldValue& value) {
  ++memo_use.values;
  ++memo_use.values_missed;
  search(tests, value, false);
  return sets.intern(found);
}

bool Matcher::State::is_remembered(const FieldValue& value) const {
  return !many_values && value.text.size() <= ValueMemo::kValueBytesMax;
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
  if (!value.has_text()) return;
  const SetId set =
      look_up(tag_of(value.field, value) + kDeferredTag, c.deferred_tests[value.field], value);
  if (set == kEmptySet) return;
  signature.push_back({c.deferred_entry(value.field), set});
  note_satisfied(value, set);
}

// What the undecided rules want to know besides, if anything. Fields of few long values and of very
// many are left out: of them only what a rule asks is tested (test_late, test_many), not all that
// any rule could ask.
bool Matcher::State::sign_deferred() {
  deferred_wanted.clear();
  many_valued.clear();
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
    const bool few_long = wanted.bytes > kLongBytes && wanted.values <= kFewValues;
    const bool many = wanted.values > kManyValues;
    if (!few_long && !many) continue;
    if (many) many_valued.push_back(wanted.field);
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
    if (!is_remembered(value)) [[unlikely]] {
      sign_field(value, [&](const FieldTests& tests) { return look_up_unseen(tests, value); });
      continue;
    }
    pending.push_back({values.key(tag_of(value.field, value), value.text), &value});
    values.prefetch(pending.back().key);
  }
  for (const Pending& p : pending) values.prefetch_entry(p.key);
  for (const Pending& p : pending)
    sign_field(*p.value, [&](const FieldTests& tests) { return look_up(p.key, tests, *p.value); });
}

template <class LookUp>
void Matcher::State::sign_field(const FieldValue& value, LookUp&& look_up_value) {
  const std::uint8_t wants = plan->fields[value.field];
  SetId set = value.kind == ValueKind::kNull ? kNullValue : kEmptySet;
  if (value.has_text())
    set = (wants & RoutePlan::kLookUp) != 0 ? look_up_value(c.field_tests[value.field]) : kEmptySet;
  const bool holds_some = set != kEmptySet && set != kNullValue;
  if (holds_some || (wants & RoutePlan::kPresence) != 0) signature.push_back({value.field, set});
  if (holds_some) note_satisfied(value, set);
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
      } else if ((hint == KeywordHint::kOdd && KeywordFilter::is_odd(value.text)) ||
                 (filter.concerns_numbers() && value.kind == ValueKind::kNumber &&
                  grows_when_canonical(value.text))) {
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
  if (!value.has_text()) return;
  const FieldId field = c.keyword_field();
  const SetId id = look_up(tag_of(field, value), c.field_tests[field], value);
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
  stamped.clear();
  for (const auto& [field, set] : signature) {
    const bool deferred = c.is_deferred_entry(field);
    if (!deferred) field_seen[field] = epoch;
    if (set == kNullValue) continue;
    if (!deferred) field_filled[field] = epoch;
    for (const PredicateId id : sets.at(set)) {
      ((id & kOpenBit) == 0 ? predicate_seen[id] : predicate_open[id & ~kOpenBit]) = epoch;
      stamped.add(id & ~kOpenBit);
    }
  }
}

Truth Matcher::State::known_of_values(PredicateId id) const {
  if (predicate_seen[id] == epoch) return Truth::kYes;
  return predicate_open[id] == epoch ? Truth::kUnknown : Truth::kNo;
}

Truth Matcher::State::known(const ProgramNode& node) const {
  const PredicateId id = node.argument;
  switch (node.settled) {
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
  judge(event->route, false);
}

// Sorts the candidates into `matched` and `undecided`, by what is stamped, and remembers it.
// `asked_deferred`: sign_deferred() was there.
void Matcher::State::judge(std::uint32_t key, bool asked_deferred) {
  const std::size_t before = matched.size();
  undecided.clear();
  for (const RuleIndex rule : candidates) {
    const Truth truth = work.count(rule, [&] {
      return evaluate_partly(c.nodes, c.program_of[rule], [&](const ProgramNode& node) {
        if (node.settled == Settled::kByValue && !stamped.may_hold(node.argument))
          return Truth::kNo;  // nearly always
        if (node.settled == Settled::kDeferred && !asked_deferred) return Truth::kUnknown;
        return known(node);
      });
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
      judge(key, true);
    }
  }
  for (const FieldId field : many_valued) test_many(field);
  for (const RuleIndex rule : undecided) {
    const bool matches = work.count(rule, [&] {
      return evaluate(c.nodes, c.program_of[rule],
                      [&](const ProgramNode& node) { return holds(node); });
    });
    if (matches) matched.push_back(rule);
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
  s.many_values = event.values.size() > kManyValues;
  ++s.event_number;
  s.value_texts.forget();
  s.forget_when_full();
  s.signature.clear();
  s.satisfied.clear();
  s.forget_open();
  s.values_of.clear();
  s.values_found = false;
  s.sign_fields();
  s.sign_keywords();
  s.tidy_signature();
  ++s.memo_use.events;
  if (!s.recall(event.route)) {
    ++s.memo_use.events_missed;
    s.decide();
  }
  if (!s.undecided.empty()) s.settle();
  std::sort(s.matched.begin(), s.matched.end());
  return s.matched;
}

void Matcher::take_work(std::vector<RuleWork>& out) { state_->work.take(out); }
const Matcher::MemoUse& Matcher::memo_use() const { return state_->memo_use; }

}  // namespace tocsin::match
