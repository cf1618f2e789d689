// SPDX-License-Identifier: Apache-2.0
#include "core/event/record_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>

#include "base/json_writer.h"

namespace tocsin {

struct RecordReader::Parser {
  simdjson::dom::parser json;
};

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::string_view text_of(const object& from, const char* pointer) {
  std::string_view text;
  if (from.at_pointer(pointer).get(text) != simdjson::SUCCESS) return {};
  return text;
}

void read(const object& from, const char* pointer, std::string& into) {
  into = text_of(from, pointer);
}

std::int64_t number_of(const object& from, const char* pointer) {
  std::int64_t number = 0;
  if (from.at_pointer(pointer).get(number) != simdjson::SUCCESS) return 0;
  return number;
}

std::uint64_t count_of(const object& from, const char* pointer) {
  const std::int64_t number = number_of(from, pointer);
  return number < 0 ? 0 : static_cast<std::uint64_t>(number);
}

void read_list(const object& from, const char* pointer, std::vector<std::string>& into) {
  simdjson::dom::array items;
  if (from.at_pointer(pointer).get(items) != simdjson::SUCCESS) return;
  for (const element item : items) {
    std::string_view text;
    if (item.get(text) == simdjson::SUCCESS) into.emplace_back(text);
  }
}

// Collects what is wrong first.
class Fields {
 public:
  Fields(const object& from, const char* what) : from_(from), what_(what) {}

  void uuid(const char* pointer, Uuid& into) {
    const std::string_view text = text_of(from_, pointer);
    if (const auto id = Uuid::parse(text))
      into = *id;
    else
      complain(pointer, text.empty() ? "is missing" : "is no UUID");
  }
  void trace(const char* pointer, std::array<std::uint8_t, 16>& into) {
    const std::string_view text = text_of(from_, pointer);
    if (text.size() != 2 * into.size() || !decode_hex(text, into.data(), into.size()))
      complain(pointer, "is not 32 hexadecimal digits");
  }
  void time(const char* pointer, UnixNanos& into, bool wanted) {
    const std::string_view text = text_of(from_, pointer);
    if (text.empty() && !wanted) return;
    if (const auto time = parse_time(text))
      into = *time;
    else
      complain(pointer, text.empty() ? "is missing" : "is no time");
  }
  void level(const char* pointer, Level& into, bool wanted) {
    const std::string_view text = text_of(from_, pointer);
    if (text.empty() && !wanted) return;
    if (const auto level = parse_level(text))
      into = *level;
    else
      complain(pointer, "is no level");
  }
  void needed(const char* pointer, std::string& into) {
    read(from_, pointer, into);
    if (into.empty()) complain(pointer, "is missing");
  }
  [[nodiscard]] Status status() const {
    if (wrong_.empty()) return {};
    return fail(ErrorCode::kInvalid, wrong_);
  }

 private:
  void complain(const char* pointer, const char* why) {
    if (wrong_.empty()) wrong_ = fmt::format("no {}: {} {}", what_, pointer + 1, why);
  }

  const object& from_;
  const char* what_;
  std::string wrong_;
};

Result<object> object_of(simdjson::dom::parser& parser, std::string_view json, const char* what) {
  element root;
  object found;
  if (const auto error = parser.parse(json.data(), json.size()).get(root);
      error != simdjson::SUCCESS)
    return fail(ErrorCode::kInvalid,
                fmt::format("no {}: not JSON: {}", what, simdjson::error_message(error)));
  if (root.get(found) != simdjson::SUCCESS)
    return fail(ErrorCode::kInvalid, fmt::format("no {}: not a JSON object", what));
  return found;
}

}  // namespace

RecordReader::RecordReader() : parser_(std::make_unique<Parser>()) {}
RecordReader::~RecordReader() = default;

Result<Verdict> RecordReader::verdict(std::string_view json) {
  TOCSIN_TRY(const object from, object_of(parser_->json, json, "verdict"));
  Fields fields(from, "verdict");
  Verdict v;
  fields.uuid("/event_id", v.event_id);
  fields.trace("/trace_id", v.trace_id);
  fields.time("/timestamp", v.timestamp, false);
  fields.needed("/class", v.event_class);
  fields.time("/classified_at", v.classified_at, true);
  read(from, "/host", v.host);
  read(from, "/channel", v.channel);
  read(from, "/provider", v.provider);
  read(from, "/event_code", v.event_code);
  read_list(from, "/tactics", v.tactics);
  read_list(from, "/techniques", v.techniques);
  read_list(from, "/rules", v.rules);
  fields.level("/level", v.level, v.detected());
  v.score = static_cast<int>(number_of(from, "/score"));
  v.latency_us = number_of(from, "/latency_us");
  TOCSIN_TRY_STATUS(fields.status());
  return v;
}

Result<Alert> RecordReader::alert(std::string_view json) {
  TOCSIN_TRY(const object from, object_of(parser_->json, json, "alert"));
  Fields fields(from, "alert");
  Alert a;
  fields.uuid("/tocsin/alert_id", a.alert_id);
  fields.uuid("/event/id", a.event_id);
  fields.trace("/trace/id", a.trace_id);
  fields.time("/@timestamp", a.timestamp, false);
  fields.time("/event/created", a.created, true);
  fields.needed("/rule/id", a.rule_id);
  fields.level("/rule/level", a.level, true);
  read(from, "/rule/name", a.rule_name);
  read(from, "/rule/author", a.rule_author);
  read(from, "/rule/ruleset", a.ruleset);
  read(from, "/event/code", a.event_code);
  read(from, "/event/provider", a.provider);
  read(from, "/winlog/channel", a.channel);
  read(from, "/host/name", a.host);
  read(from, "/user/name", a.user);
  read_list(from, "/threat/tactic", a.tactics);
  read_list(from, "/threat/technique", a.techniques);
  read(from, "/log/file/path", a.file_path);
  a.line = count_of(from, "/log/offset");
  a.record_id = count_of(from, "/winlog/record_id");
  a.suppressed = count_of(from, "/tocsin/suppressed");
  simdjson::dom::array matched;
  if (from.at_pointer("/tocsin/matched_fields").get(matched) == simdjson::SUCCESS)
    for (const element item : matched) {
      object one;
      if (item.get(one) != simdjson::SUCCESS) continue;
      MatchedField& field = a.matched_fields.emplace_back();
      read(one, "/field", field.field);
      read(one, "/value", field.value);
    }
  TOCSIN_TRY_STATUS(fields.status());
  return a;
}

void append_json(std::string& out, const Verdict& v) {
  JsonWriter json(out);
  const auto list = [&](std::string_view name, const std::vector<std::string>& items) {
    json.key(name);
    json.array([&] {
      for (const std::string& item : items) json.value(item);
    });
  };
  std::string trace;
  append_hex(trace, v.trace_id.data(), v.trace_id.size());
  json.object([&] {
    json.member("event_id", v.event_id.to_string());
    json.member("trace_id", trace);
    if (v.timestamp != 0) json.member("timestamp", format_rfc3339(v.timestamp));
    json.member("host", v.host);
    json.member("channel", v.channel);
    json.member("provider", v.provider);
    json.member("event_code", v.event_code);
    json.member("class", v.event_class);
    list("tactics", v.tactics);
    list("techniques", v.techniques);
    list("rules", v.rules);
    if (v.detected()) json.member("level", to_string(v.level));
    json.member("score", v.score);
    json.member("classified_at", format_rfc3339(v.classified_at));
    json.member("latency_us", v.latency_us);
  });
}

}  // namespace tocsin
