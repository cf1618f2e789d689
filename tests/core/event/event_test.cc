// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <simdjson.h>

#include <algorithm>
#include <string>

#include "core/event/event_id.h"
#include "core/event/level.h"
#include "core/event/record_json.h"
#include "core/event/verdict.h"

using namespace tocsin;

namespace {

Verdict verdict() {
  Verdict v;
  v.event_id = *Uuid::parse("0e95725d-7320-415d-80f7-004da920fc11");
  v.trace_id = v.event_id.bytes;
  v.timestamp = *parse_time("2025-11-27T07:40:10.165324Z");
  v.host = "ws01";
  v.channel = "Security";
  v.event_code = "4688";
  v.classified_at = v.timestamp;
  v.latency_us = 1500;
  return v;
}

}  // namespace

TEST_CASE("event id: the order of the contract") {
  const EventIdentity windows{"", "ws01", "Security", "77", "2025-01-01T00:00:00Z"};
  const std::string uuid = "0e95725d-7320-415d-80f7-004da920fc11";
  EventIdentity with_body = windows;
  with_body.event_id = "11111111-1111-4111-8111-111111111111";
  CHECK(event_id_from(uuid, with_body)->to_string() == uuid);
  CHECK(event_id_from("", with_body)->to_string() == with_body.event_id);
  with_body.event_id = "not a uuid";
  CHECK(event_id_from("", with_body) == event_id_from("", windows));
  CHECK(event_id_from("some-id", windows) == event_id_from("some-id", {}));
  CHECK(event_id_from("some-id", windows) != event_id_from("", windows));
  CHECK(event_id_from("00000000-0000-0000-0000-000000000000", windows)->is_nil() == false);
  CHECK_FALSE(event_id_from("", {}));
  EventIdentity other = windows;
  other.record_id = "78";
  CHECK(event_id_from("", other) != event_id_from("", windows));
  CHECK(event_id_from_position("t", 0, 1) != event_id_from_position("t", 1, 0));
}

TEST_CASE("verdict: a CSV row has the columns of the contract") {
  std::string out;
  append_csv(out, verdict());
  CHECK(out ==
        "0e95725d-7320-415d-80f7-004da920fc11,0e95725d7320415d80f7004da920fc11,2025-11-27T07:40:10."
        "165324Z,ws01,Security,,4688,"
        "None,,,,,0,2025-11-27T07:40:10.165324Z,1500\r\n");
  CHECK(std::count(out.begin(), out.end(), ',') ==
        std::count(kVerdictColumns.begin(), kVerdictColumns.end(), ','));
}

TEST_CASE("verdict: cells are quoted by RFC 4180 and never break the line") {
  Verdict v = verdict();
  v.host = "a,\"b\"\r\nc";
  v.event_class = "Credential Access";
  v.tactics = {"credential-access", "stealth"};
  v.rules = {"r1"};
  v.level = Level::kHigh;
  v.score = 73;
  std::string out;
  append_csv(out, v);
  CHECK(out.find("\"a,\"\"b\"\"  c\"") != std::string::npos);
  CHECK(out.find(",Credential Access,credential-access;stealth,,r1,high,73,") != std::string::npos);
  CHECK(std::count(out.begin(), out.end(), '\n') == 1);
}

TEST_CASE("verdict: a cell is quoted for a byte at any place, and for no other byte") {
  const auto cell = [](const std::string& host) {
    Verdict v = verdict();
    v.timestamp = 0;
    v.host = host;
    std::string out;
    append_csv(out, v);
    const std::size_t begin = out.find(",,") + 2;
    return out.substr(begin, out.find(",Security,") - begin);
  };
  for (int byte = 1; byte < 256; ++byte) {
    for (std::size_t size : {1U, 7U, 8U, 9U, 16U, 19U}) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string host(size, 'h');
        host[at] = static_cast<char>(byte);
        std::string want = host;
        if (byte < 0x20) want[at] = ' ';
        if (byte == '"') want.insert(at, 1, '"');
        if (byte < 0x20 || byte == '"' || byte == ',') want = '"' + want + '"';
        REQUIRE(cell(host) == want);
      }
    }
  }
}

