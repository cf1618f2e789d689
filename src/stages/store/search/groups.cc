// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "stages/store/docid.h"
#include "stages/store/search/group_sums.h"
#include "stages/store/search/pages.h"
#include "stages/store/search/rollup.h"

namespace tocsin::store::search {
namespace {

constexpr const char* kNameOfRule =
    "SELECT rule_name FROM alerts INDEXED BY alerts_by_rule WHERE rule_id = ?"
    " ORDER BY docid DESC LIMIT 1";

Result<std::vector<AlertGroup>> by_key(sqlite::Database& db, const Selection& selection,
                                       GroupBy by) {
  ByName<GroupSum> sums;
  NameNumbers hosts;
  TOCSIN_TRY_STATUS(each_fact(db, selection, [&](const Fact& fact) {
    const std::uint32_t host = hosts.of(fact.host);
    each_key(fact, by, [&](std::string_view key) { at_name(sums, key).add(fact, host); });
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
  ByName<std::int64_t> done;
  TOCSIN_TRY_STATUS(each_done(db, [&](const Fact& fact) { ++at_name(done, fact.rule_id); }));
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
  sort_most_first(out);
  if (by == GroupBy::kRule) TOCSIN_TRY_STATUS(name_rules(db, out));
  return out;
}

// Facts come in the order of time unless the selection is by the table: sorted here in any case.
Result<std::vector<AlertGroup>> incidents(sqlite::Database& db, const Selection& selection) {
  struct Small {
    std::int64_t docid, score;
    bool open;
  };
  ByName<std::vector<Small>> hosts;
  TOCSIN_TRY_STATUS(each_fact(db, selection, [&](const Fact& fact) {
    at_name(hosts, fact.host).push_back({fact.docid, fact.score, is_open(fact.status)});
  }));
  std::vector<AlertGroup> out;
  for (auto& [host, alerts] : hosts) {
    std::sort(alerts.begin(), alerts.end(),
              [](const Small& a, const Small& b) { return a.docid < b.docid; });
    std::vector<GroupSum> together;
    for (const Small& alert : alerts) {
      Fact fact;
      fact.docid = alert.docid;
      fact.score = alert.score;
      fact.status = alert.open ? "new" : "closed";
      add_to_incidents(together, fact);
    }
    for (const GroupSum& sum : together) out.push_back(incident_group(sum, host));
  }
  sort_latest_first(out);
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
                                            GroupBy by, Rollup& rollup) {
  if (Rollup::keeps(by)) {
    TOCSIN_TRY(const bool everything, is_everything(db, selection));
    if (everything) return rollup.groups(db, by);
  }
  return by == GroupBy::kIncident ? incidents(db, selection) : most_first(db, selection, by);
}

}  // namespace tocsin::store::search
