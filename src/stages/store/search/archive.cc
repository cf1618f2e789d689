// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/archive.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <limits>
#include <utility>

#include "stages/store/counts.h"
#include "stages/store/docid.h"
#include "stages/store/schema.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/pages.h"
#include "stages/store/search/pool.h"
#include "stages/store/search/rollup.h"
#include "stages/store/search/scan.h"
#include "stages/store/search/verdicts.h"

namespace tocsin::store::search {
namespace {

std::string_view bytes_of(const std::array<std::uint8_t, 16>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

Result<std::optional<EventRecord>> read_event(sqlite::Database& db, const char* condition,
                                              const std::array<std::uint8_t, 16>& id) {
  TOCSIN_TRY(auto query, db.prepare(fmt::format("SELECT {} FROM verdicts v WHERE {} LIMIT 1",
                                                kVerdictColumns, condition)));
  query.bind_blob(1, bytes_of(id));
  TOCSIN_TRY(const bool found, query.step());
  if (!found) return std::optional<EventRecord>();
  return std::optional<EventRecord>(verdict_of(query));
}

Result<std::vector<TriageEntry>> read_history(sqlite::Database& db, const Uuid& alert_id) {
  std::vector<TriageEntry> out;
  TOCSIN_TRY(auto query, db.prepare("SELECT time, user, action, old_value, new_value, note FROM"
                                    " triage_history WHERE alert_id = ? ORDER BY id"));
  query.bind_blob(1, bytes_of(alert_id.bytes));
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    out.push_back({query.integer(0), std::string(query.text(1)), std::string(query.text(2)),
                   std::string(query.text(3)), std::string(query.text(4)),
                   std::string(query.text(5))});
  }
}

// Latest first; not the alert itself.
Result<std::vector<AlertRecord>> read_related(sqlite::Database& db, const AlertRecord& alert) {
  constexpr std::int64_t kAround = std::int64_t{30} * 60 * 1'000'000 * kDocsOfMicrosecond;
  TOCSIN_TRY(auto query,
             db.prepare("SELECT docid FROM alerts INDEXED BY alerts_by_host WHERE host = ? AND"
                        " docid BETWEEN ? AND ? AND docid <> ? ORDER BY docid DESC LIMIT 50"));
  query.bind(1, std::string_view(alert.host))
      .bind(2, alert.docid - kAround)
      .bind(3, alert.docid + kAround)
      .bind(4, alert.docid);
  std::vector<std::int64_t> docids;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return read_alerts(db, docids);
    docids.push_back(query.integer(0));
  }
}

Result<std::optional<AlertDetails>> read_details(sqlite::Database& db, const Uuid& alert_id) {
  TOCSIN_TRY(auto query, db.prepare("SELECT docid, json FROM alerts WHERE alert_id = ?"));
  query.bind_blob(1, bytes_of(alert_id.bytes));
  TOCSIN_TRY(const bool found, query.step());
  if (!found) return std::optional<AlertDetails>();
  AlertDetails out;
  const std::int64_t docid = query.integer(0);
  out.json = query.text(1);
  query.reset();
  TOCSIN_TRY(auto row, read_alert(db, docid));
  if (!row) return std::optional<AlertDetails>();
  out.row = std::move(*row);
  for (AlertDetail::Field& field : read_detail(out.json).fields)
    out.matched_fields.emplace_back(std::move(field.name), std::move(field.value));
  TOCSIN_TRY(const auto event, read_event(db, "event_id = ?1", out.row.event_id.bytes));
  if (event) out.source = event->source;
  TOCSIN_TRY(out.history, read_history(db, alert_id));
  TOCSIN_TRY(out.related, read_related(db, out.row));
  return std::optional<AlertDetails>(std::move(out));
}

Result<std::int64_t> number(sqlite::Database& db, const char* sql) {
  TOCSIN_TRY(auto query, db.prepare(sql));
  TOCSIN_TRY(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

Result<std::vector<RuleActivity>> read_activity(sqlite::Database& db) {
  std::vector<RuleActivity> out;
  TOCSIN_TRY(auto query, db.prepare("SELECT rule_id, sum(alerts) FROM rule_counts WHERE unit = ?"
                                    " GROUP BY rule_id HAVING sum(alerts) > 0 ORDER BY rule_id"));
  TOCSIN_TRY(auto last, db.prepare("SELECT max(docid) FROM alerts WHERE rule_id = ?"));
  query.bind(1, kDay);
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    last.bind(1, query.text(0));
    TOCSIN_TRY(const bool any, last.step());
    out.push_back(
        {std::string(query.text(0)), query.integer(1), any ? time_of_docid(last.integer(0)) : 0});
    last.reset();
  }
}

Result<AuditPage> read_audit(sqlite::Database& db, const PageRequest& page) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!page.cursor.empty()) {
    const char* const end = page.cursor.data() + page.cursor.size();
    const auto read = std::from_chars(page.cursor.data(), end, before);
    if (read.ec != std::errc() || read.ptr != end)
      return fail(ErrorCode::kInvalid, "the cursor is not one of this list");
  }
  TOCSIN_TRY(auto query, db.prepare("SELECT id, time, user, role, action, target, detail, address"
                                    " FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?"));
  query.bind(1, before).bind(2, static_cast<std::int64_t>(page.limit) + 1);
  AuditPage out;
  std::int64_t last = 0;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    if (out.items.size() == page.limit) {
      out.next = std::to_string(last);
      return out;
    }
    last = query.integer(0);
    out.items.push_back({query.integer(1), std::string(query.text(2)), std::string(query.text(3)),
                         std::string(query.text(4)), std::string(query.text(5)),
                         std::string(query.text(6)), std::string(query.text(7))});
  }
}

