// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <utf8proc.h>

#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "base/bounded_queue.h"
#include "base/bytes/find_bytes.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "base/yaml.h"

using namespace tocsin;

TEST_CASE("uuid: every usual spelling is read, nothing else") {
  const std::string want = "0e95725d-7320-415d-80f7-004da920fc11";
  for (const std::string_view text :
       {"0e95725d-7320-415d-80f7-004da920fc11", "0E95725D-7320-415D-80F7-004DA920FC11",
        "0e95725d7320415d80f7004da920fc11", "{0e95725d-7320-415d-80f7-004da920fc11}",
        "urn:uuid:0e95725d-7320-415d-80f7-004da920fc11"}) {
    CAPTURE(text);
    REQUIRE(Uuid::parse(text));
    CHECK(Uuid::parse(text)->to_string() == want);
  }
  for (const std::string_view text :
       {"", "x", "0e95725d-7320-415d-80f7-004da920fc1", "0e95725d-7320-415d-80f7-004da920fc11x",
        "0e95725d-7320-415d-80f7004da920fc11-", "-e95725d-7320-415d-80f7-004da920fc11", "{}"}) {
    CAPTURE(text);
    CHECK_FALSE(Uuid::parse(text));
  }
}

TEST_CASE("uuid: version 5 of RFC 9562, appendix A.4") {
  const auto dns = *Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  CHECK(Uuid::v5(dns, "www.example.com").to_string() == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST_CASE("uuid: hashed ids are stable, differ, and say version 8") {
  CHECK(Uuid::hashed("a") == Uuid::hashed("a"));
  CHECK(Uuid::hashed("a") != Uuid::hashed("b"));
  CHECK(Uuid::hashed("a").to_string()[14] == '8');
  CHECK(Uuid::random() != Uuid::random());
  CHECK(Uuid{}.is_nil());
}

TEST_CASE("clock: time stamps of logs are read and written") {
  struct Case {
    std::string_view text, want;
  };
  const Case cases[] = {
      {"2025-11-27T07:40:10.165324Z", "2025-11-27T07:40:10.165324Z"},
      {"2020-05-01 22:56:47", "2020-05-01T22:56:47.000000Z"},
      {"2024-01-02 03:04:05.678 +0100", "2024-01-02T02:04:05.678000Z"},
      {"2024-01-02T03:04:05-05:30", "2024-01-02T08:34:05.000000Z"},
      {"2024-02-29T23:59:59.1234567891Z", "2024-02-29T23:59:59.123456Z"},
      {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"},
      {"2024-01-02", "2024-01-02T00:00:00.000000Z"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto time = parse_time(c.text);
    REQUIRE(time);
    CHECK(format_rfc3339(*time) == c.want);
  }
  for (const std::string_view text :
       {"", "x", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01T25:00:00Z",
        "2024-01-01T00:00:00Zx", "24-01-01", "9999-01-01T00:00:00Z", "2024-01-01T"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("decimal: one form for each value, whatever its spelling") {
  struct Case {
    std::string text, want;  // "": no number
  };
  const std::string many(200, '9');
  const Case cases[] = {
      {"0", "0"},
      {"-0", "0"},
      {"-0.000e99999999999999", "0"},
      {"10.0", "10"},
      {"+010.50", "10.5"},
      {"1.050e1", "10.5"},
      {".5", "0.5"},
      {"-5.", "-5"},
      {"0.000001", "0.000001"},
      {"1e-6", "0.000001"},
      {"123456e-3", "123.456"},
      {"1E21", "1000000000000000000000"},
      {"100000000000000000000", "100000000000000000000"},
      {"133485408000000001", "133485408000000001"},
      {"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
      {"1e64", "1" + std::string(64, '0')},
      {"1e65", "1e65"},
      {"1" + std::string(65, '0'), "1e65"},
      {"1.5e-300", "1.5e-300"},
      {"0.5e-64", "0." + std::string(64, '0') + "5"},
      {"0.5e-65", "5e-66"},
      {"-12345e70", "-1.2345e74"},
      {many, many},
      {many + "e65", "9." + many.substr(1) + "e264"},
      {"1e999999999", "1e999999999"},
      {"1e-0000000000000000003", "0.001"},
      {"1e1000000000", ""},
      {"", ""},
      {"-", ""},
      {".", ""},
      {"+-5", ""},
      {"1e", ""},
      {"1e+", ""},
      {"1.2.3", ""},
      {" 1", ""},
      {"1 ", ""},
      {"0x10", ""},
      {"inf", ""},
      {"nan", ""},
      {"1e5.0", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto number = Decimal::parse(c.text);
    CHECK((number ? number->to_string() : "") == c.want);
    if (!number) continue;
    const std::string form = number->to_string();
    CHECK(form.size() <= c.text.size() + Decimal::kMoreBytesMax);
    const auto again = Decimal::parse(form);
    REQUIRE(again);
    CHECK(*again == *number);
    CHECK(again->to_string() == form);
  }
}

TEST_CASE("decimal: the order of numbers is exact") {
  const char* const rising[] = {"-1e999999999",
                                "-100000000000000000000",
                                "-99.5",
                                "-99.25",
                                "-0.01",
                                "-1e-999999999",
                                "0",
                                "1e-999999999",
                                "0.0999",
                                "0.1",
                                "0.10000000000000000001",
                                "1",
                                "9.999",
                                "10",
                                "9007199254740992",
                                "9007199254740992.5",
                                "9007199254740993",
                                "133485408000000000",
                                "133485408000000001",
                                "1e20",
                                "1e999999999"};
  for (std::size_t i = 0; i < std::size(rising); ++i)
    for (std::size_t j = 0; j < std::size(rising); ++j) {
      CAPTURE(rising[i]);
      CAPTURE(rising[j]);
      CHECK((*Decimal::parse(rising[i]) <=> *Decimal::parse(rising[j])) == (i <=> j));
    }
  CHECK(*Decimal::parse("1.50e2") == *Decimal::parse("+150.0"));
  CHECK(*Decimal::parse("-0") == *Decimal::parse("0e7"));
  for (const char* whole : {"0", "10", "1.50e2", "-3.0"})
    CHECK_MESSAGE(Decimal::parse(whole)->is_whole(), whole);
  for (const char* broken : {"0.5", "18.5", "1.05e1", "1e-9"})
    CHECK_MESSAGE(!Decimal::parse(broken)->is_whole(), broken);
}

TEST_CASE("utf8: repair replaces each ill-formed part once") {
  struct Case {
    std::string_view text, want;
  };
  const Case cases[] = {
      {"plain", "plain"},
      {"\xC3\xA9", "\xC3\xA9"},
      {"\xFF", "\xEF\xBF\xBD"},
      {"a\xC3", "a\xEF\xBF\xBD"},
      {"\xE2\x82", "\xEF\xBF\xBD"},
      {"\xE2\x28\xA1", "\xEF\xBF\xBD(\xEF\xBF\xBD"},
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const Case& c : cases) {
    CHECK(repair_utf8(c.text) == c.want);
    CHECK(is_utf8(repair_utf8(c.text)));
    CHECK(is_utf8(c.text) == (c.text == c.want));
  }
}

TEST_CASE("utf8: folding joins what differs in case only") {
  struct Case {
    std::string_view a, b;
  };
  const Case cases[] = {
      {"ABC", "abc"},
      {"\xC3\x89", "\xC3\xA9"},          // e acute
      {"\xD0\x9F", "\xD0\xBF"},          // Cyrillic pe
      {"\xCE\xA3", "\xCF\x82"},          // sigma, final sigma
      {"\xEF\xBC\xA1", "\xEF\xBD\x81"},  // fullwidth a
      {"\xC4\xB0", "i"},                 // I with dot above
      {"\xC4\xB1", "I"},                 // dotless i
      {"\xE1\xBA\x9E", "\xC3\x9F"},      // sharp s
      {"\xE2\x84\xAA", "k"},             // kelvin sign
  };
  for (const Case& c : cases) {
    CAPTURE(c.a);
    CHECK(folded(c.a) == folded(c.b));
  }
  CHECK(folded("a\xFF") == "a\xFF");
}

TEST_CASE("utf8: every letter folds as Unicode's simple mappings say, alone and among others") {
  std::string all, want;
  for (std::uint32_t c = 0x80; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    // Upper case, then lower: what the mapping is by definition, but for the four letters below.
    auto fold = static_cast<std::uint32_t>(
        utf8proc_tolower(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
    if (c == 0x130 || c == 0x131) fold = 'i';
    if (c == 0x1E9E) fold = 0xDF;
    if (c == 0x3C2) fold = 0x3C3;
    std::string letter, folds;
    append_utf8(letter, c);
    append_utf8(folds, fold);
    if (folded(letter) != folds) FAIL_CHECK("U+" << std::hex << c);
    all += letter;
    want += folds;
  }
  CHECK(folded(all) == want);
}

TEST_CASE("find bytes: as the standard library does, whatever is searched") {
  std::mt19937 random(7);
  std::size_t found = 0;
  for (int i = 0; i < 20'000; ++i) {
    // Few letters: first and last byte meet everywhere, and the linear search takes over.
    const unsigned letters = 1 + random() % 4;
    const auto text_of = [&](std::size_t size) {
      std::string text(size, ' ');
      for (char& c : text) c = static_cast<char>('a' + random() % letters);
      return text;
    };
    const std::string text = text_of(random() % (i % 10 == 0 ? 3'000 : 200));
    std::string part = text_of(random() % 12);
    if (random() % 3 == 0 && !text.empty()) part = text.substr(random() % text.size(), 40);
    const std::size_t from = random() % (text.size() + 2);
    const std::size_t want = text.find(part, from);
    found += want != std::string::npos ? 1 : 0;
    CAPTURE(text);
    CAPTURE(part);
    CHECK(find_bytes(text, part, from) == want);
  }
  CHECK(found > 1'000);
}

TEST_CASE("utf8: UTF-16 with surrogates") {
  std::string out;
  append_utf16le(out, std::string_view("\x3D\xD8\x00\xDE"
                                       "A\x00\x00\xD8",
                                       8));
  CHECK(out ==
        "\xF0\x9F\x98\x80"
        "A\xEF\xBF\xBD");
}

TEST_CASE("json writer: commas, escapes, bytes that are not UTF-8") {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("a", "q\"\\\n\x01");
    json.member("b", -5);
    json.key("c");
    json.array([&] {
      json.value(true);
      json.null();
      json.object([] {});
      json.value(1.5);
    });
    json.member("d", std::string_view("\xFF"));
  });
  CHECK(out ==
        "{\"a\":\"q\\\"\\\\\\n\\u0001\",\"b\":-5,\"c\":[true,null,{},1.5],\"d\":\"\xEF\xBF\xBD\"}");
}

TEST_CASE("yaml: scalars keep their text, types follow the 1.2 core schema") {
  const auto documents = yaml::parse(
      "a: 0x17\nb: no\nc: 'true'\nd: true\ne: 1_000\nf: -5\ng: 1.5e3\nh: ~\ni:\n---\n- x\n");
  REQUIRE(documents);
  REQUIRE(documents->size() == 2);
  const yaml::Node& map = documents->front();
  const auto type = [&](const char* key) { return map.find(key)->scalar_type(); };
  CHECK(type("a") == yaml::ScalarType::kString);
  CHECK(type("b") == yaml::ScalarType::kString);
  CHECK(type("c") == yaml::ScalarType::kString);
  CHECK(type("d") == yaml::ScalarType::kBool);
  CHECK(type("e") == yaml::ScalarType::kString);
  CHECK(type("f") == yaml::ScalarType::kInt);
  CHECK(type("g") == yaml::ScalarType::kFloat);
  CHECK(type("h") == yaml::ScalarType::kNull);
  CHECK(type("i") == yaml::ScalarType::kNull);
  CHECK(map.find("g")->mark.line == 7);
  CHECK(map.find("nothing") == nullptr);
}

TEST_CASE("yaml: what is wrong is told with its place") {
  CHECK(yaml::parse("a: 1\na: 2\n").error().message == "duplicate key 'a'");
  CHECK(yaml::parse("a: 1\na: 2\n").error().mark.line == 2);
  CHECK_FALSE(yaml::parse("a: [1\n"));
  CHECK_FALSE(yaml::parse("a: *nobody\n"));
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int n = 0; n < 9; ++n) bomb += "," + last;
    bomb += "]\n";
  }
  CHECK_FALSE(yaml::parse(bomb));
  CHECK_FALSE(yaml::parse(std::string(5000, '[')));
}

TEST_CASE("bounded queue: refuses when full, hands out the rest after close") {
  BoundedQueue<int> queue(2);
  int value = 1;
  CHECK(queue.try_push(value));
  CHECK(queue.push(2));
  value = 3;
  CHECK_FALSE(queue.try_push(value));
  std::jthread taker([&] { CHECK(queue.pop() == 1); });
  CHECK(queue.push(3));
  queue.close();
  CHECK_FALSE(queue.push(4));
  taker.join();
  CHECK(queue.pop() == 2);
  CHECK(queue.pop() == 3);
  CHECK_FALSE(queue.pop());
}
