// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/message_lines.h"

#include <doctest/doctest.h>

#include <vector>

namespace tocsin::cli {
namespace {

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

bus::Message message(std::string_view key, std::string_view value, const Headers& headers) {
  return {.topic = "t",
          .partition = 2,
          .offset = 41,
          .timestamp_ms = 1'700'000'000'123,
          .key = key,
          .value = value,
          .headers = headers};
}

TEST_CASE("message lines: one JSON object a line, the value as what it is") {
  struct Case {
    std::string_view name;
    std::string_view key;
    std::string_view value;
    Headers headers;
    std::string_view want;  // behind the time stamp
  };
  const Case cases[] = {
      {"object", "h", R"({"a":1})", {}, R"("key":"h","headers":{},"value":{"a":1}})"},
      {"pretty JSON",
       "h",
       "{\n  \"a\": [1, 2]\n}",
       {},
       R"("key":"h","headers":{},"value":{"a":[1,2]}})"},
      {"text", "h", "not {json", {}, R"("key":"h","headers":{},"value":"not {json"})"},
      {"text with a line break", "h", "a\nb", {}, R"("key":"h","headers":{},"value":"a\nb"})"},
      {"empty", "", "", {}, R"("key":"","headers":{},"value":""})"},
      {"binary",
       "\xff",
       "\xff\xfe",
       {},
       R"("key_base64":"/w==","headers":{},"value_base64":"//4="})"},
      {"JSON with bad UTF-8",
       "h",
       "{\"a\":\"\xff\"}",
       {},
       R"("key":"h","headers":{},"value_base64":"eyJhIjoi/yJ9"})"},
      {"headers, the last of a name",
       "h",
       "1",
       {{"a", "x"}, {"b", "\xff"}, {"a", "y"}},
       R"("key":"h","headers":{"a":"y","b_base64":"/w=="},"value":1})"},
  };
  MessageLines lines;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string out;
    lines.append(out, message(c.key, c.value, c.headers));
    CHECK(out ==
          R"({"topic":"t","partition":2,"offset":41,"timestamp":"2023-11-14T22:13:20.123Z",)" +
              std::string(c.want) + "\n");
  }
}

TEST_CASE("message filter: text in the value, a header or the key that is the text") {
  const Headers headers = {{"source", "evtx"}, {"event_id", "e=1"}};
  const bus::Message m = message("host1", R"({"cmd":"x a=b"})", headers);
  struct Case {
    std::string_view filter;
    bool want;
  };
  constexpr Case kCases[] = {{"", true},
                             {"cmd", true},
                             {"absent", false},
                             {"source=evtx", true},
                             {"source=evt", false},
                             {"event_id=e=1", true},
                             {"key=host1", true},
                             {"key=host", false},
                             {"a=b", true},
                             {"=b", true},
                             {"other=evtx", false}};
  for (const Case& c : kCases) {
    CAPTURE(c.filter);
    CHECK(MessageFilter(std::string(c.filter)).passes(m) == c.want);
  }
}

TEST_CASE("--from: words, offsets, tails and times") {
  using Kind = bus::ReadFrom::Kind;
  struct Case {
    std::string text;
    Kind kind;
    std::int64_t value;
  };
  const Case cases[] = {
      {"earliest", Kind::kEarliest, 0}, {"latest", Kind::kLatest, 0},
      {"1200", Kind::kOffset, 1200},    {"0", Kind::kOffset, 0},
      {"-20", Kind::kTail, 20},         {"2023-11-14T22:13:20Z", Kind::kTime, 1'700'000'000'000}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto from = parse_read_from(c.text);
    REQUIRE(from);
    CHECK(from->kind == c.kind);
    CHECK(from->value == c.value);
  }
  for (const char* text : {"", "soon", "12x", "--5", "2023-13-01"}) {
    CAPTURE(text);
    const auto from = parse_read_from(text);
    REQUIRE(!from);
    CHECK(from.error().code == ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace tocsin::cli
