// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/timeline.h"

#include <fmt/format.h>

#include <iterator>

#include "app/cli/views/csv_cell.h"
#include "base/clock.h"
#include "base/json_writer.h"

namespace tocsin::cli::scan {
namespace {

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out.push_back(';');
    out += item;
  }
  return out;
}

void append_value(std::string& out, std::string_view value) {
  if (value.size() <= kTimelineValueMax) {
    out += value;
    return;
  }
  std::size_t end = kTimelineValueMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  out += value.substr(0, end);
  fmt::format_to(std::back_inserter(out), "...[{} bytes more]", value.size() - end);
}

void append_number(std::string& out, std::uint64_t number) {
  if (number != 0) fmt::format_to(std::back_inserter(out), "{}", number);
}

}  // namespace

void append_timeline_csv(std::string& out, const Alert& a) {
  const auto cell = [&](std::string_view text) {
    out.push_back(',');
    append_csv_cell(out, text);
  };
  if (a.timestamp != 0) append_rfc3339(out, a.timestamp);
  cell(a.host);
  cell(a.channel);
  cell(a.event_code);
  cell(to_string(a.level));
  cell(a.rule_name);
  cell(joined(a.tactics));
  cell(joined(a.techniques));
  out.push_back(',');
  append_number(out, a.record_id);
  cell(a.file_path);
  out.push_back(',');
  append_number(out, a.line);
  cell(a.user);
  cell(a.provider);
  cell(a.rule_id);
  std::string fields;
  for (const MatchedField& field : a.matched_fields) {
    if (!fields.empty()) fields += " | ";
    if (!field.field.empty()) fields += field.field + ": ";
    append_value(fields, field.value);
  }
  cell(fields);
  out += "\r\n";
}

void append_timeline_json(std::string& out, const Alert& a) {
  JsonWriter json(out);
  const auto strings = [&](std::string_view name, const std::vector<std::string>& items) {
    json.key(name);
    json.array([&] {
      for (const std::string& item : items) json.value(item);
    });
  };
  json.object([&] {
    json.key("time");
    if (a.timestamp != 0)
      json.value(format_rfc3339(a.timestamp));
    else
      json.null();
    json.member("host", a.host);
    json.member("channel", a.channel);
    json.member("event_id", a.event_code);
    json.member("level", to_string(a.level));
    json.member("rule", a.rule_name);
    strings("tactics", a.tactics);
    strings("techniques", a.techniques);
    if (a.record_id != 0) json.member("record_id", a.record_id);
    json.member("file", a.file_path);
    if (a.line != 0) json.member("line", a.line);
    json.member("user", a.user);
    json.member("provider", a.provider);
    json.member("rule_id", a.rule_id);
    json.key("matched_fields");
    json.array([&] {
      for (const MatchedField& field : a.matched_fields)
        json.object([&] {
          json.member("field", field.field);
          json.member("value", field.value);
        });
    });
  });
  out.push_back('\n');
}

}  // namespace tocsin::cli::scan
