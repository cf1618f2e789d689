// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "stages/produce/files/document_source.h"
#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

struct Case {
  std::string_view name;
  std::string bytes;
  Texts want;
  Texts codes = {};
};

TEST_CASE("documents: each value comes out byte for byte with the line it starts at") {
  const Case cases[] = {
      {"one pretty object", "{\n  \"a\": 1\n}\n", {"1:{\n  \"a\": 1\n}"}},
      {"pretty objects in a row",
       "{\n \"a\": 1\n}\n\n{\n \"a\": 2\n}",
       {"1:{\n \"a\": 1\n}", "5:{\n \"a\": 2\n}"}},
      {"objects on one line",
       "{\"a\":1}{\"a\":2} {\"a\":3}\n",
       {"1:{\"a\":1}", "1:{\"a\":2}", "1:{\"a\":3}"}},
      {"an array", "[\n{\"a\":1},\n  {\"a\":\n2}\n]\n", {"2:{\"a\":1}", "3:{\"a\":\n2}"}},
      {"an array on one line",
       "[{\"a\":1},{\"a\":[1,{\"b\":2}]}]",
       {"1:{\"a\":1}", "1:{\"a\":[1,{\"b\":2}]}"}},
      {"an empty array", "[]", {}},
      {"arrays in a row", "[{\"a\":1}]\n[{\"a\":2}]", {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"JSON lines in fact", "{\"a\":1}\n{\"a\":2}\n", {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"JSON lines, then half a line", "{\"a\":1}\n{\"a\":", {"1:{\"a\":1}", "2:{\"a\":"}},
      {"brackets in strings", "{\n\"a\": \"}{][\\\"}\"\n}", {"1:{\n\"a\": \"}{][\\\"}\"\n}"}},
      {"CloudTrail", "{\"Records\":[{\"a\":1},{\"a\":2}]}", {"1:{\"a\":1}", "1:{\"a\":2}"}},
      {"CloudTrail, pretty",
       "{\n \"Records\" : [\n  {\"a\":1},\n  {\"a\":2}\n ],\n \"x\": {\"y\": []}\n}\n",
       {"3:{\"a\":1}", "4:{\"a\":2}"}},
      {"wrappers in a row",
       "{\"records\":[{\"a\":1}],\"n\":\"]}\"}\n{\"records\":[]}\n{\"b\":1}",
       {"1:{\"a\":1}", "3:{\"b\":1}"}},
      {"Records that is no array", "{\"Records\":\n{\"a\":1}}", {"1:{\"Records\":\n{\"a\":1}}"}},
      {"mark and Windows line ends",
       "\xEF\xBB\xBF{\r\n \"a\": 1\r\n}\r\n",
       {"1:{\r\n \"a\": 1\r\n}"}},
      {"text sequence", "\x1e{\n\"a\":1}\n\x1e{\"a\":2}\n", {"1:{\n\"a\":1}", "3:{\"a\":2}"}, {}},
      {"garbage", "hello\nworld\n", {}, {"json.invalid"}},
      {"garbage, then an object", "hello\n{\n\"a\":1}\n", {"2:{\n\"a\":1}"}, {"json.invalid"}},
      {"brackets that do not pair",
       "{\n\"a\": [1, 2}\n}\n{\n\"b\":1}\n",
       {"4:{\n\"b\":1}"},
       {"json.invalid"}},
      {"a cut first line",
       "{\"a\":\"unfinished\n{\"b\":1}\n{\"c\":1}\n",
       {"2:{\"b\":1}", "3:{\"c\":1}"},
       {"json.invalid"}},
      {"a cut line without string", "{\"a\":1\n{\"b\":1}\n", {"2:{\"b\":1}"}, {"json.invalid"}},
      {"a cut first line that ends inside an array",
       "{\"a\":{\"b\":[\n{\"b\":1}\n{\"c\":1}\n",
       {"2:{\"b\":1}", "3:{\"c\":1}"},
       {"json.invalid"}},
      {"a cut line before the last",
       "{\"a\":{\"b\":[\n{\"b\":1}\n",
       {"2:{\"b\":1}"},
       {"json.truncated"}},
      {"commas between objects",
       "{\"a\":1},{\"a\":2},\n{\"a\":3},\n",
       {"1:{\"a\":1}", "1:{\"a\":2}", "2:{\"a\":3}"}},
      {"text behind an object",
       "{\"a\":1}garbage\n{\"a\":2}\n",
       {"1:{\"a\":1}", "2:{\"a\":2}"},
       {"json.invalid"}},
      {"cut in the middle", "{\n \"a\": {\"b\": 1", {}, {"json.truncated"}},
      {"array cut", "[{\"a\":1},\n", {"1:{\"a\":1}"}, {"json.truncated"}},
      {"array cut inside a value",
       "[{\"a\":1},{\"a\"",
       {"1:{\"a\":1}"},
       {"json.truncated", "json.truncated"}},
      {"array of numbers and an object",
       "[[1,2],\n3,4,{\"a\":1}]",
       {"1:[1,2]", "2:{\"a\":1}"},
       {"json.invalid"}},
  };
  const Scratch scratch;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Everything all = read_all({scratch.write("x.json", c.bytes)});
    CHECK(all.numbered() == c.want);
    CHECK(all.codes() == c.codes);
    for (const Problem& problem : all.problems) CHECK_FALSE(problem.skipped_only);
  }
}

TEST_CASE("documents: no byte of broken input is lost: it is in an event or in a problem") {
  const std::string bytes = "{\n\"a\": [1, 2}\n}\nrubbish\n{\"b\":1}\nmore {\n\"\n";
  const Scratch scratch;
  const Everything all = read_all({scratch.write("x.json", bytes)});
  std::string seen;
  for (const Problem& problem : all.problems) seen += problem.bytes;
  CHECK(all.texts() == Texts{"{\"b\":1}"});
  for (const std::string_view part : {"{\n\"a\": [1, 2}\n}\nrubbish\n", "more {\n\"\n"})
    CHECK(seen.find(part) != std::string::npos);
}

TEST_CASE("documents: a problem names the byte where the value stops being JSON") {
  const Scratch scratch;
  const Everything all = read_all({scratch.write("x.json", "{\n\"a\":1}\n{\n\"a\": [1, 2}\n")});
  REQUIRE(all.codes() == Texts{"json.invalid"});
  CHECK(all.problems[0].byte_offset == 21);
  CHECK(all.problems[0].origin.line == 3);
  CHECK(all.problems[0].message.find("x.json:3") != std::string::npos);
}

TEST_CASE(
    "documents: values beyond any buffer stream through, those beyond the limit are left out") {
  std::string bytes = "[";
  for (int i = 0; i < 40; ++i)
    bytes += fmt::format("{}{{\n\"n\":{},\"x\":\"{}\"}}", i == 0 ? "" : ",\n", i,
                         std::string(i == 20 ? 3'000'000 : 150'000, 'x'));
  bytes += "]\n";
  const Scratch scratch;
  const std::string path = scratch.write("x.json", bytes);
  CHECK(read_all({path}).events.size() == 40);
  const Everything limited = read_all({path}, {.line_bytes_max = 1'000'000});
  CHECK(limited.events.size() == 39);
  REQUIRE(limited.codes() == Texts{"line.too_long"});
  CHECK(limited.problems[0].bytes.size() == (64u << 10));
}

TEST_CASE("documents: a line of several objects gives those that are whole") {
  struct Line {
    std::string_view text;
    Texts want;
    bool damaged;
  };
  const Line lines[] = {
      {"{\"a\":1}", {"{\"a\":1}"}, false},
      {"{\"a\":1}{\"b\":{\"c\":[2]}} {\"d\":3}",
       {"{\"a\":1}", "{\"b\":{\"c\":[2]}}", "{\"d\":3}"},
       false},
      {"{\"a\":1}, {\"b\":2},", {"{\"a\":1}", "{\"b\":2}"}, false},
      {"[{\"a\":1},{\"b\":2}]", {"{\"a\":1}", "{\"b\":2}"}, false},
      {"{\"a\":1}garbage", {"{\"a\":1}"}, true},
      {"{\"a\":1}{\"b\":", {"{\"a\":1}"}, true},
      {"{\"a\":", {}, true},
      {"Jan 5 sshd: {\"a\":1}", {}, false},
      {"", {}, false},
  };
  for (const Line& line : lines) {
    CAPTURE(line.text);
    const LineValues got = values_of_line(line.text);
    CHECK(got.values == line.want);
    CHECK(got.damaged == line.damaged);
  }
}

TEST_CASE("documents: lines that take those behind them for a part are not each read to the end") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "{\"a\":[\n{\"b\":1}\n,\n";
  const Scratch scratch;
  const Everything all = read_all({scratch.write("x.json", text)});
  CHECK(all.problems.size() >= 1);
  CHECK(all.problems.size() < 1'000);  // else the whole of it was read a hundred thousand times
}

TEST_CASE("documents: deep nesting is a problem, not a crash") {
  const Scratch scratch;
  const Everything all =
      read_all({scratch.write("x.json", std::string(2'000'000, '[') + "\n{\"a\":1}\n")});
  CHECK(all.problems.size() >= 1);
}

}  // namespace
}  // namespace tocsin::produce
