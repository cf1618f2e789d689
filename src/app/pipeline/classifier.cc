// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "app/pipeline/tuning/apply.h"
#include "core/event/event_id.h"
#include "core/sigma/attack.h"

namespace tocsin::pipeline {

using match::RuleIndex;

Uuid EventSource::fallback_id() const {
  return topic.empty() ? Uuid{} : event_id_from_position(topic, partition, offset);
}

struct Classifier::State {
  std::shared_ptr<const match::Engine> engine;
  normalize::Normalizer normalizer;
  match::Matcher matcher;
  NormalizedEvent event;
  std::vector<RuleIndex> ranked;
  Identify who = Identify::kAll;
  std::vector<int> first_tactic_order;  // by rule; -1: the rule names no tactic

  State(std::shared_ptr<const match::Engine> e, const sigma::Taxonomy& taxonomy)
      : engine(e), normalizer(taxonomy, e->fields(), {.decode = false, .copy = false}), matcher(e) {
    const sigma::Attack& attack = sigma::Attack::built_in();
    for (const sigma::Rule& rule : e->rules())
      first_tactic_order.push_back(
          rule.tactics.empty() ? -1 : std::max(0, attack.order(rule.tactics.front())));
  }

  void rank(std::span<const RuleIndex> matched);
  void identify(const EventSource& source, Verdict& verdict, Findings& out);
  void fill_verdict(Verdict& verdict);
  void add_alert(RuleIndex index, const EventSource& source, const Verdict& verdict, Findings& out);
};

// Most severe first; of equals the one later in the kill chain, then the lower id. A rule without a
// tactic ranks behind those of its level, so that the class names a tactic where one is known.
void Classifier::State::rank(std::span<const RuleIndex> matched) {
  ranked.assign(matched.begin(), matched.end());
  const auto& rules = engine->rules();
  std::erase_if(ranked, [&](RuleIndex index) { return !reads_host(rules[index], event.host); });
  std::sort(ranked.begin(), ranked.end(), [&](RuleIndex a, RuleIndex b) {
    return std::tuple(-static_cast<int>(rules[a].level), -first_tactic_order[a],
                      std::string_view(rules[a].id)) < std::tuple(-static_cast<int>(rules[b].level),
                                                                  -first_tactic_order[b],
                                                                  std::string_view(rules[b].id));
  });
}

void Classifier::State::identify(const EventSource& source, Verdict& verdict, Findings& out) {
  const auto id = event_id_from(source.event_id, {event.body_id, event.host, event.channel,
                                                  event.record_id, event.time_text});
  verdict.event_id = id ? *id : source.fallback_id();
  out.parent = {trace::trace_id_of(verdict.event_id), trace::kNoSpan, 1};
  if (const auto context = trace::parse_traceparent(source.traceparent)) out.parent = *context;
  verdict.trace_id = out.parent.trace;
}

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

void Classifier::State::fill_verdict(Verdict& v) {
  v.timestamp = event.timestamp;
  v.host = event.host;
  v.channel = event.channel;
  v.provider = event.provider;
  v.event_code = event.event_code;
  v.event_class = "None";
  v.tactics.clear();
  v.techniques.clear();
  v.rules.clear();
  v.level = Level::kInformational;
  v.score = 0;
  if (ranked.empty()) return;
  const auto& rules = engine->rules();
  for (const RuleIndex index : ranked) {
    const sigma::Rule& rule = rules[index];
    v.rules.push_back(rule.id);
    for (const std::string& tactic : rule.tactics) add_once(v.tactics, tactic);
    for (const std::string& technique : rule.techniques) add_once(v.techniques, technique);
  }
  v.level = rules[ranked.front()].level;
  v.score = severity_score(v.level);
  v.event_class = "Unmapped";
  if (v.tactics.empty()) return;
  const sigma::Tactic* tactic = sigma::Attack::built_in().tactic(v.tactics.front());
  v.event_class = tactic != nullptr ? tactic->name : v.tactics.front();
}

void Classifier::State::add_alert(RuleIndex index, const EventSource& source,
                                  const Verdict& verdict, Findings& out) {
  const sigma::Rule& rule = engine->rules()[index];
  Alert& alert = out.alerts.emplace_back();
  alert.event_id = verdict.event_id;
  alert.alert_id = make_alert_id(alert.event_id, rule.id);
  alert.trace_id = verdict.trace_id;
  alert.timestamp = event.timestamp;
  alert.created = verdict.classified_at;
  alert.event_code = event.event_code;
  alert.provider = event.provider;
  alert.channel = event.channel;
  alert.host = event.host;
  alert.user = event.user;
  alert.rule_id = rule.id;
  alert.rule_name = rule.title;
  alert.rule_author = rule.author;
  alert.ruleset = rule.ruleset;
  alert.level = rule.level;
  alert.tactics = rule.tactics;
  alert.techniques = rule.techniques;
  alert.file_path = source.file_path;
  alert.line = source.line;
  alert.record_id = source.record_id;
  if (alert.record_id == 0)
    std::from_chars(event.record_id.data(), event.record_id.data() + event.record_id.size(),
                    alert.record_id);
  for (match::Matcher::Evidence& evidence : matcher.evidence(index))
    alert.matched_fields.push_back({std::move(evidence.field), std::move(evidence.value)});
}

Classifier::Classifier(std::shared_ptr<const match::Engine> engine, const sigma::Taxonomy& taxonomy,
                       Identify identify)
    : state_(std::make_unique<State>(std::move(engine), taxonomy)) {
  state_->who = identify;
}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

void Classifier::take_work(std::vector<match::Matcher::RuleWork>& out) {
  state_->matcher.take_work(out);
}

const match::Matcher::MemoUse& Classifier::memo_use() const { return state_->matcher.memo_use(); }

Status Classifier::classify(std::string_view json, const EventSource& source, Verdict& verdict,
                            Findings& out) {
  State& s = *state_;
  out.alerts.clear();
  TOCSIN_TRY_STATUS(s.normalizer.normalize(json, s.event));
  s.rank(s.matcher.match(s.event));
  if (s.who == Identify::kAll || !s.ranked.empty()) {
    s.fill_verdict(verdict);
    s.identify(source, verdict, out);
    verdict.classified_at = now_ns();
  } else {
    verdict.timestamp = s.event.timestamp;
  }
  out.repaired = s.event.repaired;
  out.known = s.event.route != 0;
  for (const RuleIndex index : s.ranked) s.add_alert(index, source, verdict, out);
  return {};
}

}  // namespace tocsin::pipeline
