// SPDX-License-Identifier: Apache-2.0
//
// AlertFilter: decides for each alert of a worker whether it goes out or is held back.
//
//   alert + JSON of its event -> key (rule, host, fields) -> Suppressor -> out, or counted
//
// Keys that name other fields than host and user need the event's values: then, and only for
// alerts, the event is normalized once more, for these fields.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/pipeline/tuning/suppressor.h"
#include "app/pipeline/tuning/tuning.h"
#include "core/event/verdict.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::pipeline {

// Which rule's alerts are thinned how. Immutable.
class SuppressionPlan {
 public:
  SuppressionPlan() = default;
  explicit SuppressionPlan(const Tuning& tuning);

  // Null: its alerts all go out.
  [[nodiscard]] const Suppression* find(std::string_view rule_id) const;
  [[nodiscard]] bool empty() const { return by_rule_.empty() && !rest_; }
  // The fields that some key names, without host and user.
  [[nodiscard]] const std::vector<std::string>& fields() const { return fields_; }

 private:
  void learn_fields(const Suppression& suppression);

  std::unordered_map<std::string, Suppression> by_rule_;  // by folded id
  std::optional<Suppression> rest_;
  std::vector<std::string> fields_;
};

// Threads: one thread; the plan may be shared.
class AlertFilter {
 public:
  AlertFilter();
  ~AlertFilter();
  AlertFilter(AlertFilter&&) noexcept;
  AlertFilter& operator=(AlertFilter&&) noexcept;

  // From now on this plan counts; what is remembered of alerts stays. The taxonomy must outlive its
  // use.
  void adopt(std::shared_ptr<const SuppressionPlan> plan, const sigma::Taxonomy& taxonomy);

  // True: it goes out, and `alert.suppressed` says how many of its kind did not. `received` stands
  // for the time of an event that does not say its own.
  [[nodiscard]] bool admit(Alert& alert, std::string_view event_json, UnixNanos received);

  [[nodiscard]] std::uint64_t forgotten() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::pipeline
