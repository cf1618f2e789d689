// SPDX-License-Identifier: Apache-2.0
//
// Archive: what the console and `tocsin search` ask of tocsin.db. Reads only.
//
//   AlertFilter (range, query, chosen values) -> Archive -> page | groups | overview | one alert
//
// Threads:   thread-safe; each call takes a connection of its own from a pool. Detectors go on
//            writing (WAL).
// Errors:    kInvalid: a value of the filter, a cursor that is none. kExhausted: the time limit was
//            reached. A file that is not there yet is an empty one.
// Time:      ranges are [from, to) of the event's time, or of the verdict's where the event does
//            not say; alerts are placed to the microsecond.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/uuid.h"
#include "core/event/level.h"
#include "stages/store/search/language/query.h"
#include "stages/store/search/records.h"

namespace tocsin::store::search {

class ConnectionPool;
class Rollup;

struct ArchiveOptions {
  std::chrono::milliseconds limit{10'000};  // of one call
};

class Archive {
 public:
  // kUnsupported when a newer release wrote the file. One of an older release is brought up to date
  // by whoever writes first (open_store); until then calls are kUnsupported and say so.
  [[nodiscard]] static Result<std::unique_ptr<Archive>> open(std::string path,
                                                             ArchiveOptions options = {});
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  [[nodiscard]] const std::string& path() const;

  [[nodiscard]] Result<AlertPage> alerts(const AlertFilter& filter, const PageRequest& page) const;
  [[nodiscard]] Result<std::int64_t> count_alerts(const AlertFilter& filter) const;
  // Most alerts first; incidents: the latest first, kIncidentsMax at most.
  [[nodiscard]] Result<std::vector<AlertGroup>> groups(const AlertFilter& filter, GroupBy by) const;
  // Empty when there is no such alert.
  [[nodiscard]] Result<std::optional<AlertDetails>> alert(const Uuid& alert_id) const;
  [[nodiscard]] Result<Overview> overview(const AlertFilter& filter) const;
  [[nodiscard]] Result<std::vector<TechniqueCount>> techniques(const AlertFilter& filter) const;
  [[nodiscard]] Result<Statistics> statistics(const TimeRange& range) const;
  // By event id or trace id. Empty when no verdict has it.
  [[nodiscard]] Result<std::optional<EventRecord>> event(const Uuid& id) const;
  // Latest first. What of the query is said of alerts holds when one of the event's alerts meets
  // it: verdicts.h.
  [[nodiscard]] Status verdicts(const Query& query, const TimeRange& range, std::size_t limit,
                                const std::function<void(const EventRecord&)>& visit) const;
  [[nodiscard]] Result<std::int64_t> count_verdicts(const Query& query,
                                                    const TimeRange& range) const;
  // Alerts and the last one, by rule id, of all time.
  [[nodiscard]] Result<std::vector<RuleActivity>> rule_activity() const;
  [[nodiscard]] Result<StoreSize> size() const;
  [[nodiscard]] Result<AuditPage> audit(const PageRequest& page) const;

 private:
  explicit Archive(std::unique_ptr<ConnectionPool> pool);
  std::unique_ptr<ConnectionPool> pool_;
  std::unique_ptr<Rollup> rollup_;
};

}  // namespace tocsin::store::search
