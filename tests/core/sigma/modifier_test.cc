// SPDX-License-Identifier: Apache-2.0
//
// Modifiers and their combinations: what they mean, and which are refused. The vectors of the
// reference implementation's documentation are among them, in our own words.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "rule_world.h"

using namespace tocsin;
using namespace tocsin::tests;

TEST_CASE("modifier: texts") {
  struct Case {
    std::string_view item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      // a wildcard that is there is not doubled, and stays one inside
      {"F|contains: '*foobar'", "xxfoobarxx", true},
      {"F|contains: 'foobar*'", "xxfoobarxx", true},
      {"F|startswith: 'foobar*'", "foobar-x", true},
      {"F|startswith: 'foobar*'", "x-foobar", false},
      {"F|endswith: '*foobar'", "x-foobar", true},
      {"F|startswith: 'a*b'", "aXXbYY", true},
      {"F|endswith: 'a?b'", "zzaXb", true},
      {"F|startswith|endswith: ab", "xxabxx", true},
      // a backslash at the end does not swallow the wildcard that is added
      {"F|contains: 'foobar\\\\'", "a foobar\\ b", true},
      {"F|startswith: 'foobar\\'", "foobar\\x", true},
      {"F|startswith: 'foobar\\'", "foobar*", false},
      {"F|contains: 'a\\*b'", "xa*bx", true},
      {"F|contains: 'a\\*b'", "xaXbx", false},
      {"F|contains: ''", "anything", true},
      {"F|contains: ''", "", true},
      // the case, in every order
      {"F|cased|contains: Ab", "xAbx", true},
      {"F|contains|cased: Ab", "xabx", false},
      {"F|cased|endswith: Ab", "xAB", false},
      {"F|endswith|cased|windash: ' -A'",
       "x \xE2\x80\x95"
       "A",
       true},
      {"F|endswith|cased|windash: ' -A'", "x /a", false},
      // numbers that are written for a text keep it
      {"F|endswith: 1.10", "v1.10", true},
      {"F|contains: 10.0", "x10.0x", true},
      {"F|startswith: 0x", "0x1F", true},
      // lists
      {"F|contains|all: [a, b, c]", "c-b-a", true},
      {"F|contains|all: [a, b, c]", "c-b", false},
      {"F|all|contains: [a, b]", "ba", true},
      {"F|neq|contains: [a, b]", "xbx", false},
      {"F|contains|neq: [a, b]", "xxx", true},
      {"F|contains|all|neq: [a, b]", "a", true},
      {"F|contains|all|neq: [a, b]", "ab", false},
      {"F|neq: []", "x", true},  // neither missing nor null
      {"F|neq: null", "x", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CAPTURE(c.value);
    CHECK(item_fires(c.item, std::string(c.value)) == c.want);
  }
}

TEST_CASE("modifier: windash takes dashes that start a word") {
  struct Case {
    std::string_view item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"F|windash: -param-name", "/param-name", true},
      {"F|windash: -param-name", "\xE2\x80\x94param-name", true},
      {"F|windash: -param-name", "/param/name", false},
      {"F|windash: -a -b",
       "/a \xE2\x80\x93"
       "b",
       true},
      {"F|windash: /s -f", "-s /f", true},
      {"F|windash|contains: ' -f '", "a /f b", true},
      {"F|contains|windash: ' -f '",
       "a \xE2\x80\x95"
       "f b",
       true},
      {"F|windash: a-b", "a/b", false},
      {"F|windash: '- x'", "/ x", false},  // no word after it
      {"F|windash: '--x'", "-/x", true},   // only the second starts a word
      {"F|windash: '--x'", "//x", false},
      {"F|windash: '*-x*'", "cmd /x y", true},
      {"F|windash|all: [-a, '*-a']", "/a", true},  // the forms of a value are always alternatives
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CAPTURE(c.value);
    CHECK(item_fires(c.item, std::string(c.value)) == c.want);
  }
}

