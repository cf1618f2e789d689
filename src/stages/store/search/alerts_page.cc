// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/uuid.h"
#include "core/event/level.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/pages.h"

namespace tocsin::store::search {
namespace {

struct Order {
  char letter;             // in cursors
  const char* key = "";    // in SQL; "" for time alone
  const char* joins = "";  // what the key needs
};

// `indexed`: rows come from the full-text index, so the alert itself is another table.
Order order_of(SortBy sort, bool indexed) {
  const char* const alert = indexed ? "CROSS JOIN alerts f ON f.docid = a.rowid" : "";
  switch (sort) {
    case SortBy::kTime:
      return {'t'};
    case SortBy::kLevel:
      return {'l'};  // rows_by_level()
    case SortBy::kHost:
      return {'h', "f.host", alert};
    case SortBy::kRule:
      return {'r', "f.rule_name", alert};
    case SortBy::kUser:
      return {'u', "f.user", alert};
    case SortBy::kStatus:
      return {'s', "coalesce(t.status, 'new')", "LEFT JOIN triage t ON t.docid = a.rowid"};
  }
  return {'t'};
}

std::string write_cursor(const PageRequest& page, const Cursor& last) {
  std::string out = fmt::format("{}{}{}.", order_of(page.sort, false).letter,
                                page.descending ? 'd' : 'a', last.docid);
  append_hex(out, reinterpret_cast<const std::uint8_t*>(last.key.data()), last.key.size());
  return out;
}

std::optional<Cursor> parse_cursor(const PageRequest& page) {
  const std::string_view text = page.cursor;
  const std::size_t dot = text.find('.');
  if (text.size() < 4 || dot == std::string_view::npos) return std::nullopt;
  if (text[0] != order_of(page.sort, false).letter || text[1] != (page.descending ? 'd' : 'a'))
    return std::nullopt;
  Cursor out;
  const std::string_view number = text.substr(2, dot - 2);
  const char* const begin = number.data();
  const char* const end = begin + number.size();
  const auto read = std::from_chars(begin, end, out.docid);
  const std::string_view hex = text.substr(dot + 1);
  if (read.ec != std::errc() || read.ptr != end || hex.size() % 2 != 0) return std::nullopt;
  out.key.resize(hex.size() / 2);
  if (!decode_hex(hex, reinterpret_cast<std::uint8_t*>(out.key.data()), out.key.size()))
    return std::nullopt;
  return out;
}

void go_on_after(Selection& selection, const Cursor& after, bool descending) {
  if (descending)
    selection.sql.last = std::min(selection.sql.last, after.docid - 1);
  else
    selection.sql.first = std::max(selection.sql.first, after.docid + 1);
}

// One row more than the page has, to know whether there is a next page.
Result<std::vector<Cursor>> rows_in_time(sqlite::Database& db, Selection selection,
                                         const PageRequest& page,
                                         const std::optional<Cursor>& after) {
  if (after) go_on_after(selection, *after, page.descending);
  std::vector<Cursor> out;
  if (selection.sql.first > selection.sql.last) return out;
  TOCSIN_TRY(const auto docids, in_time(db, selection, page.descending, page.limit + 1));
  for (const std::int64_t docid : docids) out.push_back({docid, ""});
  return out;
}

std::int64_t number_of(const Cursor& cursor) {
  std::int64_t number = 0;
  std::from_chars(cursor.key.data(), cursor.key.data() + cursor.key.size(), number);
  return number;
}

// Of one level, in time: from the full-text index, which knows the levels, or from the one on them.
Result<std::vector<std::int64_t>> of_level(sqlite::Database& db, Selection selection, Level level,
                                           bool descending, std::size_t limit) {
  if (!selection.sql.match.empty()) {
    selection.sql.match += fmt::format(" AND \"{}\"", tag(Tag::kLevel, to_string(level)));
    return in_time(db, selection, descending, limit);
  }
  std::string sql = from_where(selection, "");
  const std::string_view facts = "alerts_facts";
  sql.replace(sql.find(facts), facts.size(), "alerts_by_level");
  TOCSIN_TRY(auto query,
             db.prepare(fmt::format("SELECT a.docid {} AND a.score = ? ORDER BY a.docid {} LIMIT ?",
                                    sql, descending ? "DESC" : "ASC")));
  const int index = bind(query, selection);
  query.bind(index, std::int64_t{severity_score(level)});
  query.bind(index + 1, static_cast<std::int64_t>(limit));
  std::vector<std::int64_t> out;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    out.push_back(query.integer(0));
  }
}

// When conditions outside the full-text index leave few alerts, these, sorted here: a walk through
// a level could pass a million others to find them. None when they are many.
Result<std::optional<std::vector<Cursor>>> few_by_level(sqlite::Database& db,
                                                        const Selection& selection,
                                                        const PageRequest& page,
                                                        const std::optional<Cursor>& after) {
  constexpr std::size_t kFew = 10'000;
  TOCSIN_TRY(auto query, db.prepare(fmt::format("SELECT a.score, a.docid {} LIMIT ?",
                                                from_where(selection, ""))));
  query.bind(bind(query, selection), static_cast<std::int64_t>(kFew) + 1);
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) break;
    rows.emplace_back(query.integer(0), query.integer(1));
  }
  if (rows.size() > kFew) return std::optional<std::vector<Cursor>>();
  std::sort(rows.begin(), rows.end());
  if (page.descending) std::reverse(rows.begin(), rows.end());
  std::vector<Cursor> out;
  for (const auto& row : rows) {
    if (after) {
      const std::pair reached(number_of(*after), after->docid);
      if (page.descending ? row >= reached : row <= reached) continue;
    }
    out.push_back({row.second, std::to_string(row.first)});
    if (out.size() > page.limit) break;
  }
  return std::optional(std::move(out));
}

