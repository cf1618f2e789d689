// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/language/query.h"

#include <doctest/doctest.h>

#include "search_world.h"
#include "stages/store/search/language/opensearch.h"
#include "stages/store/search/language/terms.h"

using namespace tocsin;
using namespace tocsin::store::search;

namespace {
constexpr UnixNanos kNow = 1'700'000'000'000'000'000;
}

TEST_CASE("query: text to tree") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "(all)"},
      {"  \t ", "(all)"},
      {"mimikatz", "text=mimikatz_"},
      {"Mimi*", "text=*mimi_"},
      {"\"two words\"*", "text=*two_words_"},
      {"a b", "(and text=a_ text=b_)"},
      {"a AND b OR c", "(or (and text=a_ text=b_) text=c_)"},
      {"a (b OR c)", "(and text=a_ (or text=b_ text=c_))"},
      {"a(b)", "(and text=a_ text=b_)"},
      {"NOT a -b", "(and (not text=a_) (not text=b_))"},
      {"NOT NOT a", "(not (not text=a_))"},
      {"ORDER ANDROID NOTE", "(and text=order_ text=android_ text=note_)"},
      {"and or", "(and text=and_ text=or_)"},
      {"host:WS1", "host=ws1"},
      {"HOST:ws1*", "host=*ws1"},
      {"user:\"CORP\\ann\"", "user=corp\\ann"},
      {"user:\"a \\\"b\\\" c\"", "user=a \"b\" c"},
      {"level:>=High", "level>=high"},
      {"level:low", "level=low"},
      {"tactic:\"Credential Access\"", "tactic=credential-access"},
      {"class:credential_access", "class=credential-access"},
      {"status:in-progress", "status=in_progress"},
      {"assignee:\"\"", "assignee="},
      {"time:>-1h", "time>1699996400000000000"},
      {"time:<=2023-11-14T22:13:20Z", "time<=1700000000000000000"},
      {"C:\\Windows\\cmd.exe", "text=c_windows_cmd_exe_"},
      {"http://x.y", "text=http_x_y_"},
      {"\"hots:ws1\"", "text=hots_ws1_"},
      {"ÄPFEL", "text=äpfel_"},
  };
  for (const auto& [text, want] : cases) {
    CAPTURE(text);
    const auto query = parse_query(text, kNow);
    REQUIRE_MESSAGE(query.has_value(), (query ? "" : query.error().message));
    CHECK(test::text_of(*query) == want);
  }
}