TEST_CASE("modifier: windash with twenty dashes is one pattern, not 5^20") {
  std::string item = "F|contains|windash: '", value;
  for (int i = 0; i < 20; ++i) {
    item += " -a";
    value += i % 2 == 0 ? " /a"
                        : " \xE2\x80\x93"
                          "a";
  }
  CHECK(item_fires(item + "'", value));
  const auto parsed = sigma::parse_rules(rule_text("  s:\n    " + item + "'\n  condition: s"), "t");
  REQUIRE(parsed.rules.size() == 1);
  CHECK(parsed.rules[0].predicates.size() == 1);
}

TEST_CASE("modifier: encodings") {
  struct Case {
    std::string_view item;
    std::string value;
    bool want;
  };
  const std::string wide_ab("a\0b\0", 4);
  const Case cases[] = {
      {"F|base64: foobar", "Zm9vYmFy", true},
      {"F|base64|contains: foobar", "--Zm9vYmFy--", true},
      {"F|base64offset|contains: foobar", "--Zvb2Jhc--", true},
      {"F|base64offset|contains: foobar", "--mb29iYX--", true},
      {"F|base64offset: foobar", "mb29iYX", true},
      {"F|base64|base64: a", "WVE9PQ==", true},
      {"F|base64: 'a\\*b'", "YSpi", true},
      {"F|base64: f\xC3\xB6o", "ZsO2bw==", true},
      {"F|base64: 1.10", "MS4xMA==", true},
      {"F|wide: ab", wide_ab, true},
      {"F|utf16le: ab", wide_ab, true},
      {"F|utf16be: ab", std::string("\0a\0b", 4), true},
      {"F|utf16: ab", "\xEF\xBB\xBF" + wide_ab, true},
      {"F|wide: '*ab*'", "xx" + wide_ab + "yy", true},
      {"F|contains|wide: ab", "xx" + wide_ab, true},
      {"F|wide|contains: 'a*b'", std::string("-a\0--b\0-", 8), true},
      {"F|wide|base64offset|contains: ab", "xxYQBiAxx", true},
      {"F|utf16le|base64|contains: \xC3\xA9", "6QA=", true},
      {"F|utf16be|base64: ab", "AGEAYg==", true},
      {"F|utf16|base64: ab", "//5hAGIA", true},
      {"F|windash|base64: -a", "L2E=", true},      // "/a"
      {"F|windash|base64: -a", "4oCTYQ==", true},  // en dash, a
      {"F|base64|cased: foobar", "zm9vymfy", false},
      {"F|base64: foobar", "zm9vymfy", true},  // as all strings: without regard to case
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CHECK(item_fires(c.item, c.value) == c.want);
  }
}

TEST_CASE("modifier: regular expressions") {
  struct Case {
    std::string_view item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"F|re: 'foo?bar.*'", "xfobar", true},
      {"F|re: ['a+', 'b+']", "xbx", true},
      {"F|re|all: ['a+', 'b+']", "xbx", false},
      {"F|re|neq: 'a+'", "xbx", true},
      {"F|re|i: abc", "xABCx", true},
      {"F|re|ignorecase: abc", "ABC", true},
      {"F|re|m|s: '^b.c$'", "a\nb\nc\nd", true},
      {"F|re|multiline: '^b$'", "a\nb", true},
      {"F|re|dotall: 'a.b'", "a\nb", true},
      {"F|re|cased: abc", "ABC", false},
      {"F|re|contains: 'b|c'", "xcx", true},
      {"F|re|startswith: 'b|c'", "cx", true},
      {"F|re|startswith: 'b|c'", "xc", false},
      {"F|re|endswith: 'b|c'", "xb", true},
      {"F|re|endswith: 'b|c'", "bx", false},
      {"F|re: 10.5", "1035", true},
      {"F|re: '\\bfoo\\b'", "a foo b", true},
      // `$` is PCRE's: also before a line break at the end
      {"F|re: '\\.exe$'", "x.exe\n", true},
      {"F|re: '\\.exe$'", "x.exe\n\n", false},
      {"F|re: '\\.exe$'", "x.exe", true},
      {"F|re: '(a$|b$)c?'", "xb\n", true},
      {"F|re: '^$'", "\n", true},
      {"F|re: '[$]x'", "$x", true},
      {"F|re: '[]$]x'", "$x", true},
      {"F|re: 'a\\$'", "a$b", true},
      {"F|re: 'a\\$'", "a\n", false},
      {"F|re: '(?m)^b$'", "a\nb\nc", true},
      {"F|re: '(?i)abc'", "ABC", true},
      {"F|re: '(a)\\1'", "aa", true},
      {"F|re: '(?<!x)abc'", "xabc", false},
      {"F|re: 'x{1,2000}y'", "xxxy", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CAPTURE(c.value);
    CHECK(item_fires(c.item, std::string(c.value)) == c.want);
  }
}

