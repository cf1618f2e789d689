// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/normalizer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/arena.h"
#include "core/event/json_text.h"
#include "stages/normalize/repair.h"

using namespace tocsin;

namespace {

const FieldTable& fields() {
  static const FieldTable table = [] {
    FieldTable t;
    for (const char* name :
         {"Image", "CommandLine", "ParentImage", "EventID", "Channel", "Provider_Name", "Data",
          "User", "IntegrityLevel", "Computer", "EventType", "Security_UserID", "a.b", "Param",
          "LogonId", "TimeCreated_SystemTime"})
      t.intern(name);
    return t;
  }();
  return table;
}

struct Fixture {
  normalize::Normalizer normalizer{sigma::Taxonomy::built_in(), fields(), {}};
  NormalizedEvent event;

  Status run(std::string_view json) { return normalizer.normalize(json, event); }
  // All values of the field, joined by '|'; "-" when it is missing.
  std::string get(std::string_view name) const {
    std::string out;
    bool found = false;
    for (const FieldValue& v : event.values) {
      if (v.field != fields().find(name) || v.kind == ValueKind::kContainer) continue;
      out += (found ? "|" : "") +
             (v.kind == ValueKind::kNull ? std::string("null") : std::string(v.text));
      found = true;
    }
    return found ? out : "-";
  }
  // Whether it is there and has no text.
  bool is_container(std::string_view name) const {
    return std::any_of(event.values.begin(), event.values.end(), [&](const FieldValue& v) {
      return v.field == fields().find(name) && v.kind == ValueKind::kContainer && v.text.empty();
    });
  }
  std::string route() const { return sigma::Taxonomy::built_in().routes()[event.route].name; }
};

constexpr std::string_view kEvtx = R"({"Event":{"#attributes":{"xmlns":"x"},"System":{
  "Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon","Guid":"G"}},"EventID":{"#attributes":{"Qualifiers":1},"#text":1},
  "TimeCreated":{"#attributes":{"SystemTime":"2025-11-27T07:40:10.165324Z"}},"EventRecordID":571146,"Correlation":null,
  "Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"ws01","Security":{"#attributes":{"UserID":"S-1-5-18"}}},
  "EventData":{"Image":"C:\\Windows\\a.exe","CommandLine":"\u0041 \"q\"","User":"D\\u","Data":["x","y"]}}})";

}  // namespace

TEST_CASE_FIXTURE(Fixture, "normalizer: the JSON of evtx_dump") {
  REQUIRE(run(kEvtx));
  CHECK(route() == "windows/sysmon/1");
  CHECK(event.channel == "Microsoft-Windows-Sysmon/Operational");
  CHECK(event.event_code == "1");
  CHECK(event.host == "ws01");
  CHECK(event.provider == "Microsoft-Windows-Sysmon");
  CHECK(event.record_id == "571146");
  CHECK(event.user == "D\\u");
  CHECK(format_rfc3339(event.timestamp) == "2025-11-27T07:40:10.165324Z");
  CHECK(get("Image") == "C:\\Windows\\a.exe");
  CHECK(get("CommandLine") == "A \"q\"");
  CHECK(get("Data") == "x|y");
  CHECK(get("Security_UserID") == "S-1-5-18");
  CHECK(get("EventID") == "1");
  CHECK_FALSE(event.repaired);
}