// One level after the other, each in time: so no more is looked at than the page has room for.
Result<std::vector<Cursor>> rows_by_level(sqlite::Database& db, const Selection& selection,
                                          const PageRequest& page,
                                          const std::optional<Cursor>& after) {
  if (selection.sql.match.empty() && !selection.whole()) {
    TOCSIN_TRY(auto few, few_by_level(db, selection, page, after));
    if (few) return std::move(*few);
  }
  std::vector<Level> levels = {Level::kInformational, Level::kLow, Level::kMedium, Level::kHigh,
                               Level::kCritical};
  if (page.descending) std::reverse(levels.begin(), levels.end());
  std::vector<Cursor> out;
  for (const Level level : levels) {
    const std::int64_t score = severity_score(level);
    Selection part = selection;
    if (after) {
      const std::int64_t reached = number_of(*after);
      if (page.descending ? score > reached : score < reached) continue;
      if (score == reached) go_on_after(part, *after, page.descending);
    }
    if (part.sql.first > part.sql.last) continue;
    TOCSIN_TRY(const auto docids,
               of_level(db, part, level, page.descending, page.limit + 1 - out.size()));
    for (const std::int64_t docid : docids) out.push_back({docid, std::to_string(score)});
    if (out.size() > page.limit) break;
  }
  return out;
}

// Without a search the rows come from the table, in the order of an index on the key.
std::string sorted_sql(const Selection& selection, const PageRequest& page, const Order& order,
                       bool continued) {
  std::string sql = from_where(selection, order.joins);
  const bool indexed = !selection.sql.match.empty();
  std::string key = order.key;
  if (!indexed) {
    const std::string_view facts = " INDEXED BY alerts_facts";
    sql.erase(sql.find(facts), facts.size());
    if (key.starts_with("f.")) key[0] = 'a';
  }
  const char* const direction = page.descending ? "DESC" : "ASC";
  return fmt::format(
      "SELECT a.rowid, {0} {1} {2} ORDER BY {0} {3}, a.rowid {3} LIMIT ?", key, sql,
      continued ? fmt::format(" AND ({}, a.rowid) {} (?, ?)", key, page.descending ? "<" : ">")
                : "",
      direction);
}

Result<std::vector<Cursor>> rows_by_key(sqlite::Database& db, const Selection& selection,
                                        const PageRequest& page,
                                        const std::optional<Cursor>& after) {
  const Order order = order_of(page.sort, !selection.sql.match.empty());
  TOCSIN_TRY(auto query, db.prepare(sorted_sql(selection, page, order, after.has_value())));
  int index = bind(query, selection);
  if (after) {
    query.bind(index++, std::string_view(after->key));
    query.bind(index++, after->docid);
  }
  query.bind(index, static_cast<std::int64_t>(page.limit) + 1);
  std::vector<Cursor> out;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    out.push_back({query.integer(0), std::string(query.text(1))});
  }
}

Result<std::vector<Cursor>> rows_of(sqlite::Database& db, const Selection& selection,
                                    const PageRequest& page, const std::optional<Cursor>& after) {
  if (page.sort == SortBy::kTime) return rows_in_time(db, selection, page, after);
  if (page.sort == SortBy::kLevel) return rows_by_level(db, selection, page, after);
  return rows_by_key(db, selection, page, after);
}

}  // namespace

Result<std::optional<Cursor>> read_cursor(const PageRequest& page) {
  if (page.cursor.empty()) return std::optional<Cursor>();
  auto cursor = parse_cursor(page);
  if (!cursor)
    return fail(ErrorCode::kInvalid,
                "the cursor is not one of this list; take `next` of the answer before, with the "
                "same sort");
  return cursor;
}

Result<AlertPage> read_page(sqlite::Database& db, const Selection& selection,
                            const PageRequest& page, const std::optional<Cursor>& after) {
  AlertPage out;
  if (page.total) {
    TOCSIN_TRY(out.total, count(db, selection));
    if (out.total == 0) return out;
  }
  if (page.limit == 0) return out;
  TOCSIN_TRY(auto rows, rows_of(db, selection, page, after));
  if (rows.size() > page.limit) {
    rows.resize(page.limit);
    out.next = write_cursor(page, rows.back());
  }
  std::vector<std::int64_t> docids;
  docids.reserve(rows.size());
  for (const Cursor& row : rows) docids.push_back(row.docid);
  TOCSIN_TRY(out.items, read_alerts(db, docids));
  return out;
}

}  // namespace tocsin::store::search