TEST_CASE("modifier: numbers and times") {
  struct Case {
    std::string_view item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"F: 10.0", "10", true},
      {"F: +5", "5", true},
      {"F: 1e3", "1000", true},
      {"F: 0.50", "0.5", true},
      {"F: -7", "-7", true},
      {"F: '10.0'", "10", false},
      // a number's value, and the text as the rule writes it
      {"F: 0.000001", "0.000001", true},
      {"F: 1e-6", "0.000001", true},
      {"F: 10.0", "10.0", true},
      {"F: 10.50", "10.50", true},
      {"F: 10.50", "10.5", true},
      {"F: 10.50", "10.500", false},
      {"F: +5", "+5", true},
      {"F: 1e3", "1e3", true},
      {"F: 1E3", "1000", true},
      {"F: 007", "007", true},
      {"F: 007", "7", true},
      {"F: -0", "0", true},
      {"F: -0.0", "0", true},
      {"F: 1e21", "1000000000000000000000", true},
      {"F: 1e20", "100000000000000000000", true},
      {"F: 9007199254740993.0", "9007199254740993", true},
      {"F: 9007199254740993.0", "9007199254740992", false},
      {"F: 1e999999999", "1e999999999", true},
      {"F|neq: 10.0", "10.0", false},
      {"F|all: [10.0, '10*']", "10.0", true},
      {"F|cased: 1E3", "1E3", true},
      {"F|gt: 9007199254740992", "9007199254740993", true},
      {"F|gte: 133485408000000001", "133485408000000000", false},
      {"F|lt: 133485408000000001", "133485408000000000", true},
      {"F|lte: 0.1", "0.10000000000000000001", false},
      {"F|gt: -9007199254740993", "-9007199254740992", true},
      {"F|gt: 1e400", "1e401", true},
      {"F|gte: 0", "-0.0", true},
      {"F|lt: 5", "1e1000000000", false},
      {"F: 0x17", "0x17", true},
      {"F: 18446744073709551616", "18446744073709551616", true},
      {"F|neq: 5", "5", false},
      {"F|neq: 5", "6", true},
      {"F|lt: 10", "9.99", true},
      {"F|lte: '10'", "10", true},
      {"F|gt: -1", "0", true},
      {"F|gte: 1e3", "1000", true},
      {"F|gt: 5", "inf", false},
      {"F|gt: 5", "0x10", false},
      {"F|gt: 5", "", false},
      {"F|gt|neq: 5", "7", false},
      {"F|gt: [100, 5]", "7", true},
      {"F|gt|all: [100, 5]", "7", false},
      {"F|minute: 30", "2025-01-01T19:30:00Z", true},
      {"F|hour: 19", "2025-01-01T19:30:00Z", true},
      {"F|hour|gte: 18", "2025-01-01T17:59:59Z", false},
      {"F|gte|hour: 18", "2025-01-01T18:00:00Z", true},
      {"F|day: 31", "2025-12-31T00:00:00Z", true},
      {"F|week: 53", "2021-01-01T00:00:00Z", true},
      {"F|month|lt: 3", "2025-02-28T00:00:00Z", true},
      {"F|year|neq: 2025", "2025-02-28T00:00:00Z", false},
      {"F|hour: 19", "not a time", false},
      // counts since 1970: seconds to nanoseconds
      {"F|hour: 0", "1704067200", true},
      {"F|hour: 0", "1704067200000", true},
      {"F|minute: 1", "1704067260123456", true},
      {"F|year: 2024", "1704067200000000000", true},
      {"F|week: 1", "1704067200.75", true},
      {"F|day|gte: 1", "170406720", false},
      {"F|year|gte: 1", "133485408000000000", false},  // Windows' own count
      {"F|year|gte: 1", "9999999999999999999", false},
      {"F|year|gte: 1", "-1704067200", false},
      {"F|year|gte: 1", "1e12345678", false},
      {"F|hour: 18.0", "2025-01-01T18:00:00Z", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CAPTURE(c.value);
    CHECK(item_fires(c.item, std::string(c.value)) == c.want);
  }
}

