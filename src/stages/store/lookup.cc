// SPDX-License-Identifier: Apache-2.0
#include "stages/store/lookup.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/sqlite.h"
#include "stages/store/schema.h"

namespace tocsin::store {
namespace {

std::string_view bytes_of(const std::array<std::uint8_t, 16>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

void read_id(std::string_view bytes, std::array<std::uint8_t, 16>& id) {
  if (bytes.size() == id.size())
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.data()));
}

Result<std::optional<FoundEvent>> find(const std::string& path, const char* column,
                                       const std::array<std::uint8_t, 16>& id) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kRead, 1));
  TOCSIN_TRY(
      auto verdict,
      db.prepare(fmt::format(
          "SELECT event_id, trace_id, host, class FROM verdicts WHERE {} = ? LIMIT 1", column)));
  verdict.bind_blob(1, bytes_of(id));
  TOCSIN_TRY(const bool known, verdict.step());
  if (!known) return std::nullopt;
  FoundEvent event;
  read_id(verdict.blob(0), event.event_id.bytes);
  read_id(verdict.blob(1), event.trace_id);
  event.host = verdict.text(2);
  event.event_class = verdict.text(3);
  verdict.reset();
  TOCSIN_TRY(auto alerts,
             db.prepare("SELECT rule_name, level, rule_id FROM alerts WHERE event_id = ?"
                        " ORDER BY score DESC, rule_id"));
  alerts.bind_blob(1, bytes_of(event.event_id.bytes));
  while (true) {
    TOCSIN_TRY(const bool row, alerts.step());
    if (!row) return event;
    event.rules.push_back(
        fmt::format("{} ({}, {})", alerts.text(0), alerts.text(1), alerts.text(2)));
  }
}

}  // namespace

Result<std::optional<FoundEvent>> find_event(const std::string& path, const Uuid& event_id) {
  return find(path, "event_id", event_id.bytes);
}

Result<std::optional<FoundEvent>> find_event_by_trace(
    const std::string& path, const std::array<std::uint8_t, 16>& trace_id) {
  return find(path, "trace_id", trace_id);
}

Result<std::optional<FoundEvent>> find_most_severe(const std::string& path) {
  TOCSIN_TRY(auto db, open_store(path, sqlite::Mode::kRead, 1));
  TOCSIN_TRY(auto best, db.prepare("SELECT event_id FROM alerts GROUP BY event_id"
                                   " ORDER BY max(score) DESC, count(*) DESC, event_id LIMIT 1"));
  TOCSIN_TRY(const bool any, best.step());
  if (!any) return std::nullopt;
  Uuid id;
  read_id(best.blob(0), id.bytes);
  return find_event(path, id);
}

}  // namespace tocsin::store
