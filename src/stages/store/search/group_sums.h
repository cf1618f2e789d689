// SPDX-License-Identifier: Apache-2.0
//
// What is summed up of alerts that belong together. Internal to the groups of an Archive.
//
//   Fact -> each_key() -> GroupSum::add() -> AlertGroup
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stages/store/docid.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/records.h"
#include "stages/store/search/scan.h"

namespace tocsin::store::search {

// Alerts of a host further apart than this belong to two incidents.
inline constexpr std::int64_t kIncidentGap = std::int64_t{30} * 60 * 1'000'000 * kDocsOfMicrosecond;

// Somebody still has to look at it.
inline bool is_open(std::string_view status) { return status == "new" || status == "in_progress"; }

struct NameHash {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard asks for it
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

template <class Value>
using ByName = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;

// What is kept under the name; a new one when there is none.
template <class Value>
Value& at_name(ByName<Value>& values, std::string_view name) {
  auto found = values.find(name);
  if (found == values.end()) found = values.emplace(std::string(name), Value()).first;
  return found->second;
}

// Small numbers for names that repeat.
class NameNumbers {
 public:
  std::uint32_t of(std::string_view name) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<std::uint32_t>(numbers_.size());
    numbers_.emplace(std::string(name), number);
    return number;
  }

 private:
  ByName<std::uint32_t> numbers_;
};

struct GroupSum {
  std::int64_t count = 0, open = 0, score = 0;
  std::int64_t first = 0, last = 0;  // docids
  std::vector<bool> hosts;           // by their numbers

  void add(const Fact& fact, std::uint32_t host) {
    first = count == 0 ? fact.docid : std::min(first, fact.docid);
    last = count == 0 ? fact.docid : std::max(last, fact.docid);
    ++count;
    if (is_open(fact.status)) ++open;
    score = std::max(score, fact.score);
    if (host >= hosts.size()) hosts.resize(host + 1);
    hosts[host] = true;
  }

  void add(const GroupSum& other) {
    if (other.count == 0) return;
    first = count == 0 ? other.first : std::min(first, other.first);
    last = count == 0 ? other.last : std::max(last, other.last);
    count += other.count;
    open += other.open;
    score = std::max(score, other.score);
    if (other.hosts.size() > hosts.size()) hosts.resize(other.hosts.size());
    for (std::size_t i = 0; i < other.hosts.size(); ++i)
      if (other.hosts[i]) hosts[i] = true;
  }

  [[nodiscard]] AlertGroup group(std::string key) const {
    AlertGroup out;
    out.label = key;
    out.key = std::move(key);
    out.level = level_of_score(score);
    out.count = count;
    out.hosts = std::count(hosts.begin(), hosts.end(), true);
    out.open = open;
    out.first = time_of_docid(first);
    out.last = time_of_docid(last);
    return out;
  }
};

// Calls visit(key) for each group that the alert belongs to.
template <class Visit>
void each_key(const Fact& fact, GroupBy by, Visit&& visit) {
  switch (by) {
    case GroupBy::kRule:
      return visit(fact.rule_id);
    case GroupBy::kHost:
    case GroupBy::kIncident:
      return visit(fact.host);
    case GroupBy::kUser:
      return visit(fact.user);
    case GroupBy::kTactic:
      for (const std::string_view tactic : split_list(fact.tactics)) visit(tactic);
      return;
    case GroupBy::kTechnique:
      for (const std::string_view technique : split_list(fact.techniques)) visit(technique);
      return;
    case GroupBy::kLevel:
      return visit(level_of_score(fact.score));
    case GroupBy::kStatus:
      return visit(fact.status);
  }
}

// `fact` is the next alert of the host in the order of time.
inline void add_to_incidents(std::vector<GroupSum>& incidents, const Fact& fact) {
  if (incidents.empty() || fact.docid - incidents.back().last >= kIncidentGap)
    incidents.emplace_back();
  incidents.back().add(fact, 0);
}

// By the number of alerts, most first.
inline void sort_most_first(std::vector<AlertGroup>& groups) {
  std::sort(groups.begin(), groups.end(), [](const AlertGroup& a, const AlertGroup& b) {
    return std::tie(b.count, a.key) < std::tie(a.count, b.key);
  });
}

// By the last alert, latest first; at most kIncidentsMax.
inline void sort_latest_first(std::vector<AlertGroup>& groups) {
  std::sort(groups.begin(), groups.end(), [](const AlertGroup& a, const AlertGroup& b) {
    return std::tie(b.last, a.key) < std::tie(a.last, b.key);
  });
  if (groups.size() > kIncidentsMax) groups.resize(kIncidentsMax);
}

// "HOST|docid of its first alert"
inline AlertGroup incident_group(const GroupSum& sum, std::string_view host) {
  AlertGroup group = sum.group(std::string(host) + "|" + std::to_string(sum.first));
  group.label = host;
  return group;
}

}  // namespace tocsin::store::search