TEST_CASE_FIXTURE(
    Fixture,
    "normalizer: UserData's fields are those of its inner element, and cannot overrule the frame") {
  REQUIRE(run(R"({"Event":{"System":{"EventID":104,"Channel":"System","Computer":"h"},
    "UserData":{"LogFileCleared":{"#attributes":{"xmlns":"y"},"Channel":"Security","Param":"p"}}}})"));
  CHECK(event.channel == "System");
  CHECK(get("Param") == "p");
  CHECK(get("Channel") == "System|Security");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: Winlogbeat") {
  REQUIRE(run(
      R"({"@timestamp":"2025-01-02T03:04:05.678Z","host":{"name":"beat"},"event":{"code":"1","id":"e"},
    "winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","computer_name":"ws02","provider_name":"P",
    "record_id":7,"event_data":{"Image":"i.exe"}}})"));
  CHECK(route() == "windows/sysmon/1");
  CHECK(get("Image") == "i.exe");
  CHECK(event.body_id == "e");
  CHECK(event.record_id == "7");
  CHECK(get("Provider_Name") == "P");
  CHECK(format_rfc3339(event.timestamp, 3) == "2025-01-02T03:04:05.678Z");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: NXLog's flat events, whatever the order") {
  REQUIRE(run(
      R"({"Image":"i.exe","EventType":"INFO","EventTypeOrignal":"SetValue","EventID":13,"SourceName":"Microsoft-Windows-Sysmon",
    "Hostname":"ws03","EventTime":"2020-05-01 22:56:47","Channel":"Microsoft-Windows-Sysmon/Operational","RecordNumber":9})"));
  CHECK(route() == "windows/sysmon/13");
  CHECK(event.host == "ws03");
  CHECK(get("Computer") == "ws03");
  CHECK(get("Provider_Name") == "Microsoft-Windows-Sysmon");
  CHECK(get("EventType") == "INFO|SetValue");
  CHECK(event.record_id == "9");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: Security 4688 has the names of process creation") {
  REQUIRE(
      run(R"({"Event":{"System":{"EventID":4688,"Channel":"Security","Computer":"h"},"EventData":{
    "NewProcessName":"C:\\x.exe","ParentProcessName":"C:\\p.exe","CommandLine":"c","SubjectUserName":"u","SubjectDomainName":"D",
    "SubjectLogonId":"0x3e7","MandatoryLabel":"S-1-16-12288"}}})"));
  CHECK(get("Image") == "C:\\x.exe");
  CHECK(get("ParentImage") == "C:\\p.exe");
  CHECK(get("User") == "D\\u");
  CHECK(get("IntegrityLevel") == "High");
  CHECK(get("LogonId") == "0x3e7");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: an object or an empty list is there, without a text") {
  REQUIRE(run(R"({"Image":{"x":1},"User":{},"Data":[],"CommandLine":[{}],"Param":["x"]})"));
  for (const char* name : {"Image", "User", "Data", "CommandLine"}) {
    CAPTURE(name);
    CHECK(is_container(name));
    CHECK(get(name) == "-");
  }
  CHECK_FALSE(is_container("Param"));
  CHECK_FALSE(is_container("ParentImage"));
}

