// SPDX-License-Identifier: Apache-2.0
#include "app/cli/search/rows.h"

#include <fmt/format.h>

#include <vector>

#include "app/cli/views/csv_cell.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/uuid.h"

namespace tocsin::cli::search {
namespace {

using store::search::AlertRecord;
using store::search::EventRecord;

Tint tint_of(std::string_view level) {
  if (level == "critical") return Tint::kMagenta;
  if (level == "high") return Tint::kRed;
  if (level == "medium") return Tint::kYellow;
  return level == "low" ? Tint::kCyan : Tint::kDim;
}

std::string joined(const std::vector<std::string>& items, std::string_view by) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += by;
    out += item;
  }
  return out;
}

std::string hex_of(const std::array<std::uint8_t, 16>& id) {
  std::string out;
  append_hex(out, id.data(), id.size());
  return out;
}

void strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& items) {
  json.key(name);
  json.array([&] {
    for (const std::string& item : items) json.value(item);
  });
}

std::string json_of(const AlertRecord& row) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("alert_id", row.alert_id.to_string());
    json.member("event_id", row.event_id.to_string());
    json.member("trace_id", hex_of(row.trace_id));
    json.member("time", format_rfc3339(row.time));
    json.member("created", format_rfc3339(row.created));
    json.member("host", row.host);
    json.member("user", row.user);
    json.member("level", row.level);
    json.key("rule");
    json.object([&] {
      json.member("id", row.rule_id);
      json.member("name", row.rule_name);
    });
    json.member("class", row.event_class);
    strings(json, "tactics", row.tactics);
    strings(json, "techniques", row.techniques);
    json.member("status", row.status);
    json.member("assignee", row.assignee);
    json.member("suppressed", row.suppressed);
  });
  return out + "\n";
}

std::string json_of(const EventRecord& row) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("event_id", row.event_id.to_string());
    json.member("trace_id", hex_of(row.trace_id));
    json.member("time", format_rfc3339(row.time));
    json.member("host", row.host);
    json.member("channel", row.channel);
    json.member("provider", row.provider);
    json.member("code", row.code);
    json.member("class", row.event_class);
    json.member("level", row.level);
    strings(json, "tactics", row.tactics);
    strings(json, "techniques", row.techniques);
    strings(json, "rules", row.rules);
    json.member("score", row.score);
    json.member("latency_us", row.latency_us);
    if (!row.source) return;
    json.key("source");
    json.object([&] {
      json.member("topic", row.source->topic);
      json.member("partition", row.source->partition);
      json.member("offset", row.source->offset);
    });
  });
  return out + "\n";
}

// RFC 4180. A row stays one line.
std::string csv_of(const AlertRecord& row) {
  return csv_row({format_rfc3339(row.time), row.level, row.host, row.user, row.rule_id,
                  row.rule_name, joined(row.tactics, ";"), joined(row.techniques, ";"), row.status,
                  row.assignee, row.event_id.to_string(), hex_of(row.trace_id),
                  row.alert_id.to_string()});
}

std::string csv_of(const EventRecord& row) {
  return csv_row({format_rfc3339(row.time), row.level, row.host, row.channel, row.provider,
                  row.code, row.event_class, joined(row.tactics, ";"), joined(row.techniques, ";"),
                  joined(row.rules, ";"), row.event_id.to_string(), hex_of(row.trace_id)});
}

}  // namespace

Rows::Rows(Format format, bool verdicts, const Style& style)
    : format_(format), verdicts_(verdicts), style_(style) {
  table_.columns = {{"TIME"}, {"LEVEL"}, {"HOST", Align::kLeft, true}};
  if (verdicts)
    table_.columns.insert(
        table_.columns.end(),
        {{"CLASS"}, {"CODE", Align::kRight}, {"CHANNEL", Align::kLeft, true}, {"EVENT"}});
  else
    table_.columns.insert(table_.columns.end(), {{"USER", Align::kLeft, true},
                                                 {"RULE", Align::kLeft, true},
                                                 {"TACTICS", Align::kLeft, true},
                                                 {"STATUS"},
                                                 {"EVENT"}});
}

std::string Rows::begin() const {
  if (format_ != Format::kCsv) return {};
  return verdicts_ ? "time,level,host,channel,provider,code,class,tactics,techniques,rules,"
                     "event_id,trace_id\r\n"
                   : "time,level,host,user,rule_id,rule_name,tactics,techniques,status,assignee,"
                     "event_id,trace_id,alert_id\r\n";
}

std::string Rows::add(const Found& found) {
  if (format_ == Format::kTable) {
    if (const auto* alert = std::get_if<AlertRecord>(&found))
      add_alert(*alert);
    else
      add_verdict(std::get<EventRecord>(found));
    return {};
  }
  return std::visit(
      [&](const auto& row) { return format_ == Format::kJsonl ? json_of(row) : csv_of(row); },
      found);
}

void Rows::add_alert(const AlertRecord& row) {
  table_.rows.push_back({Cell(format_rfc3339(row.time, 3)), Cell(row.level, tint_of(row.level)),
                         Cell(row.host), Cell(row.user), Cell(row.rule_name, Tint::kBold),
                         Cell(joined(row.tactics, ", ")), Cell(row.status),
                         Cell(row.event_id.to_string(), Tint::kDim)});
}

void Rows::add_verdict(const EventRecord& row) {
  table_.rows.push_back({Cell(format_rfc3339(row.time, 3)), Cell(row.level, tint_of(row.level)),
                         Cell(row.host), Cell(row.event_class), Cell(row.code), Cell(row.channel),
                         Cell(row.event_id.to_string(), Tint::kDim)});
}

std::string Rows::end() const {
  return format_ == Format::kTable && !table_.rows.empty() ? render_table(table_, style_)
                                                           : std::string();
}

std::string marked(std::string_view query, std::size_t position, const Style& style) {
  const std::string before = printable(query.substr(0, position), style);
  return fmt::format("  {}\n  {}{}\n", printable(query, style),
                     std::string(display_width(before), ' '), tinted("^", Tint::kRed, style));
}

}  // namespace tocsin::cli::search
