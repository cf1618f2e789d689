// SPDX-License-Identifier: Apache-2.0
//
// Triage: what people say of alerts, and the audit log of what they did.
//
//   console -> Triage::change() -> triage + triage_history (one transaction)
//           -> Triage::audit()  -> audit
//
// Threads: thread-safe. Errors: kInvalid for an unknown status, kNotFound when none of the alerts
// is there; then nothing is changed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/sqlite.h"
#include "base/uuid.h"
#include "stages/store/search/records.h"

namespace tocsin::store::search {

struct TriageChange {
  std::optional<std::string> status;    // new, in_progress, closed, false_positive
  std::optional<std::string> assignee;  // "" takes it away
  std::string note;
};

class Triage {
 public:
  // Makes the database when it is missing, and brings one of an older release up to date.
  [[nodiscard]] static Result<std::unique_ptr<Triage>> open(const std::string& path);

  // All or nothing; ids that are not there do not count. What is as wanted already is no change,
  // a note always is. The number of alerts that changed.
  [[nodiscard]] Result<std::int64_t> change(std::span<const Uuid> alert_ids,
                                            const TriageChange& change, std::string_view user,
                                            UnixNanos now);
  [[nodiscard]] Status audit(const AuditEntry& entry);

 private:
  struct Current {
    std::int64_t docid = 0;
    std::string status, assignee;
  };
  explicit Triage(sqlite::Database db) : db_(std::move(db)) {}
  [[nodiscard]] Status prepare();
  [[nodiscard]] Result<std::optional<Current>> current(const Uuid& alert_id);
  [[nodiscard]] Result<bool> change_one(const Uuid& alert_id, const Current& current,
                                        const TriageChange& change, std::string_view user,
                                        UnixNanos now);
  [[nodiscard]] Status record(const Uuid& alert_id, const TriageEntry& entry);

  std::mutex mutex_;
  sqlite::Database db_;
  sqlite::Statement find_, put_, record_, audit_;
};

}  // namespace tocsin::store::search
