// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "evtx_builder.h"
#include "read_all.h"

namespace tocsin::produce::evtx::test {
namespace {

using namespace std::string_literals;
using Body = std::function<void(ChunkBuilder&)>;

// The JSON of a file with this one record.
std::string json_of(const Body& body) {
  ChunkBuilder chunk;
  chunk.record(1, body);
  const Outcome outcome = read_bytes(build_file({chunk.build()}));
  for (const Problem& problem : outcome.problems) MESSAGE(problem.message);
  REQUIRE(outcome.events.size() == 1);
  return outcome.events[0].json;
}

struct Case {
  std::string_view name;
  Body body;  // children of <E>
  std::string_view want;
};

// Without templates: what an element becomes.
const Case kElements[] = {
    {"empty element", [](ChunkBuilder& b) { b.open("A").close_empty(); }, R"({"A":null})"},
    {"element with empty content", [](ChunkBuilder& b) { b.open("A").close_start().end(); },
     R"({"A":null})"},
    {"text", [](ChunkBuilder& b) { b.open("A").close_start().text("x").end(); }, R"({"A":"x"})"},
    {"attribute", [](ChunkBuilder& b) { b.open("A", true).attribute("k").text("v").close_empty(); },
     R"({"A":{"#attributes":{"k":"v"}}})"},
    {"attribute and text",
     [](ChunkBuilder& b) {
       b.open("A", true).attribute("k").text("v").close_start().text("x").end();
     },
     R"({"A":{"#attributes":{"k":"v"},"#text":"x"}})"},
    {"attribute and child",
     [](ChunkBuilder& b) {
       b.open("A", true).attribute("k").text("v").close_start().open("B").close_empty().end();
     },
     R"({"A":{"#attributes":{"k":"v"},"B":null}})"},
    {"text beside a child",
     [](ChunkBuilder& b) { b.open("A").close_start().text("x").open("B").close_empty().end(); },
     R"({"A":{"#text":"x","B":null}})"},
    {"a name that comes back is numbered",
     [](ChunkBuilder& b) {
       for (const char* text : {"1", "2", "3"}) b.open("H").close_start().text(text).end();
     },
     R"({"H":"1","H_1":"2","H_2":"3"})"},
    {"named data",
     [](ChunkBuilder& b) {
       b.open("Data", true).attribute("Name").text("k").close_start().text("v").end();
     },
     R"({"k":"v"})"},
    {"named data of one name side by side are an array",
     [](ChunkBuilder& b) {
       for (const char* text : {"1", "2"})
         b.open("Data", true).attribute("Name").text("k").close_start().text(text).end();
     },
     R"({"k":["1","2"]})"},
    {"named data of one name apart are numbered",
     [](ChunkBuilder& b) {
       for (const char* key : {"k", "j", "k"})
         b.open("Data", true).attribute("Name").text(key).close_start().text("v").end();
     },
     R"({"k":"v","j":"v","k_1":"v"})"},
    {"unnamed data", [](ChunkBuilder& b) { b.open("Data").close_start().text("v").end(); },
     R"({"Data":{"#text":"v"}})"},
    {"several unnamed data, then another element",
     [](ChunkBuilder& b) {
       b.open("Data").close_start().text("1").end().open("Data").close_start().text("2").end();
       b.open("Binary").close_start().text("00").end();
     },
     R"({"Data":{"#text":["1","2"]},"Binary":"00"})"},
    {"unnamed data without content",
     [](ChunkBuilder& b) { b.open("Data").close_start().end().open("Data").close_empty(); },
     R"({"Data":{"#text":null}})"},
    {"cdata",
     [](ChunkBuilder& b) { b.open("A").close_start().u8(0x07).u16(3).raw(wide("<&>")).end(); },
     R"({"A":"<&>"})"},
    {"character reference",
     [](ChunkBuilder& b) { b.open("A").close_start().text("x").u8(0x08).u16(0x20AC).end(); },
     "{\"A\":\"x\xE2\x82\xAC\"}"},
    {"entity references",
     [](ChunkBuilder& b) {
       b.open("A").close_start();
       for (const char* entity : {"amp", "lt", "gt", "quot", "apos", "other"})
         b.u8(0x09).name(entity);
       b.end();
     },
     R"({"A":"&<>\"'&other;"})"},
    {"processing instruction is not data",
     [](ChunkBuilder& b) {
       b.u8(0x0A).name("pi").u8(0x0B).u16(2).raw(wide("zz")).open("A").close_empty();
     },
     R"({"A":null})"},
    {"escaped names", [](ChunkBuilder& b) { b.open("a\"b").close_empty(); }, R"({"a\"b":null})"},
};

}  // namespace

TEST_CASE("evtx: elements without a template") {
  for (const Case& c : kElements) {
    CAPTURE(c.name);
    const std::string json = json_of([&](ChunkBuilder& record) {
      record.fragment().open("E").close_start();
      c.body(record);
      record.end().end_of_stream();
    });
    CHECK(json == "{\"E\":" + std::string(c.want) + "}");
  }
}

TEST_CASE("evtx: an element may lack the dependency id where it should have one") {
  CHECK(json_of([](ChunkBuilder& b) {
          b.fragment().open("E", false, false).close_start().open("A", false, false).close_empty();
          b.end().end_of_stream();
        }) == R"({"E":{"A":null}})");
}

TEST_CASE("evtx: a definition serves all the records of its chunk, with values of any type") {
  ChunkBuilder chunk;
  chunk.record(1, [](ChunkBuilder& record) {
    record.fragment().instance(
        [](ChunkBuilder& form) {
          form.open("Event").close_start().open("EventData").close_start();
          form.named_data("A", 0).named_data("B", 1).end().end();
        },
        {text_value("one"), {0x08, little_endian(7u)}});
  });
  chunk.record(2, [](ChunkBuilder& record) {
    record.fragment().instance_again({{0x00, ""}, text_value("two")});
  });
  chunk.record(3, [](ChunkBuilder& record) { record.fragment().instance_again({}); });
  const Outcome outcome = read_bytes(build_file({chunk.build()}));
  REQUIRE(outcome.events.size() == 3);
  CHECK(outcome.events[0].json == R"({"Event":{"EventData":{"A":"one","B":7}}})");
  CHECK(outcome.events[1].json == R"({"Event":{"EventData":{"A":null,"B":"two"}}})");
  CHECK(outcome.events[2].json == R"({"Event":{"EventData":{"A":null,"B":null}}})");
  CHECK(outcome.events[1].origin.record_id == 2);
  CHECK(outcome.events[1].origin.path == "test.evtx");
}

TEST_CASE("evtx: the record id is the event's own, else the one in the record's header") {
  ChunkBuilder chunk;
  chunk.record(1, [](ChunkBuilder& record) {
    record.fragment().instance(
        [](ChunkBuilder& form) {
          form.open("Event").close_start().open("System").close_start();
          form.slot_element("EventRecordID", 0).end().end();
        },
        {{0x0A, little_endian(std::uint64_t{2362764})}});
  });
  chunk.record(2, [](ChunkBuilder& record) { record.fragment().instance_again({{0x00, ""}}); });
  add_simple_record(chunk, 3);
  CHECK(read_bytes(build_file({chunk.build()})).ids() == std::vector<std::uint64_t>{2362764, 2, 3});
}

TEST_CASE("evtx: elements whose attributes are all null are null") {
  CHECK(json_of([](ChunkBuilder& b) {
          b.fragment().instance(
              [](ChunkBuilder& form) {
                form.open("Event").close_start();
                form.open("Security", true).attribute("UserID").slot(0, true).close_empty();
                form.open("EventID", true).attribute("Qualifiers").slot(0, true);
                form.close_start().slot(1).end().end();
              },
              {{0x00, ""}, {0x06, little_endian(std::uint16_t{4624})}});
        }) == R"({"Event":{"Security":null,"EventID":4624}})");
}

TEST_CASE("evtx: unnamed data take arrays apart and skip nulls") {
  const Body form = [](ChunkBuilder& b) {
    b.open("Event").close_start().open("EventData").close_start();
    b.slot_element("Data", 0).slot_element("Data", 1).end().end();
  };
  struct Data {
    std::string_view name;
    TestValue first, second;
    std::string_view want;
  };
  const Data cases[] = {
      {"two texts", text_value("a"), text_value("b"), R"(["a","b"])"},
      {"null and text", {0x00, ""}, text_value("b"), R"("b")"},
      {"both null", {0x00, ""}, {0x00, ""}, "null"},
      {"array and null", {0x81, wide("a\0b\0"s)}, {0x00, ""}, R"(["a","b"])"},
      {"array and text", {0x81, wide("a\0b\0"s)}, text_value("c"), R"(["a","b","c"])"},
      {"empty array and text", {0x81, ""}, text_value("c"), R"(["c"])"},
  };
  for (const Data& c : cases) {
    CAPTURE(c.name);
    CHECK(json_of([&](ChunkBuilder& b) { b.fragment().instance(form, {c.first, c.second}); }) ==
          R"({"Event":{"EventData":{"Data":{"#text":)" + std::string(c.want) + "}}}}");
  }
}

TEST_CASE("evtx: a Data element's name may be a value") {
  CHECK(
      json_of([](ChunkBuilder& b) {
        b.fragment().instance(
            [](ChunkBuilder& form) {
              form.open("Event").close_start();
              for (const unsigned name : {0u, 0u, 1u})
                form.open("Data", true).attribute("Name").slot(name).close_start().text("v").end();
              form.end();
            },
            {text_value("k"), text_value("j")});
      }) == R"({"Event":{"k":"v","k_1":"v","j":"v"}})");
}

TEST_CASE("evtx: values may be BinXML, with or without a template of their own") {
  // The nested BinXML names its parts by offset in the chunk, so it is written where it will stand.
  ChunkBuilder chunk;
  chunk.record(1, [](ChunkBuilder& record) {
    record.fragment().instance(
        [](ChunkBuilder& form) {
          form.open("Event").close_start().open("A").close_start().slot(0).end();
          form.slot(1).end();
        },
        {{0x21, ""}, {0x21, ""}});
    // Replaces the two empty values: size fields first, then the values at their places.
    const std::size_t descriptors = record.position() - 8;
    const std::size_t first = record.position();
    record.fragment().open("Plain", true, false).attribute("k").text("v").close_empty();
    record.end_of_stream();
    const std::size_t second = record.position();
    record.fragment().instance(
        [](ChunkBuilder& form) {
          form.open("UserData").close_start().slot(0).text("!").slot(0).end();
        },
        {text_value("in")});
    patch(record.bytes(), descriptors, static_cast<std::uint16_t>(second - first));
    patch(record.bytes(), descriptors + 4, static_cast<std::uint16_t>(record.position() - second));
  });
  const Outcome outcome = read_bytes(build_file({chunk.build()}));
  REQUIRE(outcome.problems.empty());
  REQUIRE(outcome.events.size() == 1);
  CHECK(outcome.events[0].json ==
        R"({"Event":{"A":{"Plain":{"#attributes":{"k":"v"}}},"UserData":"in!in"}})");
}

TEST_CASE("evtx: a template instance may stand inside a definition") {
  CHECK(json_of([](ChunkBuilder& b) {
          b.fragment().instance(
              [](ChunkBuilder& form) {
                form.open("Event").close_start();
                form.instance([](ChunkBuilder& inner) { inner.slot_element("B", 0); },
                              {text_value("x")});
                form.end();
              },
              {});
        }) == R"({"Event":{"B":"x"}})");
}

TEST_CASE("evtx: a record full of one element is still a record") {
  constexpr int kCount = 3000;
  const std::string json = json_of([](ChunkBuilder& b) {
    b.fragment().open("E").close_start();
    for (int i = 0; i < kCount; ++i) b.open("A").close_empty();
    b.end().end_of_stream();
  });
  CHECK(json.find("{\"E\":{\"A\":null,\"A_1\":null,") == 0);
  CHECK(json.find("\"A_" + std::to_string(kCount - 1) + "\":null}}") != std::string::npos);
}

TEST_CASE("evtx: what grows without end is refused, and the next record is not") {
  ChunkBuilder chunk;
  chunk.record(1, [](ChunkBuilder& record) {
    record.fragment().instance(
        [](ChunkBuilder& form) {
          form.open("Event").close_start();
          for (int i = 0; i < 1000; ++i) form.slot_element("A", 0);
          form.end();
        },
        {text_value(std::string(20000, 'x'))});  // 20 MB of output from 60 kB
  });
  add_simple_record(chunk, 2);
  const Outcome outcome = read_bytes(build_file({chunk.build()}));
  REQUIRE(outcome.problems.size() == 1);
  CHECK(outcome.problems[0].code == "evtx.bad_record");
  CHECK(outcome.ids() == std::vector<std::uint64_t>{2});
}

TEST_CASE("evtx: deep nesting and definitions that hold themselves are refused") {
  struct Deep {
    std::string_view name;
    Body body;
  };
  const Deep cases[] = {
      {"elements",
       [](ChunkBuilder& b) {
         b.fragment();
         for (int i = 0; i < 500; ++i) b.open("A").close_start();
       }},
      {"a definition that holds itself",
       [](ChunkBuilder& b) {
         const std::size_t definition = b.position() + 4 + 10;
         b.fragment().instance(
             [&](ChunkBuilder& form) {
               form.open("E").close_start().instance_of(definition, {}).end();
             },
             {});
       }},
  };
  for (const Deep& c : cases) {
    CAPTURE(c.name);
    ChunkBuilder chunk;
    chunk.record(1, c.body);
    add_simple_record(chunk, 2);
    const Outcome outcome = read_bytes(build_file({chunk.build()}));
    REQUIRE(outcome.problems.size() == 1);
    CHECK(outcome.problems[0].code == "evtx.bad_record");
    CHECK(outcome.ids() == std::vector<std::uint64_t>{2});
  }
}

}  // namespace tocsin::produce::evtx::test