std::int64_t bytes_on_disk(const std::string& path) {
  std::int64_t sum = 0;
  for (const char* suffix : {"", "-wal"}) {
    struct stat status{};
    if (stat((path + suffix).c_str(), &status) == 0) sum += status.st_size;
  }
  return sum;
}

}  // namespace

Archive::Archive(std::unique_ptr<ConnectionPool> pool)
    : pool_(std::move(pool)), rollup_(std::make_unique<Rollup>()) {}
Archive::~Archive() = default;

Result<std::unique_ptr<Archive>> Archive::open(std::string path, ArchiveOptions options) {
  auto pool = std::make_unique<ConnectionPool>(std::move(path), options.limit);
  // A file that cannot be read at all is said now, not with the first question.
  TOCSIN_TRY(const bool checked,
             pool->read<bool>([](sqlite::Database&) -> Result<bool> { return true; }));
  static_cast<void>(checked);
  return std::unique_ptr<Archive>(new Archive(std::move(pool)));
}

const std::string& Archive::path() const { return pool_->path(); }

Result<AlertPage> Archive::alerts(const AlertFilter& filter, const PageRequest& page) const {
  TOCSIN_TRY(const Selection selection, select(filter));
  TOCSIN_TRY(const std::optional<Cursor> after, read_cursor(page));
  return pool_->read<AlertPage>(
      [&](sqlite::Database& db) { return read_page(db, selection, page, after); });
}

Result<std::int64_t> Archive::count_alerts(const AlertFilter& filter) const {
  TOCSIN_TRY(const Selection selection, select(filter));
  return pool_->read<std::int64_t>([&](sqlite::Database& db) { return count(db, selection); });
}

Result<std::vector<AlertGroup>> Archive::groups(const AlertFilter& filter, GroupBy by) const {
  TOCSIN_TRY(const Selection selection, select(filter));
  return pool_->read<std::vector<AlertGroup>>(
      [&](sqlite::Database& db) { return read_groups(db, selection, by, *rollup_); });
}

Result<std::optional<AlertDetails>> Archive::alert(const Uuid& alert_id) const {
  return pool_->read<std::optional<AlertDetails>>(
      [&](sqlite::Database& db) { return read_details(db, alert_id); });
}

Result<Overview> Archive::overview(const AlertFilter& filter) const {
  TOCSIN_TRY(const Selection selection, select(filter));
  return pool_->read<Overview>(
      [&](sqlite::Database& db) { return read_overview(db, selection, filter.range); });
}

Result<std::vector<TechniqueCount>> Archive::techniques(const AlertFilter& filter) const {
  TOCSIN_TRY(const Selection selection, select(filter));
  return pool_->read<std::vector<TechniqueCount>>(
      [&](sqlite::Database& db) { return read_techniques(db, selection); });
}

Result<Statistics> Archive::statistics(const TimeRange& range) const {
  AlertFilter all;
  all.range = range;
  TOCSIN_TRY(const Selection selection, select(all));
  return pool_->read<Statistics>(
      [&](sqlite::Database& db) { return read_statistics(db, selection, range); });
}

Result<std::optional<EventRecord>> Archive::event(const Uuid& id) const {
  return pool_->read<std::optional<EventRecord>>(
      [&](sqlite::Database& db) -> Result<std::optional<EventRecord>> {
        TOCSIN_TRY(auto event, read_event(db, "event_id = ?1", id.bytes));
        if (event) return event;
        return read_event(db, "trace_id = ?1 AND trace_id <> event_id", id.bytes);
      });
}

Status Archive::verdicts(const Query& query, const TimeRange& range, std::size_t limit,
                         const std::function<void(const EventRecord&)>& visit) const {
  TOCSIN_TRY(const bool done, pool_->read<bool>([&](sqlite::Database& db) -> Result<bool> {
    TOCSIN_TRY_STATUS(each_verdict(db, query, range, limit, visit));
    return true;
  }));
  static_cast<void>(done);
  return {};
}

Result<std::int64_t> Archive::count_verdicts(const Query& query, const TimeRange& range) const {
  return pool_->read<std::int64_t>([&](sqlite::Database& db) {
    return query.empty() ? count_events(db, range) : search::count_verdicts(db, query, range);
  });
}

Result<std::vector<RuleActivity>> Archive::rule_activity() const {
  return pool_->read<std::vector<RuleActivity>>(
      [](sqlite::Database& db) { return read_activity(db); });
}

Result<StoreSize> Archive::size() const {
  TOCSIN_TRY(StoreSize size, pool_->read<StoreSize>([](sqlite::Database& db) -> Result<StoreSize> {
    StoreSize out;
    TOCSIN_TRY(out.verdicts, number(db,
                                    "SELECT coalesce(sum(events), 0) FROM"
                                    " event_counts WHERE unit = 86400"));
    TOCSIN_TRY(out.alerts, number(db,
                                  "SELECT coalesce(sum(alerts), 0) FROM"
                                  " entity_counts WHERE unit = 86400 AND kind = 'a'"));
    return out;
  }));
  size.bytes = bytes_on_disk(path());
  return size;
}

Result<AuditPage> Archive::audit(const PageRequest& page) const {
  return pool_->read<AuditPage>([&](sqlite::Database& db) { return read_audit(db, page); });
}

}  // namespace tocsin::store::search