TEST_CASE("modifier: networks") {
  struct Case {
    std::string_view item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"F|cidr: 192.168.1.1", "192.168.1.1", true},
      {"F|cidr: 192.168.0.0/255.255.0.0", "192.168.9.9", true},
      {"F|cidr: [10.0.0.0/8, '2001:db8::/32']", "2001:DB8::7", true},
      {"F|cidr|neq: 10.0.0.0/8", "10.1.1.1", false},
      {"F|cidr|neq: 10.0.0.0/8", "8.8.8.8", true},
      {"F|cidr: 0.0.0.0/0", "8.8.8.8", true},
      {"F|cidr: 0.0.0.0/0", "::1", false},
      {"F|cidr: '::/0'", "::1", true},
      {"F|cidr: '::/0'", "8.8.8.8", false},
      {"F|cidr: '::1/128'", "0:0:0:0:0:0:0:1", true},
      {"F|cidr: '::1/128'", "::2", false},
      {"F|cidr: '::ffff:10.0.0.0/104'", "10.9.9.9", true},
      {"F|cidr: 10.0.0.0/8", "10.1.1.1:443", false},
      {"F|cidr: 10.0.0.0/8", "", false},
      {"F|expand|cidr: '%nets%'", "172.16.5.5", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CAPTURE(c.value);
    CHECK(item_fires(c.item, std::string(c.value), {{"nets", {"10.0.0.0/8", "172.16.0.0/12"}}}) ==
          c.want);
  }
}

TEST_CASE("modifier: fieldref in all its forms") {
  struct Case {
    std::string_view item;
    std::string_view a, b;
    bool want;
  };
  const Case cases[] = {
      {"'A|fieldref': B", "x", "X", true},
      {"'A|fieldref|cased': B", "x", "X", false},
      {"'A|fieldref|neq': B", "x", "y", true},
      {"'A|fieldref|neq': B", "x", "x", false},
      {"'A|neq|fieldref': B", "x", "y", true},
      {"'A|fieldref|contains': B", "xyz", "Y", true},
      {"'A|contains|fieldref': B", "xyz", "y", true},
      {"'A|fieldref|startswith': B", "xyz", "xy", true},
      {"'A|fieldref|startswith': B", "xyz", "yz", false},
      {"'A|fieldref|endswith': B", "xyz", "yz", true},
      {"'A|fieldref|startswith|endswith': B", "xyz", "y", true},
      {"'A|fieldref|endswith|cased': B", "xyz", "YZ", false},
      {"'A|fieldref': [C, B]", "x", "x", true},
      {"'A|fieldref|all': [A, B]", "x", "y", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CHECK(fires(fmt::format("  s: {{{}}}\n  condition: s", c.item),
                {{"A", std::string(c.a)}, {"B", std::string(c.b)}}) == c.want);
  }
  // A field that is missing equals nothing, so it differs from everything.
  CHECK_FALSE(fires("  s: {'A|fieldref': B}\n  condition: s", {{"A", "x"}}));
  CHECK_FALSE(fires("  s: {'A|fieldref': B}\n  condition: s", {{"A", "<null>"}, {"B", "<null>"}}));
  CHECK(fires("  s: {'A|fieldref|neq': B}\n  condition: s", {{"A", "x"}}));
}

TEST_CASE("modifier: placeholders") {
  const sigma::Placeholders values = {{"var", {"v1", "v*2"}}, {"a.b", {"x"}}, {"star", {"*s"}}};
  struct Case {
    std::string_view item;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"F|expand: 'test%var%test'", "testv1test", true},
      {"F|expand: 'test%var%test'", "testvXX2test", true},  // wildcards of a value are wildcards
      {"F|expand: '%a.b%-%var%'", "x-v1", true},
      {"F|expand|contains: '%var%'", "--v1--", true},
      {"F|contains|expand: '%var%'", "--v1--", true},
      {"F|expand: '100%'", "100%", true},
      {"F|expand: '%%'", "%%", true},
      {"F|expand: '\\%test1\\%test2\\%%var%\\%test3\\%'", "%test1%test2%v1%test3%", true},
      {"F|expand: 'C:\\%var%\\x'", "C:\\v1\\x", true},
      {"F|expand: 'C:\\%star%'", "C:\\zzs", true},  // the backslash does not escape the value
      {"F|re|expand: '^a%var%$'", "av1", true},
      {"F|re|expand: '^a%var%$'", "avv2", true},  // there the value is part of the expression
      {"F|expand|base64: '%a.b%'", "eA==", true},
      {"F: '%var%'", "%var%", true},  // without the modifier it is a text
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CHECK(item_fires(c.item, std::string(c.value), values) == c.want);
  }
}

