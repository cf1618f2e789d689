// SPDX-License-Identifier: Apache-2.0
//
// How often tactics and techniques are named, by rules or by stored alerts.
//
//   rules, or alerts of tocsin.db -> Tally -> tables, JSON, layer_of() -> Navigator layer
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/insight/navigator.h"
#include "base/result.h"
#include "core/event/verdict.h"
#include "core/sigma/rule.h"

namespace tocsin::cli::rules {

// How many rules or alerts, by level.
struct Count {
  std::array<std::uint64_t, 5> levels{};
  std::string example;  // title of the most severe rule
  Level highest = Level::kInformational;

  void add(Level level, std::uint64_t times, std::string_view title) {
    levels[static_cast<std::size_t>(level)] += times;
    if (!example.empty() && level <= highest) return;
    highest = level;
    example = title;
  }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : levels) sum += n;
    return sum;
  }
};

struct Tally {
  std::string what;  // "rules" or "alerts"
  std::uint64_t total = 0, without_tactic = 0;
  std::map<std::string, Count> tactics, techniques;

  void add(const std::vector<std::string>& of_tactics, const std::vector<std::string>& ids,
           Level level, std::uint64_t times, std::string_view title) {
    total += times;
    if (of_tactics.empty()) without_tactic += times;
    for (const std::string& slug : of_tactics) tactics[slug].add(level, times, title);
    for (const std::string& id : ids) techniques[id].add(level, times, title);
  }
};

// Of the alerts in tocsin.db; kNotFound when there is no such file. `chosen` sees what an alert
// tells of its rule (id, title, level, tactics, techniques); without it all alerts count.
[[nodiscard]] Result<Tally> tally_alerts(
    const std::string& path, const std::function<bool(const sigma::Rule&)>& chosen = {});

// `score`: "count", or "level" for the highest severity.
[[nodiscard]] insight::NavigatorLayer layer_of(const Tally& tally, std::string_view score);

}  // namespace tocsin::cli::rules
