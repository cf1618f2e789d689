// SPDX-License-Identifier: Apache-2.0
#include "stages/store/alert_writer.h"

#include "stages/store/docid.h"

namespace tocsin::store {
namespace {

CountedAlert counted(UnixNanos time, const search::StoredAlert& text, std::int64_t score) {
  return {.time = time,
          .host = text.host,
          .user = text.user,
          .rule_id = text.rule_id,
          .rule_name = text.rule_name,
          .tactics = text.tactics,
          .techniques = text.techniques,
          .score = score};
}

}  // namespace

Result<AlertWriter> AlertWriter::open(sqlite::Database& db) {
  AlertWriter writer(db);
  TOCSIN_TRY_STATUS(writer.prepare());
  return writer;
}

Status AlertWriter::prepare() {
  TOCSIN_TRY(insert_, db_->prepare("INSERT INTO alerts VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                                   " ON CONFLICT(alert_id) DO NOTHING"));
  TOCSIN_TRY(index_, db_->prepare("INSERT INTO alert_index(rowid, body) VALUES(?, ?)"));
  TOCSIN_TRY(unindex_, db_->prepare("INSERT INTO alert_index(alert_index, rowid, body)"
                                    " VALUES('delete', ?, ?)"));
  TOCSIN_TRY(read_, db_->prepare("SELECT host, user, rule_id, rule_name, level, class, tactics,"
                                 " techniques, json, timestamp, created, score FROM alerts"
                                 " WHERE docid = ?"));
  TOCSIN_TRY(find_, db_->prepare("SELECT docid FROM alerts WHERE alert_id = ?"));
  TOCSIN_TRY(last_, db_->prepare("SELECT max(docid) FROM alerts WHERE docid BETWEEN ?1 AND ?2"
                                 " HAVING max(docid) IS NOT NULL"));
  TOCSIN_TRY(delete_, db_->prepare("DELETE FROM alerts WHERE docid = ?"));
  TOCSIN_TRY(move_, db_->prepare("UPDATE OR REPLACE triage SET docid = ?2 WHERE docid = ?1"));
  TOCSIN_TRY(forget_, db_->prepare("DELETE FROM triage WHERE docid = ?"));
  return {};
}

Result<std::int64_t> AlertWriter::free_docid(UnixNanos time) {
  const std::int64_t wanted = first_docid(time);
  std::int64_t first = wanted == full_ && after_full_ != 0 ? after_full_ : wanted;
  while (true) {
    const std::int64_t last = first + kDocsOfMicrosecond - 1;
    last_.bind(1, first).bind(2, last);
    TOCSIN_TRY(const bool any, last_.step());
    const std::int64_t free = any ? last_.integer(0) + 1 : first;
    last_.reset();
    if (free <= last) return free;
    first += kDocsOfMicrosecond;
    full_ = wanted;
    after_full_ = first;
  }
}

Result<bool> AlertWriter::insert(std::int64_t docid, const AlertRow& alert, Counts& counts) {
  TOCSIN_TRY_STATUS(insert_.bind(1, docid)
                        .bind_blob(2, alert.alert_id)
                        .bind_blob(3, alert.event_id)
                        .bind_blob(4, alert.trace_id)
                        .bind(5, alert.timestamp)
                        .bind(6, alert.created)
                        .bind(7, alert.text.host)
                        .bind(8, alert.text.user)
                        .bind(9, alert.text.rule_id)
                        .bind(10, alert.text.rule_name)
                        .bind(11, alert.text.level)
                        .bind(12, alert.score)
                        .bind(13, alert.text.event_class)
                        .bind(14, alert.text.tactics)
                        .bind(15, alert.text.techniques)
                        .bind(16, alert.suppressed)
                        .bind(17, alert.text.json)
                        .run());
  if (db_->changes() == 0) return false;
  const std::string text = search::index_text(alert.text);
  TOCSIN_TRY_STATUS(index_.bind(1, docid).bind(2, text).run());
  counts.add(counted(time_of_docid(docid), alert.text, alert.score));
  return true;
}

Status AlertWriter::write(const AlertRow& alert, Counts& counts) {
  const UnixNanos time = effective_time(alert.timestamp, alert.created);
  TOCSIN_TRY(std::int64_t docid, free_docid(time));
  TOCSIN_TRY(const bool written, insert(docid, alert, counts));
  if (written) return {};
  find_.bind_blob(1, alert.alert_id);
  TOCSIN_TRY(const bool found, find_.step());
  const std::int64_t before = found ? find_.integer(0) : docid;
  find_.reset();
  TOCSIN_TRY_STATUS(take_out(before, counts));
  if (first_docid(time_of_docid(before)) == first_docid(time)) docid = before;
  TOCSIN_TRY(const bool again, insert(docid, alert, counts));
  if (!again || docid == before) return {};
  return move_.bind(1, before).bind(2, docid).run();
}

Status AlertWriter::take_out(std::int64_t docid, Counts& counts) {
  read_.bind(1, docid);
  TOCSIN_TRY(const bool found, read_.step());
  if (!found) return {};
  const search::StoredAlert text{.host = read_.text(0),
                                 .user = read_.text(1),
                                 .rule_id = read_.text(2),
                                 .rule_name = read_.text(3),
                                 .level = read_.text(4),
                                 .event_class = read_.text(5),
                                 .tactics = read_.text(6),
                                 .techniques = read_.text(7),
                                 .json = read_.text(8)};
  counts.add(counted(time_of_docid(docid), text, read_.integer(11)), -1);
  const std::string indexed = search::index_text(text);
  read_.reset();
  TOCSIN_TRY_STATUS(unindex_.bind(1, docid).bind(2, indexed).run());
  return delete_.bind(1, docid).run();
}

Status AlertWriter::remove(std::int64_t docid, Counts& counts) {
  TOCSIN_TRY_STATUS(take_out(docid, counts));
  return forget_.bind(1, docid).run();
}

}  // namespace tocsin::store
