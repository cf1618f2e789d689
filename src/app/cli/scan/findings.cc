// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/findings.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "core/sigma/attack.h"

namespace tocsin::cli::scan {
namespace {

constexpr std::string_view kOthers = "(others)";

template <class Map>
auto& slot(Map& map, std::string_view key) {
  const auto found = map.find(key);
  return found != map.end() ? found->second : map[std::string(key)];
}

Tally& host_slot(Findings& findings, std::string_view host) {
  const auto found = findings.hosts.find(host);
  if (found != findings.hosts.end()) return found->second;
  const bool full = findings.hosts.size() >= Findings::kHostsMax;
  return findings.hosts[std::string(full ? kOthers : host)];
}

void add_host(RuleTally& rule, const std::string& host) {
  if (rule.hosts.size() < Findings::kHostsMax) rule.hosts.insert(host);
}

void merge_rule(RuleTally& to, RuleTally&& from) {
  if (to.tally.alerts() == 0) {
    to = std::move(from);
    return;
  }
  to.tally.merge(from.tally);
  for (const std::string& host : from.hosts) add_host(to, host);
}

void add_to(Tally& tally, const Alert& alert) {
  ++tally.by_level[static_cast<std::size_t>(alert.level)];
  tally.seen.add(alert.timestamp);
}

}  // namespace

void Span::add(UnixNanos time) {
  if (time == 0) return;
  if (first == 0 || time < first) first = time;
  if (last == 0 || time > last) last = time;
}

void Span::merge(const Span& other) {
  add(other.first);
  add(other.last);
}

std::uint64_t Tally::alerts() const {
  return std::accumulate(by_level.begin(), by_level.end(), std::uint64_t{0});
}

void Tally::merge(const Tally& other) {
  for (std::size_t i = 0; i < by_level.size(); ++i) by_level[i] += other.by_level[i];
  seen.merge(other.seen);
}

void Counts::merge(const Counts& other) {
  events += other.events;
  detections += other.detections;
  alerts += other.alerts;
  repaired += other.repaired;
  unknown += other.unknown;
  unreadable += other.unreadable;
}

void Findings::add(const Alert& alert) {
  ++counts.alerts;
  alerts.add(alert.timestamp);
  RuleTally& rule = slot(rules, alert.rule_id);
  if (rule.tally.alerts() == 0) {
    rule.title = alert.rule_name;
    rule.level = alert.level;
    rule.tactics = alert.tactics;
    rule.techniques = alert.techniques;
    rule.first_path = alert.file_path;
    rule.first_line = alert.line;
    rule.first_record = alert.record_id;
  }
  rule.level = std::max(rule.level, alert.level);
  add_to(rule.tally, alert);
  add_host(rule, alert.host);
  add_to(host_slot(*this, alert.host), alert);
  add_to(levels[static_cast<std::size_t>(alert.level)], alert);
  for (const std::string& tactic : alert.tactics) add_to(slot(tactics, tactic), alert);
  if (alert.tactics.empty()) add_to(slot(tactics, ""), alert);
  for (const std::string& technique : alert.techniques) ++slot(techniques, technique);
  if (alert.timestamp != 0) histogram.add(alert.timestamp, alert.level);
}

void Findings::merge(Findings&& other) {
  counts.merge(other.counts);
  events.merge(other.events);
  if (other.counts.alerts == 0) return;
  alerts.merge(other.alerts);
  for (auto& [id, rule] : other.rules) merge_rule(slot(rules, id), std::move(rule));
  for (auto& [host, tally] : other.hosts) host_slot(*this, host).merge(tally);
  for (auto& [tactic, tally] : other.tactics) slot(tactics, tactic).merge(tally);
  for (const auto& [technique, count] : other.techniques) slot(techniques, technique) += count;
  for (std::size_t i = 0; i < levels.size(); ++i) levels[i].merge(other.levels[i]);
  histogram.merge(other.histogram);
}

std::vector<const std::pair<const std::string, RuleTally>*> ranked_rules(const Findings& findings) {
  std::vector<const std::pair<const std::string, RuleTally>*> out;
  for (const auto& entry : findings.rules) out.push_back(&entry);
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) {
    return std::tuple(b->second.level, b->second.tally.alerts()) <
           std::tuple(a->second.level, a->second.tally.alerts());
  });
  return out;
}

std::vector<const std::pair<const std::string, Tally>*> ranked_hosts(const Findings& findings) {
  std::vector<const std::pair<const std::string, Tally>*> out;
  for (const auto& entry : findings.hosts) out.push_back(&entry);
  const auto severity = [](const Tally& t) {
    return std::tuple(t.by_level[4], t.by_level[3], t.by_level[2], t.by_level[1], t.by_level[0]);
  };
  std::stable_sort(out.begin(), out.end(), [&](const auto* a, const auto* b) {
    return severity(b->second) < severity(a->second);
  });
  return out;
}

std::vector<const std::pair<const std::string, Tally>*> ordered_tactics(const Findings& findings) {
  std::vector<const std::pair<const std::string, Tally>*> out;
  for (const auto& entry : findings.tactics) out.push_back(&entry);
  const sigma::Attack& attack = sigma::Attack::built_in();
  const auto place = [&](const std::string& slug) {
    const int order = attack.order(slug);
    return order < 0 ? 1'000 + static_cast<int>(slug.empty()) : order;
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const auto* a, const auto* b) { return place(a->first) < place(b->first); });
  return out;
}

std::string tactic_title(std::string_view slug) {
  if (slug.empty()) return "(no tactic)";
  const sigma::Tactic* tactic = sigma::Attack::built_in().tactic(slug);
  return tactic == nullptr ? std::string(slug) : tactic->name;
}

}  // namespace tocsin::cli::scan
