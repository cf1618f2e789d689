// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/tuning/alert_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "base/uuid.h"
#include "stages/normalize/normalizer.h"

namespace tocsin::pipeline {

SuppressionPlan::SuppressionPlan(const Tuning& tuning) : rest_(tuning.suppress) {
  if (rest_ && rest_->window_ns == 0) rest_.reset();
  if (rest_) learn_fields(*rest_);
  for (const Override& over : tuning.overrides) {
    if (!over.suppress) continue;
    for (const RuleReference& rule : over.rules)
      by_rule_.insert_or_assign(folded(rule.id), *over.suppress);
    learn_fields(*over.suppress);
  }
}

void SuppressionPlan::learn_fields(const Suppression& suppression) {
  for (const std::string& field : suppression.by)
    if (field != "host" && field != "user" &&
        std::find(fields_.begin(), fields_.end(), field) == fields_.end())
      fields_.push_back(field);
}

const Suppression* SuppressionPlan::find(std::string_view rule_id) const {
  if (const auto found = by_rule_.find(folded(rule_id)); found != by_rule_.end())
    return found->second.window_ns == 0 ? nullptr : &found->second;
  return rest_ ? &*rest_ : nullptr;
}

// Reads the fields of an event that keys name.
class FieldReader {
 public:
  FieldReader(const std::vector<std::string>& fields, const sigma::Taxonomy& taxonomy)
      : table_(table_of(fields)), normalizer_(taxonomy, table_, {}) {}

  // The values of the field, joined; empty when the event lacks it.
  std::string value(const Alert& alert, std::string_view json, std::string_view field) {
    if (!read_ || event_id_ != alert.event_id) {
      read_ = normalizer_.normalize(json, event_).has_value();
      event_id_ = alert.event_id;
    }
    std::string out;
    const FieldId id = table_.find(field);
    if (!read_ || id == kNoField) return out;
    for (const FieldValue& v : event_.values)
      if (v.field == id && v.kind != ValueKind::kContainer) out.append(v.text).push_back('\x1f');
    return out;
  }

 private:
  static FieldTable table_of(const std::vector<std::string>& fields) {
    FieldTable table;
    for (const std::string& field : fields) table.intern(field);
    return table;
  }

  FieldTable table_;
  normalize::Normalizer normalizer_;
  NormalizedEvent event_;
  Uuid event_id_;
  bool read_ = false;
};

struct AlertFilter::State {
  std::shared_ptr<const SuppressionPlan> plan;
  std::unique_ptr<FieldReader> fields;
  Suppressor suppressor;

  SuppressionKey key_of(const Suppression& how, const Alert& alert, std::string_view json);
};

// Every part with its length before it: no two lists of parts give one text. The names of the parts
// are in it, so that a changed plan does not mix with what was remembered under the old one.
SuppressionKey AlertFilter::State::key_of(const Suppression& how, const Alert& alert,
                                          std::string_view json) {
  std::string text;
  const auto add = [&](std::string_view part) {
    fmt::format_to(std::back_inserter(text), "{}:{}", part.size(), part);
  };
  add(how.any_rule ? std::string_view() : std::string_view(alert.rule_id));
  for (const std::string& name : how.by) {
    add(name);
    if (name == "host")
      add(folded(alert.host));
    else if (name == "user")
      add(folded(alert.user));
    else
      add(folded(fields->value(alert, json, name)));
  }
  return sha256_128(text);
}

AlertFilter::AlertFilter() : state_(std::make_unique<State>()) {}
AlertFilter::~AlertFilter() = default;
AlertFilter::AlertFilter(AlertFilter&&) noexcept = default;
AlertFilter& AlertFilter::operator=(AlertFilter&&) noexcept = default;

void AlertFilter::adopt(std::shared_ptr<const SuppressionPlan> plan,
                        const sigma::Taxonomy& taxonomy) {
  state_->fields =
      plan->fields().empty() ? nullptr : std::make_unique<FieldReader>(plan->fields(), taxonomy);
  state_->plan = std::move(plan);
}

bool AlertFilter::admit(Alert& alert, std::string_view event_json, UnixNanos received) {
  State& s = *state_;
  if (s.plan == nullptr || s.plan->empty()) return true;
  const Suppression* how = s.plan->find(alert.rule_id);
  if (how == nullptr) return true;
  const UnixNanos time = alert.timestamp != 0 ? alert.timestamp : received;
  const auto held_back =
      s.suppressor.admit(s.key_of(*how, alert, event_json), time, how->window_ns);
  if (!held_back) return false;
  alert.suppressed = *held_back;
  return true;
}

std::uint64_t AlertFilter::forgotten() const { return state_->suppressor.forgotten(); }

}  // namespace tocsin::pipeline
