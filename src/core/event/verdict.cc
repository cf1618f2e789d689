// SPDX-License-Identifier: Apache-2.0
#include "core/event/verdict.h"

#include <array>
#include <charconv>
#include <cstring>

#include "base/json_writer.h"

namespace tocsin {
namespace {

bool needs_quotes(char c) { return c == ',' || c == '"' || static_cast<unsigned char>(c) < 0x20; }

// Eight bytes at a time: marks the bytes equal to `c`, or below 0x20. Above the first marked byte
// others may be marked wrongly, which a yes or no does not mind.
constexpr std::uint64_t kEach = 0x0101010101010101;
constexpr std::uint64_t kTops = 0x8080808080808080;
constexpr std::uint64_t equal_to(std::uint64_t word, char c) {
  const std::uint64_t zero = word ^ (kEach * static_cast<unsigned char>(c));
  return (zero - kEach) & ~zero & kTops;
}
constexpr std::uint64_t below_blank(std::uint64_t word) {
  return (word - kEach * 0x20) & ~word & kTops;
}

bool needs_quotes(std::string_view text) {
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    if ((equal_to(word, ',') | equal_to(word, '"') | below_blank(word)) != 0) return true;
    text.remove_prefix(sizeof word);
  }
  bool found = false;
  for (const char c : text) found |= needs_quotes(c);
  return found;
}

// RFC 4180: quoted when it holds a comma, a quote or a control character.
void append_cell(std::string& out, std::string_view text) {
  if (!needs_quotes(text)) {
    out += text;
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  out.push_back('"');
}

void append_list(std::string& out, const std::vector<std::string>& items) {
  if (items.empty()) return;
  if (items.size() == 1) {
    append_cell(out, items.front());
    return;
  }
  std::string joined;
  for (const std::string& item : items) {
    if (!joined.empty()) joined.push_back(';');
    joined += item;
  }
  append_cell(out, joined);
}

void append_number(std::string& out, std::int64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_csv(std::string& out, const Verdict& v) {
  v.event_id.append_to(out);
  out.push_back(',');
  append_hex(out, v.trace_id.data(), v.trace_id.size());
  out.push_back(',');
  if (v.timestamp != 0) append_rfc3339(out, v.timestamp);
  for (const std::string* cell :
       {&v.host, &v.channel, &v.provider, &v.event_code, &v.event_class}) {
    out.push_back(',');
    append_cell(out, *cell);
  }
  for (const auto* list : {&v.tactics, &v.techniques, &v.rules}) {
    out.push_back(',');
    append_list(out, *list);
  }
  out.push_back(',');
  if (v.detected()) out += to_string(v.level);
  out.push_back(',');
  append_number(out, v.score);
  out.push_back(',');
  append_rfc3339(out, v.classified_at);
  out.push_back(',');
  append_number(out, v.latency_us);
  out += "\r\n";
}

Uuid make_alert_id(const Uuid& event_id, std::string_view rule_id) {
  return Uuid::v5(event_id, rule_id);
}

void append_json(std::string& out, const Alert& a) {
  JsonWriter json(out);
  const auto strings = [&](std::string_view name, const std::vector<std::string>& items) {
    json.key(name);
    json.array([&] {
      for (const std::string& item : items) json.value(item);
    });
  };
  json.object([&] {
    if (a.timestamp != 0) json.member("@timestamp", format_rfc3339(a.timestamp));
    json.key("event");
    json.object([&] {
      json.member("id", a.event_id.to_string());
      json.member("kind", "alert");
      json.member("code", a.event_code);
      json.member("provider", a.provider);
      json.member("severity", severity_score(a.level));
      json.member("created", format_rfc3339(a.created));
    });
    json.key("host");
    json.object([&] { json.member("name", a.host); });
    if (!a.user.empty()) {
      json.key("user");
      json.object([&] { json.member("name", a.user); });
    }
    json.key("rule");
    json.object([&] {
      json.member("id", a.rule_id);
      json.member("name", a.rule_name);
      json.member("level", to_string(a.level));
      json.member("author", a.rule_author);
      json.member("ruleset", a.ruleset);
    });
    json.key("threat");
    json.object([&] {
      json.member("framework", "MITRE ATT&CK");
      strings("tactic", a.tactics);
      strings("technique", a.techniques);
    });
    std::string trace;
    append_hex(trace, a.trace_id.data(), a.trace_id.size());
    json.key("trace");
    json.object([&] { json.member("id", trace); });
    if (!a.file_path.empty()) {
      json.key("log");
      json.object([&] {
        json.key("file");
        json.object([&] { json.member("path", a.file_path); });
        if (a.line != 0) json.member("offset", a.line);
      });
    }
    if (!a.channel.empty() || a.record_id != 0) {
      json.key("winlog");
      json.object([&] {
        if (!a.channel.empty()) json.member("channel", a.channel);
        if (a.record_id != 0) json.member("record_id", a.record_id);
      });
    }
    json.key("tocsin");
    json.object([&] {
      json.member("alert_id", a.alert_id.to_string());
      json.key("matched_fields");
      json.array([&] {
        for (const MatchedField& f : a.matched_fields) {
          json.object([&] {
            json.member("field", f.field);
            json.member("value", f.value);
          });
        }
      });
      if (a.suppressed != 0) json.member("suppressed", a.suppressed);
    });
  });
}

}  // namespace tocsin
