// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/triage.h"

#include <fmt/format.h>

#include <utility>

#include "stages/store/schema.h"
#include "stages/store/search/terms.h"

namespace tocsin::store::search {
namespace {

std::string_view bytes_of(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

}  // namespace

Result<std::unique_ptr<Triage>> Triage::open(const std::string& path) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kWrite));
  TOCSIN_TRY_STATUS(db.exec("PRAGMA synchronous=FULL"));
  std::unique_ptr<Triage> made(new Triage(std::move(db)));
  TOCSIN_TRY_STATUS(made->prepare());
  return made;
}

Status Triage::prepare() {
  TOCSIN_TRY(find_, db_.prepare("SELECT a.docid, coalesce(t.status, 'new'),"
                                " coalesce(t.assignee, '') FROM alerts a LEFT JOIN triage t"
                                " ON t.docid = a.docid WHERE a.alert_id = ?"));
  TOCSIN_TRY(put_, db_.prepare("REPLACE INTO triage(docid, status, assignee,"
                               " assignee_folded, updated) VALUES(?,?,?,?,?)"));
  TOCSIN_TRY(record_, db_.prepare("INSERT INTO triage_history(alert_id, time, user, action,"
                                  " old_value, new_value, note) VALUES(?,?,?,?,?,?,?)"));
  TOCSIN_TRY(audit_, db_.prepare("INSERT INTO audit(time, user, role, action, target, detail,"
                                 " address) VALUES(?,?,?,?,?,?,?)"));
  return {};
}

Result<std::optional<Triage::Current>> Triage::current(const Uuid& alert_id) {
  find_.bind_blob(1, bytes_of(alert_id));
  TOCSIN_TRY(const bool found, find_.step());
  if (!found) return std::optional<Current>();
  Current out{find_.integer(0), std::string(find_.text(1)), std::string(find_.text(2))};
  find_.reset();
  return std::optional<Current>(std::move(out));
}

Status Triage::record(const Uuid& alert_id, const TriageEntry& entry) {
  return record_.bind_blob(1, bytes_of(alert_id))
      .bind(2, entry.time)
      .bind(3, entry.user)
      .bind(4, entry.action)
      .bind(5, entry.from)
      .bind(6, entry.to)
      .bind(7, entry.note)
      .run();
}

Result<bool> Triage::change_one(const Uuid& alert_id, const Current& current,
                                const TriageChange& change, std::string_view user, UnixNanos now) {
  Current wanted = current;
  if (change.status) wanted.status = *change.status;
  if (change.assignee) wanted.assignee = *change.assignee;
  TriageEntry entry{now, std::string(user), {}, {}, {}, change.note};
  bool changed = false;
  const auto changes = [&](const char* action, const std::string& from,
                           const std::string& to) -> Status {
    if (from == to) return {};
    entry.action = action;
    entry.from = from;
    entry.to = to;
    TOCSIN_TRY_STATUS(record(alert_id, entry));
    entry.note.clear();  // said once
    changed = true;
    return {};
  };
  TOCSIN_TRY_STATUS(changes("status", current.status, wanted.status));
  TOCSIN_TRY_STATUS(changes("assignee", current.assignee, wanted.assignee));
  const std::string folded_assignee = folded_value(wanted.assignee);
  if (changed)
    TOCSIN_TRY_STATUS(put_.bind(1, wanted.docid)
                          .bind(2, wanted.status)
                          .bind(3, wanted.assignee)
                          .bind(4, folded_assignee)
                          .bind(5, now)
                          .run());
  if (entry.note.empty()) return changed;
  entry.action = "note";
  entry.from.clear();
  entry.to.clear();
  TOCSIN_TRY_STATUS(record(alert_id, entry));
  return true;
}

Result<std::int64_t> Triage::change(std::span<const Uuid> alert_ids, const TriageChange& change,
                                    std::string_view user, UnixNanos now) {
  if (change.status && !is_status(*change.status))
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is no status: new, in_progress, closed or false_positive is "
                            "expected",
                            *change.status));
  const std::lock_guard lock(mutex_);
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  std::int64_t changed = 0, found = 0;
  for (const Uuid& id : alert_ids) {
    TOCSIN_TRY(const auto now_is, current(id));
    if (!now_is) continue;
    ++found;
    TOCSIN_TRY(const bool one, change_one(id, *now_is, change, user, now));
    if (one) ++changed;
  }
  if (found == 0 && !alert_ids.empty())
    return fail(ErrorCode::kNotFound,
                alert_ids.size() == 1
                    ? fmt::format("there is no alert {}", alert_ids.front().to_string())
                    : std::string("none of these alerts is there"));
  TOCSIN_TRY_STATUS(transaction.commit());
  return changed;
}

Status Triage::audit(const AuditEntry& entry) {
  const std::lock_guard lock(mutex_);
  return audit_.bind(1, entry.time)
      .bind(2, entry.user)
      .bind(3, entry.role)
      .bind(4, entry.action)
      .bind(5, entry.target)
      .bind(6, entry.detail)
      .bind(7, entry.address)
      .run();
}

}  // namespace tocsin::store::search
