// SPDX-License-Identifier: Apache-2.0
#include "stages/store/retention.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "stages/store/counts.h"
#include "stages/store/docid.h"
#include "stages/store/schema.h"

namespace tocsin::store {
namespace {

constexpr std::int64_t kNanosOfDay = std::int64_t{86'400} * 1'000'000'000;

// What counts nothing any more.
constexpr const char* kForgetZeros =
    "DELETE FROM event_counts WHERE events <= 0; DELETE FROM host_counts WHERE events <= 0;"
    "DELETE FROM rule_counts WHERE alerts <= 0; DELETE FROM entity_counts WHERE alerts <= 0;"
    "DELETE FROM rule_hosts WHERE alerts <= 0;";

}  // namespace

Result<std::unique_ptr<Retention>> Retention::open(const std::string& path,
                                                   RetentionOptions options) {
  if (options.days < 1 || options.batch < 1)
    return fail(ErrorCode::kInvalid, "retention: a day is the least that is kept");
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kWrite));
  std::unique_ptr<Retention> made(new Retention(std::move(db), options));
  TOCSIN_TRY(made->writer_, AlertWriter::open(made->db_));
  TOCSIN_TRY_STATUS(made->prepare());
  return made;
}

Status Retention::prepare() {
  TOCSIN_TRY(old_verdicts_,
             db_.prepare(fmt::format("SELECT rowid, {0}, host, class, rules <> '' FROM verdicts"
                                     " INDEXED BY verdicts_by_time WHERE {0} < ? LIMIT ?",
                                     kVerdictTime)));
  TOCSIN_TRY(delete_verdict_, db_.prepare("DELETE FROM verdicts WHERE rowid = ?"));
  TOCSIN_TRY(
      old_alerts_,
      db_.prepare("SELECT docid, alert_id FROM alerts WHERE docid < ? ORDER BY docid LIMIT ?"));
  TOCSIN_TRY(delete_history_, db_.prepare("DELETE FROM triage_history WHERE alert_id = ?"));
  return {};
}

Result<bool> Retention::step(UnixNanos now) {
  const UnixNanos before = now - options_.days * kNanosOfDay;
  TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
  Counts counts;
  TOCSIN_TRY(const std::size_t verdicts, take_verdicts(before, counts));
  TOCSIN_TRY(const std::size_t alerts, take_alerts(before, counts));
  const bool more = verdicts == options_.batch || alerts == options_.batch;
  if (verdicts + alerts > 0) {
    TOCSIN_TRY_STATUS(counts.flush(db_));
    if (!more) TOCSIN_TRY_STATUS(db_.exec(kForgetZeros));
  }
  TOCSIN_TRY_STATUS(transaction.commit());
  verdicts_ += static_cast<std::int64_t>(verdicts);
  alerts_ += static_cast<std::int64_t>(alerts);
  return more;
}

Result<std::size_t> Retention::take_verdicts(UnixNanos before, Counts& counts) {
  std::vector<std::int64_t> rows;
  old_verdicts_.bind(1, before).bind(2, static_cast<std::int64_t>(options_.batch));
  while (true) {
    TOCSIN_TRY(const bool row, old_verdicts_.step());
    if (!row) break;
    rows.push_back(old_verdicts_.integer(0));
    counts.add(CountedVerdict{.time = old_verdicts_.integer(1),
                              .host = old_verdicts_.text(2),
                              .event_class = old_verdicts_.text(3),
                              .detected = old_verdicts_.integer(4) != 0},
               -1);
  }
  for (const std::int64_t row : rows) TOCSIN_TRY_STATUS(delete_verdict_.bind(1, row).run());
  return rows.size();
}

Result<std::size_t> Retention::take_alerts(UnixNanos before, Counts& counts) {
  std::vector<std::pair<std::int64_t, std::string>> rows;
  old_alerts_.bind(1, docid_from(before)).bind(2, static_cast<std::int64_t>(options_.batch));
  while (true) {
    TOCSIN_TRY(const bool row, old_alerts_.step());
    if (!row) break;
    rows.emplace_back(old_alerts_.integer(0), old_alerts_.blob(1));
  }
  for (const auto& [docid, alert_id] : rows) {
    TOCSIN_TRY_STATUS(writer_->remove(docid, counts));
    TOCSIN_TRY_STATUS(delete_history_.bind_blob(1, alert_id).run());
  }
  return rows.size();
}

}  // namespace tocsin::store