TEST_CASE("alert: an ECS document, its id by event and rule") {
  Alert a;
  a.event_id = verdict().event_id;
  a.rule_id = "rule";
  a.alert_id = make_alert_id(a.event_id, a.rule_id);
  CHECK(a.alert_id == make_alert_id(a.event_id, "rule"));
  CHECK(a.alert_id != make_alert_id(a.event_id, "other"));
  a.rule_name = "A \"rule\"";
  a.level = Level::kCritical;
  a.host = "h";
  a.tactics = {"impact"};
  a.techniques = {"T1490"};
  a.file_path = "x.evtx";
  a.record_id = 9;
  a.matched_fields = {{"Image", "C:\\a.exe"}};
  std::string out;
  append_json(out, a);
  simdjson::dom::parser parser;
  simdjson::dom::element doc;
  REQUIRE_FALSE(parser.parse(out).get(doc));
  const auto text = [&](const char* pointer) {
    return std::string(std::string_view(doc.at_pointer(pointer)));
  };
  CHECK(text("/event/kind") == "alert");
  CHECK(std::int64_t(doc.at_pointer("/event/severity")) == 99);
  CHECK(text("/rule/name") == "A \"rule\"");
  CHECK(text("/threat/framework") == "MITRE ATT&CK");
  CHECK(text("/threat/technique/0") == "T1490");
  CHECK(text("/log/file/path") == "x.evtx");
  CHECK(std::int64_t(doc.at_pointer("/winlog/record_id")) == 9);
  CHECK(text("/tocsin/alert_id") == a.alert_id.to_string());
  CHECK(text("/tocsin/matched_fields/0/field") == "Image");
}

TEST_CASE("level: names and scores") {
  CHECK(parse_level("critical") == Level::kCritical);
  CHECK_FALSE(parse_level("severe"));
  CHECK(to_string(Level::kLow) == "low");
  CHECK(severity_score(Level::kInformational) < severity_score(Level::kCritical));
}

TEST_CASE("verdict: its JSON has the names of the CSV columns, and reads back") {
  Verdict v = verdict();
  v.provider = "say \"hi\"\n\xff";
  v.event_class = "Credential Access";
  v.tactics = {"credential-access", "stealth"};
  v.techniques = {"T1003.001"};
  v.rules = {"b", "a"};
  v.level = Level::kHigh;
  v.score = 73;
  std::string text;
  append_json(text, v);
  simdjson::dom::parser parser;
  const simdjson::dom::object root = parser.parse(text);
  std::string names;
  for (const auto [name, value] : root) names += (names.empty() ? "" : ",") + std::string(name);
  CHECK(names == kVerdictColumns);
  RecordReader reader;
  const auto back = reader.verdict(text);
  REQUIRE_MESSAGE(back.has_value(), (back ? "" : back.error().message));
  std::string again, csv, csv_again;
  append_json(again, *back);
  CHECK(again == text);
  Verdict same = *back;
  same.provider = v.provider;  // its byte that is no UTF-8 was mended
  append_csv(csv, v);
  append_csv(csv_again, same);
  CHECK(csv == csv_again);

  text.clear();
  append_json(text, verdict());  // without a match or a level
  CHECK(reader.verdict(text)->event_class == "None");
}

TEST_CASE("alert: its JSON reads back whole") {
  Alert a;
  a.event_id = verdict().event_id;
  a.alert_id = make_alert_id(a.event_id, "r");
  a.trace_id = a.event_id.bytes;
  a.timestamp = verdict().timestamp;
  a.created = a.timestamp + 1'000;
  a.event_code = "1";
  a.provider = "p";
  a.channel = "c";
  a.host = "h";
  a.user = "u";
  a.rule_id = "r";
  a.rule_name = "n";
  a.rule_author = "au";
  a.ruleset = "rs";
  a.level = Level::kCritical;
  a.tactics = {"impact"};
  a.techniques = {"T1490"};
  a.file_path = "f";
  a.line = 4;
  a.record_id = 5;
  a.matched_fields = {{"Image", "x"}, {"CommandLine", "y\\z"}};
  a.suppressed = 6;
  std::string text, again;
  append_json(text, a);
  RecordReader reader;
  const auto back = reader.alert(text);
  REQUIRE_MESSAGE(back.has_value(), (back ? "" : back.error().message));
  append_json(again, *back);
  CHECK(again == text);
  CHECK(reader.alert(text.insert(1, "\"of_a_newer_release\":{\"x\":[1]},")).has_value());
}

TEST_CASE("records: what is none is refused, and why") {
  const std::string id = "0e95725d-7320-415d-80f7-004da920fc11";
  const std::string trace = "0e95725d7320415d80f7004da920fc11";
  const std::string good = R"({"event_id":")" + id + R"(","trace_id":")" + trace +
                           R"(","class":"None","classified_at":"2026-01-01T00:00:00Z")";
  struct Case {
    std::string text;
    const char* told;
  };
  const Case cases[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[1]", "not a JSON object"},
      {"{}", "event_id is missing"},
      {R"({"event_id":7})", "event_id is missing"},
      {R"({"event_id":"x"})", "event_id is no UUID"},
      {R"({"event_id":")" + id + R"(","trace_id":"zz"})", "trace_id"},
      {good + R"(,"timestamp":"yesterday"})", "timestamp is no time"},
      {good + R"(,"rules":["r"],"level":"awful"})", "level"},
  };
  RecordReader reader;
  CHECK(reader.verdict(good + "}").has_value());
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto read = reader.verdict(c.text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::kInvalid);
    CHECK(read.error().message.find(c.told) != std::string::npos);
  }
  CHECK(reader.alert(good + "}").error().message.find("alert_id is missing") != std::string::npos);
}