TEST_CASE("query: what is wrong is said with its place") {
  struct Case {
    std::string text;
    std::size_t position;
    const char* says;
  };
  const Case cases[] = {
      {"host:", 5, "expected a value after 'host:'"},
      {"a host: AND b", 7, "expected a value"},
      {"hots:ws1", 0, "unknown field 'hots'; known: host, user"},
      {"a AND", 5, "expected a word"},
      {"a OR OR b", 5, "expected a word"},
      {"AND a", 0, "expected a word"},
      {"NOT", 3, "expected a word"},
      {"a (b OR c", 2, "never closed"},
      {"a) b", 1, "nothing was opened"},
      {"()", 1, "expected a word"},
      {"\"abc", 0, "never closed"},
      {"\"a\"b", 3, "expected a blank"},
      {"a*b", 1, "at the end only"},
      {"*", 0, "expected something before '*'"},
      {"host:*", 5, "expected something before '*'"},
      {"level:severe", 6, "is no level"},
      {"level:hi*", 8, "'*' is not possible with 'level'"},
      {"host:>a", 5, "only level and time"},
      {"time:2020-01-01", 5, "expected <, <=, > or >="},
      {"time:>soon", 6, "is no time"},
      {"status:open", 7, "is no status"},
      {"event_id:12", 9, "is no id"},
      {"host:\"\"", 5, "a value of 'host' is expected"},
      {"x --", 3, "a word to search for"},
      {std::string(9'000, 'a'), 8'192, "longer than"},
      {std::string(60, '(') + "a" + std::string(60, ')'), 13, "nested too deeply"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto query = parse_query(c.text, kNow);
    REQUIRE_FALSE(query.has_value());
    CHECK(query.error().position == c.position);
    CAPTURE(query.error().message);
    CHECK(query.error().message.find(c.says) != std::string::npos);
    CHECK(to_error(query.error()).message.find(std::to_string(c.position + 1)) !=
          std::string::npos);
  }
  std::string many;
  for (int i = 0; i < 201; ++i) many += "a ";
  CHECK(parse_query(many, kNow).error().message.find("more than 200") != std::string::npos);
}

TEST_CASE("query: moments") {
  const std::pair<const char*, UnixNanos> cases[] = {{"now", kNow},
                                                     {"-90s", kNow - 90'000'000'000},
                                                     {"15m", kNow - 900'000'000'000},
                                                     {"-7d", kNow - 604'800'000'000'000},
                                                     {"2023-11-14T22:13:20Z", kNow}};
  for (const auto& [text, want] : cases) {
    CAPTURE(text);
    CHECK(parse_moment(text, kNow) == want);
  }
  for (const char* text : {"", "-", "h", "5", "5w", "-5", "99999999d", "x5m", "yesterday"})
    CHECK_FALSE(parse_moment(text, kNow).has_value());
}

TEST_CASE("query: words and tags") {
  CHECK(words("C:\\Windows\\cmd.exe -Enc") ==
        std::vector<std::string>{"c", "windows", "cmd", "exe", "enc"});
  CHECK(words("é É --").size() == 2);
  CHECK(words(std::string(500, 'x')).front().size() == kWordBytes);
  CHECK(words("\xEE\x80\x80h").size() == 1);  // the mark of a tag is no letter of a text
  CHECK(words("\xEE\x80\x80h").front() == "h");
  CHECK(tag(Tag::kHost, "A.b") == tag(Tag::kHost, "a.B"));
  CHECK(tag(Tag::kHost, "a.b") != tag(Tag::kHost, "a-b"));
  CHECK(tag(Tag::kHost, "a") != tag(Tag::kUser, "a"));
  CHECK(words(tag(Tag::kHost, "a.b")).size() == 2);  // so no text can pose as a tag
}

TEST_CASE("query: as OpenSearch's query DSL") {
  const std::pair<const char*, const char*> cases[] = {
      {"", R"({"match_all":{}})"},
      {"tactic:execution",
       R"({"bool":{"filter":[{"term":{"threat.tactic":{"value":"execution","case_insensitive":true}}}]}})"},
      {"host:ws1*",
       R"({"bool":{"filter":[{"prefix":{"host.name":{"value":"ws1","case_insensitive":true}}}]}})"},
      {"-code:1",
       R"({"bool":{"filter":[{"bool":{"must_not":[{"term":{"event.code":{"value":"1","case_insensitive":true}}}]}}]}})"},
      {"level:>=high", R"({"bool":{"filter":[{"terms":{"rule.level":["high","critical"]}}]}})"},
      {"a.b*",
       R"({"bool":{"filter":[{"multi_match":{"query":"a b","type":"phrase_prefix","fields":["rule.name.text","host.name.text","user.name.text","tocsin.matched_fields.value.text"]}}]}})"},
      {"time:<2023-11-14T22:13:20Z",
       R"({"bool":{"filter":[{"range":{"@timestamp":{"lt":"2023-11-14T22:13:20.000000000Z"}}}]}})"},
      {"code:1 OR code:2",
       R"({"bool":{"filter":[{"bool":{"should":[{"term":{"event.code":{"value":"1","case_insensitive":true}}},{"term":{"event.code":{"value":"2","case_insensitive":true}}}],"minimum_should_match":1}}]}})"},
      {"event_id:00112233-4455-6677-8899-aabbccddeeff",
       R"({"bool":{"filter":[{"term":{"event.id":{"value":"00112233-4455-6677-8899-aabbccddeeff","case_insensitive":true}}}]}})"},
  };
  for (const auto& [text, want] : cases) {
    CAPTURE(text);
    CHECK(opensearch_query(*parse_query(text, kNow), {}).value() == want);
  }
  TimeRange range;
  range.from = kNow;
  CHECK(
      opensearch_query({}, range).value() ==
      R"({"bool":{"filter":[{"range":{"@timestamp":{"gte":"2023-11-14T22:13:20.000000000Z"}}}]}})");
  for (const char* text : {"status:new", "a OR (b assignee:x)"})
    CHECK(opensearch_query(*parse_query(text, kNow), {}).error().code == ErrorCode::kUnsupported);
}
