// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/alert_view.h"

#include <fmt/format.h>

#include "app/console/context.h"
#include "core/sigma/attack.h"

namespace tocsin::console {
namespace {

namespace search = store::search;

constexpr std::size_t kValuesMax = 100;  // of one parameter

std::string hex_of(const std::array<std::uint8_t, 16>& id) {
  std::string out;
  append_hex(out, id.data(), id.size());
  return out;
}

}  // namespace

std::vector<std::string> alert_params(std::vector<std::string> others) {
  for (const char* name : {"from", "to", "q", "level", "tactic", "technique", "host", "user",
                           "rule", "status", "assignee"})
    others.emplace_back(name);
  return others;
}

Checked<search::TimeRange> time_range(const Call& call) {
  search::TimeRange out;
  TOCSIN_TRY(const UnixNanos from, call.time("from"));
  TOCSIN_TRY(const UnixNanos to, call.time("to"));
  if (from != 0) out.from = from;
  if (to != 0) out.to = to;
  if (from != 0 && to != 0 && to < from)
    return refuse(ApiCode::kInvalid, "to lies before from", "to");
  return out;
}

Checked<search::AlertFilter> range_and_query(const Call& call) {
  search::AlertFilter out;
  TOCSIN_TRY(out.range, time_range(call));
  TOCSIN_TRY(const std::string q, call.text("q"));
  auto query = search::parse_query(q, now_ns());
  if (!query) return refuse(ApiCode::kInvalid, search::to_error(query.error()).message, "q");
  out.query = *std::move(query);
  return out;
}

Checked<search::AlertFilter> alert_filter(const Call& call) {
  TOCSIN_TRY(search::AlertFilter out, range_and_query(call));
  const std::pair<const char*, std::vector<std::string>*> lists[] = {
      {"level", &out.levels},    {"tactic", &out.tactics},    {"technique", &out.techniques},
      {"host", &out.hosts},      {"user", &out.users},        {"rule", &out.rules},
      {"status", &out.statuses}, {"assignee", &out.assignees}};
  for (const auto& [name, values] : lists) {
    *values = call.all(name);
    if (values->size() > kValuesMax)
      return refuse(ApiCode::kInvalid, fmt::format("{}: {} values at most", name, kValuesMax),
                    name);
    for (const std::string& value : *values)
      if (value.size() > Call::kTextBytesMax)
        return refuse(ApiCode::kInvalid, fmt::format("{}: too long", name), name);
  }
  return out;
}

Checked<Uuid> uuid_part(const Call& call, const std::string& name) {
  const auto id = Uuid::parse(call.part(name));
  if (!id) return refuse(ApiCode::kNotFound, "an id is a UUID; that is none", name);
  return *id;
}

void write_row(JsonWriter& json, const search::AlertRecord& r) {
  json.object([&] {
    json.member("alert_id", r.alert_id.to_string());
    json.member("event_id", r.event_id.to_string());
    json.member("trace_id", hex_of(r.trace_id));
    time_member(json, "time", r.time);
    time_member(json, "created", r.created);
    json.member("host", r.host);
    json.member("user", r.user);
    json.member("level", r.level);
    json.key("rule");
    json.object([&] {
      json.member("id", r.rule_id);
      json.member("name", r.rule_name);
    });
    json.member("class", r.event_class);
    list_member(json, "tactics", r.tactics);
    list_member(json, "techniques", r.techniques);
    json.member("status", r.status);
    text_or_null(json, "assignee", r.assignee);
    json.member("suppressed", r.suppressed);
  });
}

void write_counts(JsonWriter& json, std::string_view name, std::string_view label,
                  const std::vector<search::NamedCount>& counts) {
  json.key(name);
  json.array([&] {
    for (const search::NamedCount& count : counts)
      json.object([&] {
        json.member(label, count.name);
        if (label == "tactic") json.member("name", tactic_name(count.name));
        json.member("count", count.count);
      });
  });
}

std::string_view tactic_name(std::string_view slug) {
  const sigma::Tactic* tactic = sigma::Attack::built_in().tactic(slug);
  return tactic == nullptr ? slug : std::string_view(tactic->name);
}

}  // namespace tocsin::console
