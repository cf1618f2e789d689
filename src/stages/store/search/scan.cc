// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/event/level.h"
#include "stages/store/docid.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/ranges.h"

namespace tocsin::store::search {
namespace {

std::vector<std::string> strings(std::string_view joined) {
  std::vector<std::string> out;
  for (const std::string_view item : split_list(joined)) out.emplace_back(item);
  return out;
}

std::string marks(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += i == 0 ? "?" : ",?";
  return out;
}

Result<std::int64_t> count_rows(sqlite::Database& db, const Selection& selection) {
  TOCSIN_TRY(auto query, db.prepare(fmt::format("SELECT count(*) {}", from_where(selection, ""))));
  bind(query, selection);
  TOCSIN_TRY(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

}  // namespace

bool Selection::wants_new() const {
  return std::find(statuses.begin(), statuses.end(), "new") != statuses.end();
}

Result<Selection> select(const AlertFilter& filter) {
  Query query = filter.query;
  const std::pair<Field, const std::vector<std::string>*> lists[] = {
      {Field::kLevel, &filter.levels},         {Field::kTactic, &filter.tactics},
      {Field::kTechnique, &filter.techniques}, {Field::kHost, &filter.hosts},
      {Field::kUser, &filter.users},           {Field::kRule, &filter.rules},
      {Field::kAssignee, &filter.assignees}};
  for (const auto& [field, values] : lists) {
    TOCSIN_TRY(auto chosen, any_of(field, *values));
    query = both(std::move(query), std::move(chosen));
  }
  for (const std::string& status : filter.statuses)
    if (!is_status(status))
      return fail(ErrorCode::kInvalid,
                  fmt::format("'{}' is no status: new, in_progress, closed or false_positive is "
                              "expected",
                              status));
  return Selection{compile_alerts(query, filter.range, "a.rowid"), filter.statuses};
}

std::string status_condition(const Selection& selection) {
  if (selection.statuses.empty()) return {};
  const char* const plus = selection.sql.match.empty() ? "" : "+";  // as in compile_alerts()
  // Who has no row is new.
  return selection.wants_new()
             ? fmt::format(
                   " AND {}a.rowid NOT IN (SELECT docid FROM triage WHERE status NOT IN ({}))",
                   plus, marks(selection.statuses.size()))
             : fmt::format(" AND {}a.rowid IN (SELECT docid FROM triage WHERE status IN ({}))",
                           plus, marks(selection.statuses.size()));
}

std::string from_where(const Selection& selection, std::string_view joins) {
  const AlertSql& sql = selection.sql;
  std::string out =
      sql.match.empty()
          ? fmt::format("FROM alerts a INDEXED BY alerts_facts {} WHERE a.docid BETWEEN ? AND ?",
                        joins)
          : fmt::format(
                "FROM alert_index a {} WHERE a.alert_index MATCH ?"
                " AND a.rowid BETWEEN ? AND ?",
                joins);
  if (!sql.condition.empty()) out += " AND " + sql.condition;
  return out + status_condition(selection);
}

int bind(sqlite::Statement& statement, const Selection& selection) {
  int index = 1;
  if (!selection.sql.match.empty()) statement.bind(index++, std::string_view(selection.sql.match));
  statement.bind(index++, selection.sql.first);
  statement.bind(index++, selection.sql.last);
  index = bind_values(statement, index, selection.sql.values);
  for (const std::string& status : selection.statuses)
    statement.bind(index++, std::string_view(status));
  return index;
}

namespace {

// Of a statement that begins with the columns of a Fact.
Status visit_facts(sqlite::Statement& query, bool with_status,
                   const std::function<void(const Fact&)>& visit) {
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    visit({.docid = query.integer(0),
           .host = query.text(1),
           .user = query.text(2),
           .rule_id = query.text(3),
           .tactics = query.text(5),
           .techniques = query.text(6),
           .status = with_status ? query.text(7) : std::string_view(),
           .score = query.integer(4)});
  }
}

}  // namespace

Status each_fact(sqlite::Database& db, const Selection& selection,
                 const std::function<void(const Fact&)>& visit) {
  const bool indexed = !selection.sql.match.empty();
  const std::string joins = fmt::format(
      "{} LEFT JOIN triage t ON t.docid = a.rowid",
      indexed ? "CROSS JOIN alerts f INDEXED BY alerts_facts ON f.docid = a.rowid" : "");
  TOCSIN_TRY(auto query,
             db.prepare(fmt::format("SELECT {0}.docid, {0}.host, {0}.user, {0}.rule_id, {0}.score,"
                                    " {0}.tactics, {0}.techniques, coalesce(t.status, 'new') {1}",
                                    indexed ? "f" : "a", from_where(selection, joins))));
  bind(query, selection);
  return visit_facts(query, true, visit);
}

Status each_done(sqlite::Database& db, const std::function<void(const Fact&)>& visit) {
  TOCSIN_TRY(auto query,
             db.prepare("SELECT f.docid, f.host, f.user, f.rule_id, f.score, f.tactics,"
                        " f.techniques FROM triage t CROSS JOIN alerts f INDEXED BY alerts_facts"
                        " ON f.docid = t.docid WHERE t.status NOT IN ('new', 'in_progress')"));
  return visit_facts(query, false, visit);
}

Result<std::int64_t> count(sqlite::Database& db, const Selection& selection) {
  if (selection.sql.first > selection.sql.last) return 0;
  if (selection.wants_new()) {
    // All, less the few that are known to be in another state.
    Selection all = selection;
    all.statuses.clear();
    TOCSIN_TRY(const std::int64_t any, count(db, all));
    Selection others = selection;
    others.statuses.clear();
    for (const char* status : {"in_progress", "closed", "false_positive"})
      if (std::find(selection.statuses.begin(), selection.statuses.end(), status) ==
          selection.statuses.end())
        others.statuses.emplace_back(status);
    if (others.statuses.empty()) return any;
    TOCSIN_TRY(const std::int64_t less, count_rows(db, others));
    return any - less;
  }
  if (!selection.whole()) return count_rows(db, selection);
  std::int64_t sum = 0;
  for (const Span& span : spans_of_docids(selection.sql.first, selection.sql.last)) {
    if (span.unit == 0) {
      Selection edge;
      edge.sql.first = span.from;
      edge.sql.last = span.to - 1;
      TOCSIN_TRY(const std::int64_t rows, count_rows(db, edge));
      sum += rows;
      continue;
    }
    TOCSIN_TRY(auto query, db.prepare("SELECT coalesce(sum(alerts), 0) FROM entity_counts WHERE"
                                      " unit = ? AND start >= ? AND start < ? AND kind = 'a'"));
    query.bind(1, span.unit).bind(2, span.from).bind(3, span.to);
    TOCSIN_TRY(const bool row, query.step());
    if (row) sum += query.integer(0);
  }
  return sum;
}

Result<std::vector<std::int64_t>> in_time(sqlite::Database& db, const Selection& selection,
                                          bool descending, std::size_t limit) {
  TOCSIN_TRY(auto query,
             db.prepare(fmt::format("SELECT a.rowid {} ORDER BY a.rowid {} LIMIT ?",
                                    from_where(selection, ""), descending ? "DESC" : "ASC")));
  query.bind(bind(query, selection), static_cast<std::int64_t>(limit));
  std::vector<std::int64_t> out;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    out.push_back(query.integer(0));
  }
}

Uuid uuid_of(std::string_view bytes) {
  Uuid id;
  if (bytes.size() == id.bytes.size())
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

std::string_view level_of_score(std::int64_t score) {
  Level best = Level::kInformational;
  for (const Level level : {Level::kLow, Level::kMedium, Level::kHigh, Level::kCritical})
    if (severity_score(level) <= score) best = level;
  return to_string(best);
}

Result<std::optional<AlertRecord>> read_alert(sqlite::Database& db, std::int64_t docid) {
  TOCSIN_TRY(const auto rows, read_alerts(db, {docid}));
  return rows.empty() ? std::optional<AlertRecord>() : rows.front();
}

Result<std::vector<AlertRecord>> read_alerts(sqlite::Database& db,
                                             const std::vector<std::int64_t>& docids) {
  std::vector<AlertRecord> out;
  TOCSIN_TRY(
      auto query,
      db.prepare("SELECT a.alert_id, a.event_id, a.trace_id, a.timestamp, a.created, a.host,"
                 " a.user, a.level, a.rule_id, a.rule_name, a.class, a.tactics, a.techniques,"
                 " a.suppressed, coalesce(t.status, 'new'), coalesce(t.assignee, '')"
                 " FROM alerts a LEFT JOIN triage t ON t.docid = a.docid WHERE a.docid = ?"));
  for (const std::int64_t docid : docids) {
    query.bind(1, docid);
    TOCSIN_TRY(const bool found, query.step());
    if (!found) continue;
    AlertRecord& row = out.emplace_back();
    row.docid = docid;
    row.alert_id = uuid_of(query.blob(0));
    row.event_id = uuid_of(query.blob(1));
    row.trace_id = uuid_of(query.blob(2)).bytes;
    row.created = query.integer(4);
    row.time = effective_time(query.integer(3), row.created);
    row.host = query.text(5);
    row.user = query.text(6);
    row.level = query.text(7);
    row.rule_id = query.text(8);
    row.rule_name = query.text(9);
    row.event_class = query.text(10);
    row.tactics = strings(query.text(11));
    row.techniques = strings(query.text(12));
    row.suppressed = query.integer(13);
    row.status = query.text(14);
    row.assignee = query.text(15);
    query.reset();
  }
  return out;
}

}  // namespace tocsin::store::search