TEST_CASE("modifier: keywords take them too") {
  struct Case {
    std::string_view detection;
    std::string_view value;
    bool want;
  };
  const Case cases[] = {
      {"k: word", "a WORD b", true},
      {"k: {'|contains': word}", "a word b", true},
      {"k: {'|contains|all': [a, b]}", "b a", true},
      {"k: {'|contains|all': [a, b]}", "b", false},
      {"k: {'|re': '^w.rd$'}", "word", true},
      {"k: {'|re': '^w.rd$'}", "a word", false},
      {"k: {'|cased': Word}", "a word b", false},
      {"k: {'|startswith': word}", "word b", true},
      {"k: {'|startswith': word}", "a word", false},
      {"k: {'|windash': ' -x'}", "a /x b", true},
      {"k: {'|base64offset|contains': foobar}", "-Zvb2Jhc-", true},
      {"k: {'|neq': word}", "a word b", false},
      {"k: {'|neq': word}", "a b", true},
      {"k: 4625", "event 4625 here", true},
      {"k: [{'|all': [a, b]}, zz]", "xzzx", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.detection);
    CHECK(fires(fmt::format("  {}\n  condition: k", c.detection),
                {{"Any", std::string(c.value)}}) == c.want);
  }
}

TEST_CASE("modifier: what does not fit together is refused") {
  struct Case {
    std::string_view item, code;
  };
  const Case cases[] = {
      {"F|foo: x", "modifier.unknown"},
      {"F|Contains: x", "modifier.unknown"},
      {"F|: x", "modifier.unknown"},
      {"F|i: x", "modifier.combination"},
      {"F|contains|re: x", "modifier.combination"},
      {"F|base64|re: x", "modifier.combination"},
      {"F|re|base64: x", "modifier.combination"},
      {"F|re|windash: x", "modifier.combination"},
      {"F|re|base64offset|contains: x", "modifier.combination"},
      {"F|re|i|cased: x", "modifier.combination"},
      {"F|contains|base64: x", "modifier.combination"},
      {"F|contains|base64offset: x", "modifier.combination"},
      {"F|cidr|contains: 10.0.0.0/8", "modifier.combination"},
      {"F|contains|cidr: 10.0.0.0/8", "modifier.combination"},
      {"F|re|cidr: 10.0.0.0/8", "modifier.combination"},
      {"F|lt|contains: 5", "modifier.combination"},
      {"F|contains|lt: 5", "modifier.combination"},
      {"F|lt|gt: 5", "modifier.combination"},
      {"F|hour|day: 5", "modifier.combination"},
      {"F|exists|contains: true", "modifier.combination"},
      {"F|contains|exists: true", "modifier.combination"},
      {"F|fieldref|windash: G", "modifier.combination"},
      {"F|base64|fieldref: G", "modifier.combination"},
      {"F|expand|fieldref: G", "modifier.combination"},
      {"'|exists': true", "modifier.combination"},
      {"'|cidr': 10.0.0.0/8", "modifier.combination"},
      {"'|lt': 5", "modifier.combination"},
      {"'|fieldref': G", "modifier.combination"},
      {"F|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|wide|all: x",
       "modifier.too_many"},
      {"F|neq|neq: x", "modifier.combination"},
      {"F|all|contains|all: [x, y]", "modifier.combination"},
      {"F|cased|cased: x", "modifier.combination"},
      {"F|expand|expand: x", "modifier.combination"},
      {"F|base64: 'a*'", "modifier.wildcard"},
      {"F|base64offset: 'a?b'", "modifier.wildcard"},
      {"F|base64offset: '*a'", "modifier.wildcard"},
      {"F|wide: f\xC3\xB6o", "modifier.encoding"},
      {"F|exists: 1", "modifier.exists_value"},
      {"F|exists: [true, false]", "modifier.exists_value"},
      {"F|exists: [true, true]", "modifier.exists_value"},
      {"F|exists: []", "modifier.exists_value"},
      {"F|exists: 'true'", "modifier.exists_value"},
      {"F|fieldref: 'a*'", "modifier.fieldref_value"},
      {"F|fieldref: ''", "modifier.fieldref_value"},
      {"F|lt: abc", "modifier.number"},
      {"F|lt: .inf", "modifier.number"},
      {"F|lt: .nan", "modifier.number"},
      {"F|lt: inf", "modifier.number"},
      {"F|hour: x", "modifier.number"},
      {"F: .inf", "value.number"},
      {"F: -.INF", "value.number"},
      {"F: .nan", "value.number"},
      {"F: 1e9999999999", "value.number"},
      {"F|hour: 18.5", "modifier.time_value"},
      {"F|hour|gte: 18.5", "modifier.time_value"},
      {"F|contains: null", "modifier.null"},
      {"F|re: null", "modifier.null"},
      {"F|lt: null", "modifier.null"},
      {"'': null", "detection.null_keyword"},
      {"F|cidr: 10.0.0.0/33", "modifier.cidr_value"},
      {"F|cidr: 10.0.0.0/1e1", "modifier.cidr_value"},
      {"F|cidr: 10.0.0.0/-1", "modifier.cidr_value"},
      {"F|cidr: 10.0.0.0/", "modifier.cidr_value"},
      {"F|cidr: '10.*'", "modifier.cidr_value"},
      {"F|cidr: 10.0.0.0/255.0.255.0", "modifier.cidr_value"},
      {"F|cidr: '2001:db8::1/32'", "modifier.cidr_host_bits"},
      {"F|re: '[a'", "regex.invalid"},
      {"F|re: '(?P<n>'", "regex.invalid"},
      {"F: {a: b}", "detection.structure"},
      {"F: [[a]]", "detection.structure"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    CHECK(error_of(rule_text(fmt::format("  s:\n    {}\n  condition: s", c.item))) == c.code);
  }
}

TEST_CASE("modifier: what is doubtful is told") {
  struct Case {
    std::string_view item, code;
  };
  const Case cases[] = {
      {"F: yes", "value.yaml_1_1"},
      {"F: 0x1F", "value.yaml_1_1"},
      {"F: 1_000", "value.yaml_1_1"},
      {"F: []", "detection.empty_list"},
      {"F: [a, null]", "detection.null_in_list"},
      {"F|contains|all: [a]", "modifier.all_single"},
      {"F|contains|all: a", "modifier.all_single"},
      {"F|contains: ''", "value.matches_all"},
      {"F|hour: 25", "modifier.time_range"},
      {"F|hour: -1e99", "modifier.time_range"},
      {"F|month: 0", "modifier.time_range"},
      {"F|re: '(?=a)b'", "regex.backtracking"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.item);
    const auto warnings =
        warnings_of(rule_text(fmt::format("  s:\n    {}\n  condition: s", c.item)));
    CHECK(warnings == std::vector<std::string>{std::string(c.code)});
  }
}
