// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/documents.h"

#include <algorithm>

#include "base/json_writer.h"

namespace tocsin::store::opensearch {
namespace {

constexpr UnixNanos kDay = 24LL * 3'600 * 1'000'000'000;
constexpr UnixNanos kDailyFor = 35 * kDay;
constexpr UnixNanos kYear2000 = 10'957 * kDay;

void strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return;
  json.key(name);
  json.array([&] {
    for (const std::string& item : items) json.value(item);
  });
}

template <class Body>
void object(JsonWriter& json, std::string_view name, Body&& body) {
  json.key(name);
  json.object(body);
}

void text(JsonWriter& json, std::string_view name, const std::string& value) {
  if (!value.empty()) json.member(name, value);
}

}  // namespace

std::string period_of(UnixNanos happened, UnixNanos seen) {
  if (happened < kYear2000 || happened > seen + kDay) return "undated";
  std::string day = format_rfc3339(happened, 0).substr(0, 10);
  if (happened < seen - kDailyFor) return day.substr(0, 4);
  std::replace(day.begin(), day.end(), '-', '.');
  return day;
}

void append_document(std::string& out, const Verdict& v) {
  JsonWriter json(out);
  json.object([&] {
    json.member("@timestamp", format_rfc3339(v.timestamp != 0 ? v.timestamp : v.classified_at));
    object(json, "event", [&] {
      json.member("id", v.event_id.to_string());
      json.member("kind", "event");
      text(json, "code", v.event_code);
      text(json, "provider", v.provider);
      json.member("severity", v.score);
      json.member("created", format_rfc3339(v.classified_at));
    });
    if (!v.host.empty()) object(json, "host", [&] { json.member("name", v.host); });
    if (!v.channel.empty()) object(json, "winlog", [&] { json.member("channel", v.channel); });
    if (v.detected()) {
      object(json, "rule", [&] {
        strings(json, "id", v.rules);
        json.member("level", to_string(v.level));
      });
      object(json, "threat", [&] {
        json.member("framework", "MITRE ATT&CK");
        strings(json, "tactic", v.tactics);
        strings(json, "technique", v.techniques);
      });
    }
    std::string trace;
    append_hex(trace, v.trace_id.data(), v.trace_id.size());
    object(json, "trace", [&] { json.member("id", trace); });
    object(json, "tocsin", [&] {
      json.member("class", v.event_class);
      json.member("latency_us", v.latency_us);
    });
  });
}

void append_document(std::string& out, const Alert& alert) {
  const std::size_t first = out.size();
  if (alert.timestamp != 0) {
    append_json(out, alert);
  } else {
    Alert dated = alert;
    dated.timestamp = alert.created;
    append_json(out, dated);
  }
  if (alert.tactics.empty()) return;
  // Its class, as tocsin.db has it; the contract's alert has none. Quotes inside of values are
  // escaped, so this is the member and nothing else.
  constexpr std::string_view kOurs = "\"tocsin\":{";
  const std::size_t ours = out.find(kOurs, first);
  std::string member = "\"class\":";
  append_json_string(member, alert.tactics.front());
  member.push_back(',');
  out.insert(ours + kOurs.size(), member);
}

}  // namespace tocsin::store::opensearch
