// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/identity.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "core/event/event_id.h"

namespace tocsin::produce {
namespace {

struct Case {
  std::string_view name;
  std::string json;
  std::string want;  // computer|channel|record|time|event id
};

TEST_CASE("identity: what each shape says of itself") {
  const Case cases[] = {
      {"evtx_dump",
       R"({"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"Computer"}},
       "EventID":1,"TimeCreated":{"#attributes":{"SystemTime":"2026-03-02T07:30:00.1Z"}},
       "EventRecordID":77,"Channel":"Security","Computer":"dc1.corp"},"EventData":{"Computer":"no"}}})",
       "dc1.corp|Security|77|2026-03-02T07:30:00.1Z|"},
      {"winlogbeat",
       R"({"@timestamp":"2026-03-02T07:30:00Z","event":{"code":"1","id":"abc"},"winlog":{"channel":"System",
       "record_id":"12","computer_name":"ws1","event_data":{"computer_name":"no"}},"host":{"name":"other"}})",
       "ws1|System|12|2026-03-02T07:30:00Z|abc"},
      {"NXLog",
       R"({"EventTime":"2020-05-01 22:56:47","@timestamp":"t","Hostname":"ws2","Channel":"Sysmon",
       "RecordNumber":657412 ,"host":"wec.internal"})",
       "ws2|Sysmon|657412|2020-05-01 22:56:47|"},
      {"only a host", R"({"host":"h1","message":"x"})", "h1||||"},
      {"escapes", R"({"Hostname":"a\u0062\"c"})", "ab\"c||||"},
      {"escapes in names",
       R"({"\u0048ostname":"ws4","Chann\u0065l":"System","Record\u004eumber":9})",
       "ws4|System|9||"},
      {"an array", "[1]", "||||"},
      {"not JSON", "hello", "||||"},
      {"empty", "", "||||"},
      {"broken inside", R"({"Hostname":"ws3","Channel":)", "||||"},
      {"a value that is no text", R"({"Hostname":{"x":1},"Channel":null,"RecordNumber":5})",
       "||5||"},
  };
  IdentityReader reader;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string json = c.json;
    const Identity& id = reader.read(json);
    const std::string got =
        fmt::format("{}|{}|{}|{}|{}", id.computer, id.channel, id.record_id, id.time, id.event_id);
    if (c.name == "broken inside")  // as much as the parser saw, and no crash
      CHECK((got == "ws3||||" || got == c.want));
    else
      CHECK(got == c.want);
    CHECK(json == c.json);
  }
}

TEST_CASE("event ids: the same event has the same id, whatever file it comes in") {
  Identity id;
  id.computer = "ws1";
  id.channel = "Security";
  id.record_id = "5";
  id.time = "t";
  RawEvent a{.json = "{}", .origin = {"a.evtx", 0, 5}, .truth = {}};
  RawEvent b{.json = "{} ", .origin = {"b.json", 3, 0}, .truth = {}};
  CHECK(event_id_of(id, a, "/a.evtx") == event_id_of(id, b, "/b.json"));
  id.event_id = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
  CHECK(event_id_of(id, a, "/a").to_string() == id.event_id);
}

TEST_CASE("event ids: what says nothing of itself is told apart by path, line and content") {
  const Identity nobody;
  const RawEvent event{.json = "{\"a\":1}", .origin = {"x", 1, 0}, .truth = {}};
  const Uuid id = event_id_of(nobody, event, "/x");
  CHECK(event_id_of(nobody, event, "/x") == id);
  CHECK(event_id_of(nobody, event, "/y") != id);
  RawEvent other = event;
  other.origin.line = 2;
  CHECK(event_id_of(nobody, other, "/x") != id);
  other = event;
  other.json = "{\"a\":2}";
  CHECK(event_id_of(nobody, other, "/x") != id);
}

}  // namespace
}  // namespace tocsin::produce