TEST_CASE_FIXTURE(Fixture, "normalizer: other JSON keeps its paths") {
  REQUIRE(run(R"({"a":{"b":["x",{"#text":"y"},1.50]},"c":true})"));
  CHECK(event.route == 0);
  CHECK(get("a.b") == "x|y|1.5");
}

TEST_CASE_FIXTURE(Fixture,
                  "normalizer: numbers are one text, null is null, both of a double key count") {
  REQUIRE(run(
      R"({"Channel":"X","EventID":10.0,"Image":null,"User":1e3,"CommandLine":"first","CommandLine":"second"})"));
  CHECK(get("EventID") == "10");
  CHECK(get("Image") == "null");
  CHECK(get("User") == "1000");
  CHECK(get("CommandLine") == "first|second");
  struct Case {
    std::string_view number, want;
  };
  const Case cases[] = {
      {"-0", "0"},
      {"-0.0", "0"},
      {"10.50", "10.5"},
      {"1e-6", "0.000001"},
      {"133485408000000001", "133485408000000001"},
      {"1e20", "100000000000000000000"},
      {"9007199254740993.0", "9007199254740993"},
      {"1e999999999", "1e999999999"},
      {"1e1000000000", "1e1000000000"},  // no number, and no cost
  };
  for (const Case& c : cases) {
    CAPTURE(c.number);
    REQUIRE(run(fmt::format(R"({{"Channel":"X","EventID":1,"User":{}}})", c.number)));
    CHECK(get("User") == c.want);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "normalizer: a bad byte is repaired and the event matched, never hidden") {
  struct Case {
    std::string_view name, json, want;
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"invalid UTF-8", "{\"Channel\":\"X\",\"EventID\":1,\"Image\":\"a\xFF\xC3(b\"}"sv,
       "a\xEF\xBF\xBD\xEF\xBF\xBD(b"sv},
      {"NUL in a string", "{\"Channel\":\"X\",\"EventID\":1,\"Image\":\"a\0b\"}"sv, "a\0b"sv},
      {"a raw line break in a string", "{\"Channel\":\"X\",\"EventID\":1,\"Image\":\"a\nb\"}"sv,
       "a\nb"sv},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    REQUIRE(run(c.json));
    CHECK(event.repaired);
    CHECK(get("Image") == c.want);
  }
  REQUIRE(run(R"({"Image":"lone \ud800 surrogate"})"));
  CHECK(get("Image") == "lone \xEF\xBF\xBD surrogate");
}

TEST_CASE_FIXTURE(
    Fixture,
    "normalizer: what is no JSON object is refused with a reason, and the next event is fine") {
  std::string deep(200, '[');
  const std::vector<std::string> bad = {"",
                                        "   ",
                                        "nothing",
                                        "[1,2]",
                                        "\"text\"",
                                        "{\"a\":",
                                        "{\"a\":1",
                                        "{\"a\":\"b",
                                        "{\"a\":bad}",
                                        "{\"a\":1}{\"b\":2}",
                                        "{\"a\":1} trailing",
                                        "{\"a\":" + deep};
  for (const std::string& json : bad) {
    CAPTURE(json);
    const Status status = run(json);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::kInvalid);
    CHECK_FALSE(status.error().message.empty());
    REQUIRE(run(kEvtx));
    CHECK(get("Image") == "C:\\Windows\\a.exe");
  }
}

TEST_CASE_FIXTURE(Fixture, "normalizer: a name with blanks is also read without them") {
  REQUIRE(run(
      R"({"Event":{"System":{"EventID":1116,"Channel":"X"},"EventData":{"Integrity Level":"x"}}})"));
  CHECK(get("IntegrityLevel") == "x");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: an event outlives the bytes it was read from") {
  std::string json(R"({"Image":"C:/a.exe","CommandLine":"x y"})");
  REQUIRE(run(json));
  json.assign(json.size(), '#');
  CHECK(get("Image") == "C:/a.exe");
  CHECK(get("CommandLine") == "x y");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: without a copy an event views the bytes it was read from") {
  normalize::Normalizer viewing{
      sigma::Taxonomy::built_in(), fields(), {.decode = false, .copy = false}};
  const std::string json(R"({"Image":"C:/a.exe"})");
  REQUIRE(viewing.normalize(json, event));
  CHECK(event.json.data() == json.data());
  CHECK(get("Image") == "C:/a.exe");
}

TEST_CASE_FIXTURE(Fixture, "normalizer: names that are too long are nobody's field") {
  std::string json = "{";
  const std::string key(3'000, 'k');
  for (int depth = 0; depth < 50; ++depth) json += '"' + key + "\":{";
  json += "\"Image\":\"deep\"" + std::string(50, '}') + ",\"Image\":\"C:/a.exe\"}";
  REQUIRE(run(json));
  CHECK(get("Image") == "C:/a.exe");
}

TEST_CASE("json text: escapes") {
  Arena arena;
  CHECK(unescape(R"(plain)", arena) == "plain");
  CHECK(unescape(R"(\"\\\/\b\f\n\r\t)", arena) == "\"\\/\b\f\n\r\t");
  CHECK(unescape(R"(\u00e9\ud83d\ude00)", arena) == "\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(unescape(R"(\udc00x\ud800)", arena) == "\xEF\xBF\xBDx\xEF\xBF\xBD");
  CHECK(unescape("\\\xC3\xA9x", arena) == "\xEF\xBF\xBDx");
  CHECK(unescape(R"(\q\u12)", arena) ==
        "\xEF\xBF\xBD\xEF\xBF\xBD"
        "12");
}
