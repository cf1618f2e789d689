// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "stages/store/docid.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/pages.h"

namespace tocsin::store::search {
namespace {

// Alerts of a host further apart than this belong to two incidents.
constexpr std::int64_t kIncidentGap = std::int64_t{30} * 60 * 1'000'000 * kDocsOfMicrosecond;

struct Hash {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard asks for it
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

// Small numbers for names that repeat.
class Numbers {
 public:
  std::uint32_t of(std::string_view name) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<std::uint32_t>(numbers_.size());
    numbers_.emplace(std::string(name), number);
    return number;
  }

 private:
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
};

struct Sum {
  std::int64_t count = 0, open = 0, score = 0;
  std::int64_t first = 0, last = 0;  // docids
  std::unordered_set<std::uint32_t> hosts;

  void add(const Fact& fact, std::uint32_t host) {
    first = count == 0 ? fact.docid : std::min(first, fact.docid);
    last = count == 0 ? fact.docid : std::max(last, fact.docid);
    ++count;
    if (fact.status == "new" || fact.status == "in_progress") ++open;
    score = std::max(score, fact.score);
    hosts.insert(host);
  }

  [[nodiscard]] AlertGroup group(std::string key) const {
    AlertGroup out;
    out.label = key;
    out.key = std::move(key);
    out.level = level_of_score(score);
    out.count = count;
    out.hosts = static_cast<std::int64_t>(hosts.size());
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

Result<std::vector<AlertGroup>> by_key(sqlite::Database& db, const Selection& selection,
                                       GroupBy by) {
  std::unordered_map<std::string, Sum, Hash, std::equal_to<>> sums;
  Numbers hosts;
  TOCSIN_TRY_STATUS(each_fact(db, selection, [&](const Fact& fact) {
    const std::uint32_t host = hosts.of(fact.host);
    each_key(fact, by, [&](std::string_view key) {
      auto found = sums.find(key);
      if (found == sums.end()) found = sums.emplace(std::string(key), Sum()).first;
      found->second.add(fact, host);
    });
  }));
  std::vector<AlertGroup> out;
  for (const auto& [key, sum] : sums) out.push_back(sum.group(key));
  std::sort(out.begin(), out.end(), [](const AlertGroup& a, const AlertGroup& b) {
    return std::tie(b.count, a.key) < std::tie(a.count, b.key);
  });
  if (by != GroupBy::kRule) return out;
  for (AlertGroup& group : out) {
    TOCSIN_TRY(group.label, name_of_rule(db, group.key));
  }
  return out;
}

// Facts come in the order of time unless the selection is by the table: sorted here in any case.
Result<std::vector<AlertGroup>> incidents(sqlite::Database& db, const Selection& selection) {
  struct Small {
    std::int64_t docid, score;
    bool open;
  };
  std::unordered_map<std::string, std::vector<Small>, Hash, std::equal_to<>> hosts;
  TOCSIN_TRY_STATUS(each_fact(db, selection, [&](const Fact& fact) {
    auto found = hosts.find(fact.host);
    if (found == hosts.end())
      found = hosts.emplace(std::string(fact.host), std::vector<Small>()).first;
    found->second.push_back(
        {fact.docid, fact.score, fact.status == "new" || fact.status == "in_progress"});
  }));
  std::vector<AlertGroup> out;
  for (auto& [host, alerts] : hosts) {
    std::sort(alerts.begin(), alerts.end(),
              [](const Small& a, const Small& b) { return a.docid < b.docid; });
    Sum sum;
    const auto close = [&, &name = host] {
      if (sum.count == 0) return;
      AlertGroup group = sum.group(fmt::format("{}|{}", name, sum.first));
      group.label = name;
      out.push_back(std::move(group));
      sum = Sum();
    };
    for (const Small& alert : alerts) {
      if (sum.count > 0 && alert.docid - sum.last >= kIncidentGap) close();
      Fact fact;
      fact.docid = alert.docid;
      fact.score = alert.score;
      fact.status = alert.open ? "new" : "closed";
      sum.add(fact, 0);
    }
    close();
  }
  std::sort(out.begin(), out.end(), [](const AlertGroup& a, const AlertGroup& b) {
    return std::tie(b.last, a.key) < std::tie(a.last, b.key);
  });
  return out;
}

}  // namespace

Result<std::string> name_of_rule(sqlite::Database& db, std::string_view rule_id) {
  TOCSIN_TRY(auto query,
             db.prepare("SELECT rule_name FROM alerts INDEXED BY alerts_by_rule WHERE rule_id = ?"
                        " ORDER BY docid DESC LIMIT 1"));
  query.bind(1, rule_id);
  TOCSIN_TRY(const bool found, query.step());
  return std::string(found ? query.text(0) : rule_id);
}

Result<std::vector<AlertGroup>> read_groups(sqlite::Database& db, const Selection& selection,
                                            GroupBy by) {
  return by == GroupBy::kIncident ? incidents(db, selection) : by_key(db, selection, by);
}

}  // namespace tocsin::store::search
