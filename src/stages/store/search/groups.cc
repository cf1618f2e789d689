// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "stages/store/docid.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/pages.h"

namespace tocsin::store::search {
namespace {

// Alerts of a host further apart than this belong to two incidents.
constexpr std::int64_t kIncidentGap = std::int64_t{30} * 60 * 1'000'000 * kDocsOfMicrosecond;

constexpr const char* kNameOfRule =
    "SELECT rule_name FROM alerts INDEXED BY alerts_by_rule WHERE rule_id = ?"
    " ORDER BY docid DESC LIMIT 1";

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
  std::vector<bool> hosts;           // by their numbers

  void add(const Fact& fact, std::uint32_t host) {
    first = count == 0 ? fact.docid : std::min(first, fact.docid);
    last = count == 0 ? fact.docid : std::max(last, fact.docid);
    ++count;
    if (fact.status == "new" || fact.status == "in_progress") ++open;
    score = std::max(score, fact.score);
    if (host >= hosts.size()) hosts.resize(host + 1);
    hosts[host] = true;
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
  out.reserve(sums.size());
  for (const auto& [key, sum] : sums) out.push_back(sum.group(key));
  return out;
}

// ---- all alerts by rule, from the counts ------------------------------------------------------

// Nothing is left out by the selection.
Result<bool> is_everything(sqlite::Database& db, const Selection& selection) {
  if (!selection.whole()) return false;
  TOCSIN_TRY(auto outside, db.prepare("SELECT EXISTS (SELECT 1 FROM alerts WHERE docid < ?1) OR"
                                      " EXISTS (SELECT 1 FROM alerts WHERE docid > ?2)"));
  outside.bind(1, selection.sql.first).bind(2, selection.sql.last);
  TOCSIN_TRY(const bool row, outside.step());
  return row && outside.integer(0) == 0;
}

// With all but what is open.
Result<std::vector<AlertGroup>> counted_rules(sqlite::Database& db) {
  std::vector<AlertGroup> out;
  TOCSIN_TRY(auto rules, db.prepare("SELECT rule_id, sum(alerts), max(score), count(*), min(score)"
                                    " FROM rule_hosts WHERE alerts > 0 GROUP BY rule_id"));
  TOCSIN_TRY(auto hosts, db.prepare("SELECT count(DISTINCT host) FROM rule_hosts WHERE rule_id = ?"
                                    " AND alerts > 0"));
  // Each end by itself: then it is one look into the index.
  TOCSIN_TRY(auto ends, db.prepare("SELECT (SELECT min(docid) FROM alerts WHERE rule_id = ?1),"
                                   " (SELECT max(docid) FROM alerts WHERE rule_id = ?1)"));
  while (true) {
    TOCSIN_TRY(const bool row, rules.step());
    if (!row) return out;
    AlertGroup& group = out.emplace_back();
    group.key = rules.text(0);
    group.count = rules.integer(1);
    group.level = level_of_score(rules.integer(2));
    group.hosts = rules.integer(3);
    if (rules.integer(2) != rules.integer(4)) {
      // Its level was another once: a host may be there twice.
      hosts.bind(1, std::string_view(group.key));
      TOCSIN_TRY(const bool any, hosts.step());
      if (any) group.hosts = hosts.integer(0);
      hosts.reset();
    }
    ends.bind(1, std::string_view(group.key));
    TOCSIN_TRY(const bool found, ends.step());
    if (found) {
      group.first = time_of_docid(ends.integer(0));
      group.last = time_of_docid(ends.integer(1));
    }
    ends.reset();
  }
}

// All are open but those that somebody has dealt with.
Result<std::vector<AlertGroup>> all_by_rule(sqlite::Database& db) {
  TOCSIN_TRY(auto out, counted_rules(db));
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> done;
  TOCSIN_TRY(auto rows,
             db.prepare("SELECT f.rule_id FROM triage t CROSS JOIN alerts f INDEXED BY alerts_facts"
                        " ON f.docid = t.docid WHERE t.status NOT IN ('new', 'in_progress')"));
  while (true) {
    TOCSIN_TRY(const bool row, rows.step());
    if (!row) break;
    auto found = done.find(rows.text(0));
    if (found == done.end()) found = done.emplace(std::string(rows.text(0)), 0).first;
    ++found->second;
  }
  for (AlertGroup& group : out) {
    const auto found = done.find(group.key);
    group.open = group.count - (found == done.end() ? 0 : found->second);
  }
  return out;
}

Status name_rules(sqlite::Database& db, std::vector<AlertGroup>& groups) {
  TOCSIN_TRY(auto query, db.prepare(kNameOfRule));
  for (AlertGroup& group : groups) {
    query.bind(1, std::string_view(group.key));
    TOCSIN_TRY(const bool found, query.step());
    group.label = found ? query.text(0) : std::string_view(group.key);
    query.reset();
  }
  return {};
}

Result<std::vector<AlertGroup>> most_first(sqlite::Database& db, const Selection& selection,
                                           GroupBy by) {
  bool everything = false;
  if (by == GroupBy::kRule) {
    TOCSIN_TRY(everything, is_everything(db, selection));
  }
  TOCSIN_TRY(auto out, everything ? all_by_rule(db) : by_key(db, selection, by));
  std::sort(out.begin(), out.end(), [](const AlertGroup& a, const AlertGroup& b) {
    return std::tie(b.count, a.key) < std::tie(a.count, b.key);
  });
  if (by == GroupBy::kRule) TOCSIN_TRY_STATUS(name_rules(db, out));
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
  TOCSIN_TRY(auto query, db.prepare(kNameOfRule));
  query.bind(1, rule_id);
  TOCSIN_TRY(const bool found, query.step());
  return std::string(found ? query.text(0) : rule_id);
}

Result<std::vector<AlertGroup>> read_groups(sqlite::Database& db, const Selection& selection,
                                            GroupBy by) {
  return by == GroupBy::kIncident ? incidents(db, selection) : most_first(db, selection, by);
}

}  // namespace tocsin::store::search
