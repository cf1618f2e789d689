// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

std::string utf16(std::string_view ascii, bool big_endian, bool mark) {
  std::string out = !mark ? "" : big_endian ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : ascii) {
    if (big_endian) out += '\0';
    out += c;
    if (!big_endian) out += '\0';
  }
  return out;
}

struct Case {
  std::string name;
  std::string bytes;
  Texts want;
};

TEST_CASE("lines: every line that is not blank is an event with its number") {
  using namespace std::string_literals;
  const Case cases[] = {
      {"plain", "{\"a\":1}\n{\"a\":2}\n", {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"no last newline", "{\"a\":1}\n{\"a\":2}", {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"windows line ends", "{\"a\":1}\r\n{\"a\":2}\r\n", {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"blank lines", "\n\n{\"a\":1}\n \t\r\n{\"a\":2}\n\n", {"3:{\"a\":1}", "5:{\"a\":2}"}},
      {"blanks around", "  {\"a\":1}\t \n", {"1:{\"a\":1}\t "}},
      {"byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", {"1:{\"a\":1}"}},
      {"only a mark", "\xEF\xBB\xBF", {}},
      {"not JSON", "{\"a\":1}\nhello\n{\"b\"\n", {"1:{\"a\":1}", "2:hello", "3:{\"b\""}},
      {"invalid UTF-8 stays", "{\"a\":\"\xFF\xC0\"}\n", {"1:{\"a\":\"\xFF\xC0\"}"}},
      {"zero byte inside stays", "{\"a\":\"\0\"}\n"s, {"1:{\"a\":\"\0\"}"s}},
      {"zero bytes before", "{\"a\":1}\n\0\0\0{\"a\":2}\n"s, {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"UTF-16 LE",
       utf16("{\"a\":1}\r\n{\"a\":2}\r\n", false, true),
       {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"UTF-16 BE", utf16("{\"a\":1}\n{\"a\":2}", true, true), {"1:{\"a\":1}", "2:{\"a\":2}"}},
      {"UTF-16 LE, no mark", utf16("{\"a\":1}\n", false, false), {"1:{\"a\":1}"}},
  };
  const Scratch scratch;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Everything all = read_all({scratch.write("x.jsonl", c.bytes)});
    CHECK(all.numbered() == c.want);
    CHECK(all.codes().empty());
  }
}

TEST_CASE("lines: a surrogate pair on the edge of a buffer stays whole") {
  // U+1F600 in UTF-16 LE, behind an odd number of units, repeated beyond any buffer.
  std::string bytes = utf16("{\"a\":\"", false, true);
  for (int i = 0; i < 400'000; ++i) bytes += std::string_view("\x3D\xD8\x00\xDE", 4);
  bytes += utf16("\"}\n", false, false);
  const Scratch scratch;
  const Everything all = read_all({scratch.write("x.jsonl", bytes)});
  REQUIRE(all.events.size() == 1);
  std::string want = "{\"a\":\"";
  for (int i = 0; i < 400'000; ++i) want += "\xF0\x9F\x98\x80";
  want += "\"}";
  CHECK(all.events[0].json == want);
}

TEST_CASE("lines: a line beyond the limit is a problem and the next ones are read") {
  const std::string bytes =
      "{\"a\":1}\n{\"b\":\"" + std::string(3'000'000, 'x') + "\"}\n{\"c\":3}\n";
  const Scratch scratch;
  const std::string path = scratch.write("x.jsonl", bytes);
  for (const std::size_t limit : {std::size_t{100}, std::size_t{100'000}, std::size_t{2'900'000}}) {
    CAPTURE(limit);
    const Everything all = read_all({path}, {.line_bytes_max = limit});
    CHECK(all.numbered() == Texts{"1:{\"a\":1}", "3:{\"c\":3}"});
    REQUIRE(all.codes() == Texts{"line.too_long"});
    CHECK(all.problems[0].origin.line == 2);
    CHECK(all.problems[0].byte_offset == 8);
    CHECK(all.problems[0].bytes == bytes.substr(8, 64u << 10));
  }
  CHECK(read_all({path}, {.line_bytes_max = 4'000'000}).events.size() == 3);
}

TEST_CASE("lines: a too long last line without newline is one problem") {
  const Scratch scratch;
  const std::string path = scratch.write("x.jsonl", "{}\n" + std::string(5000, 'y'));
  const Everything all = read_all({path}, {.line_bytes_max = 1000});
  CHECK(all.texts() == Texts{"{}"});
  CHECK(all.codes() == Texts{"line.too_long"});
}

TEST_CASE("lines: lines of every length around the buffer's size come out whole") {
  std::string bytes;
  Texts want;
  std::size_t length = 1;
  for (int i = 0; i < 600; ++i, length = (length * 7 + 3) % 40'000 + 1) {
    want.push_back(fmt::format("{{\"n\":{},\"x\":\"{}\"}}", i, std::string(length, 'z')));
    bytes += want.back() + '\n';
  }
  REQUIRE(bytes.size() > (4u << 20));
  const Scratch scratch;
  CHECK(read_all({scratch.write("x.jsonl", bytes)}).texts() == want);
}

}  // namespace
}  // namespace tocsin::produce
