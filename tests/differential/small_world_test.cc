// SPDX-License-Identifier: Apache-2.0
//
// Small worlds, exhaustively: all small rules of one kind against all small events. The compiled
// engine, the plain evaluator and the oracle must agree on each pair.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "differential/oracle_text.h"
#include "differential/world.h"

using namespace tocsin::differential;

namespace {

using Strings = std::vector<std::string>;

// All texts of at most `length_max` letters.
Strings all_texts(const Strings& letters, std::size_t length_max) {
  Strings out = {""};
  std::size_t begin = 0;
  for (std::size_t length = 0; length < length_max; ++length) {
    const std::size_t end = out.size();
    for (std::size_t i = begin; i < end; ++i)
      for (const std::string& letter : letters) out.push_back(out[i] + letter);
    begin = end;
  }
  return out;
}

// Adds `selection: {KEY: VALUE}` as a rule.
void add_rule(World& world, const std::string& key, const std::string& value) {
  world.rules.push_back(
      rule_text(world.rules.size(), "{product: windows}",
                "  s:\n    " + yaml_quoted(key) + ": " + value + "\n  condition: s"));
}

JsonValue text(const std::string& value) { return JsonValue::string(value); }
JsonValue one_field(JsonValue value) { return sysmon_event({{"F", std::move(value)}}); }

// What a field of a small event may be; the first is no field at all.
std::vector<JsonValue> shapes_of_values() {
  const JsonValue a = text("a"), null = JsonValue::null();
  std::vector<JsonValue> out = {sysmon_event({})};
  for (const JsonValue& value : {null,
                                 text(""),
                                 a,
                                 text("A"),
                                 text("null"),
                                 text("true"),
                                 text("0"),
                                 text("10"),
                                 text("10.0"),
                                 JsonValue::number("0"),
                                 JsonValue::number("10"),
                                 JsonValue::number("10.0"),
                                 JsonValue::number("1e1"),
                                 JsonValue::number("-1"),
                                 JsonValue::number("1.5"),
                                 JsonValue::boolean(true),
                                 JsonValue::boolean(false),
                                 JsonValue::array({null}),
                                 JsonValue::array({a}),
                                 JsonValue::array({text("b"), a}),
                                 JsonValue::array({null, a}),
                                 JsonValue::array({text(""), null}),
                                 JsonValue::array({JsonValue::array({a}), text("c")}),
                                 JsonValue::object({{"#text", a}}),
                                 JsonValue::object({{"x", a}}),
                                 JsonValue::object({{"x", JsonValue::object({{"y", text("b")}})}})})
    out.push_back(one_field(value));
  return out;
}

void expect_agreement(const World& world, std::size_t matched_min) {
  const Outcome outcome = judge(world);
  MESSAGE(outcome.pairs, " pairs, ", outcome.matched, " matches");
  INFO(outcome.first);
  CHECK(outcome.differences == 0);
  CHECK(outcome.matched >= matched_min);
}

}  // namespace

TEST_CASE("small worlds: text operators, wildcards and escapes on all short values") {
  World world;
  const Strings patterns = all_texts({"a", "B", "*", "?", "\\"}, 3);
  for (const char* key : {"F", "F|contains", "F|startswith", "F|endswith", "F|cased",
                          "F|contains|cased", "F|startswith|cased", "F|endswith|cased", "F|neq",
                          "F|contains|neq", "F|startswith|neq", "F|endswith|neq"})
    for (const std::string& pattern : patterns) add_rule(world, key, yaml_quoted(pattern));
  for (const std::string& value : all_texts({"a", "A", "b", "*", "\\"}, 3))
    world.events.push_back(one_field(text(value)));
  expect_agreement(world, 50'000);
}

TEST_CASE("small worlds: longer literals, where the index has several ways to find them") {
  World world;
  for (const char* key : {"F", "F|contains", "F|startswith", "F|endswith", "F|contains|cased"})
    for (const std::string& pattern : all_texts({"ab", "B", "*"}, 4))
      add_rule(world, key, yaml_quoted(pattern));
  for (const std::string& value : all_texts({"ab", "AB", "b"}, 5))
    world.events.push_back(one_field(text(value)));
  expect_agreement(world, 20'000);
}

TEST_CASE("small worlds: letters with several cases, in one to four bytes") {
  World world;
  const Strings letters = {"i",      "I",          "\u0130",     "\u0131", "\u00E9", "\u00C9",
                           "\u03C3", "\u03C2",     "\u03A3",     "k",      "\u212A", "\u017F",
                           "S",      "\u042F",     "\u044F",     "\uFF21", "\uFF41", "\u1E9E",
                           "\u00DF", "\U00010400", "\U00010428", "\u20AC"};
  for (const char* key :
       {"F", "F|contains", "F|startswith", "F|endswith", "F|cased", "F|contains|cased"})
    for (const std::string& letter : letters)
      for (const char* form : {"", "?", "a?", "*?"})
        add_rule(world, key, yaml_quoted(form + letter));
  for (const std::string& value : all_texts(letters, 2)) {
    world.events.push_back(one_field(text(value)));
    world.events.push_back(one_field(text("a" + value)));
  }
  expect_agreement(world, 20'000);
}

TEST_CASE("small worlds: lists of values, all, neq") {
  World world;
  const Strings values = {"''", "a", "'*a'", "b", "'?'", "null", "10", "true"};
  for (const char* key : {"F", "F|all", "F|neq", "F|all|neq", "F|contains|all", "F|cased"}) {
    const auto legal = [&](const std::string& value) {  // null has no text to be contained
      return value != "null" || std::string(key).find("contains") == std::string::npos;
    };
    for (const std::string& one : values) {
      if (!legal(one)) continue;
      add_rule(world, key, "[" + one + "]");
      for (const std::string& two : values)
        if (legal(two)) add_rule(world, key, "[" + one + ", " + two + "]");
    }
  }
  add_rule(world, "F", "[]");
  add_rule(world, "F|neq", "[]");
  world.events = shapes_of_values();
  expect_agreement(world, 2'000);
}

TEST_CASE("small worlds: null, exists, numbers and types against every shape of a value") {
  World world;
  for (const char* field : {"F", "F.x", "F.x.y", "G"}) {
    const std::string f = field;
    for (const char* value : {"null", "~", "''", "a", "'*'", "'?*'", "10", "10.0", "'10'", "'10.0'",
                              "true", "'true'", "false", "-1", "1.5", "'null'", "0"}) {
      add_rule(world, f, value);
      add_rule(world, f + "|neq", value);
    }
    for (const char* value : {"true", "false"}) add_rule(world, f + "|exists", value);
    for (const char* compare : {"lt", "lte", "gt", "gte"})
      for (const char* number : {"0", "10", "10.0", "1.5", "-1", "9.99"}) {
        add_rule(world, f + "|" + compare, number);
        add_rule(world, f + "|" + compare + "|neq", number);
      }
    for (const char* key : {"|contains", "|startswith", "|endswith"})
      for (const char* value : {"''", "1", "'0'", "a", "'*'"}) add_rule(world, f + key, value);
  }
  world.events = shapes_of_values();
  for (const char* value : {"inf", "-inf", "infinity", "nan", "1e1", " 10", "10 ", "+10", "0x10",
                            "1.", ".5", "-", "", "1e", "1e999", "10,5", "\u0661"})
    world.events.push_back(one_field(text(value)));
  expect_agreement(world, 3'000);
}

TEST_CASE("small worlds: numbers are equal and in order by their values, in every spelling") {
  const Strings spellings = {"0",
                             "-0",
                             "0.0",
                             "10",
                             "10.0",
                             "10.50",
                             "10.5",
                             "1.05e1",
                             "1e1",
                             "1E+1",
                             "100e-1",
                             "-10.0",
                             "-1.5",
                             "1e3",
                             "1000",
                             "0.0001",
                             "0.000001",
                             "1e-6",
                             "0.1",
                             "0.10000000000000000001",
                             "9007199254740992",
                             "9007199254740993",
                             "9007199254740993.0",
                             "133485408000000000",
                             "133485408000000001",
                             "18446744073709551616",
                             "100000000000000000000",
                             "1e20",
                             "1000000000000000000000",
                             "1e21",
                             "1.5e100",
                             "15e99",
                             "1e-80",
                             "1e400",
                             "10e399"};
  World world;
  for (const std::string& spelling : spellings)
    for (const char* key :
         {"F", "F|neq", "F|cased", "F|lt", "F|lte", "F|gt", "F|gte", "F|contains"})
      add_rule(world, key, std::string(key) == "F|contains" ? yaml_quoted(spelling) : spelling);
  for (const char* spelling : {"+5", "007", ".5", "5."}) add_rule(world, "F", spelling);
  add_rule(world, "F", "[10.0, 1e21, -0]");
  add_rule(world, "F|all", "[10.0, '10*']");
  for (const std::string keyword : {"1000", "1e3", "1000000000000000000000", "e100"})
    world.rules.push_back(rule_text(world.rules.size(), "{product: windows}",
                                    "  k: '" + keyword + "'\n  condition: k"));
  for (const std::string& spelling : spellings) {
    world.events.push_back(one_field(JsonValue::number(spelling)));
    world.events.push_back(one_field(text(spelling)));
  }
  for (const char* value : {"+5", "5", "007", "7", ".5", "0.5", "5.", "10.500", "00", "1e"})
    world.events.push_back(one_field(text(value)));
  expect_agreement(world, 5'000);
}

TEST_CASE("small worlds: windash takes the dashes that begin a word") {
  World world;
  for (const char* key : {"F|windash", "F|contains|windash", "F|startswith|windash|cased"})
    for (const std::string& pattern : all_texts({"a", "-", "/", " "}, 4))
      add_rule(world, key, yaml_quoted(pattern));
  for (const std::string& value : all_texts({"a", "-", "/", "\u2013", " "}, 3))
    world.events.push_back(one_field(text(value)));
  for (const char* value : {"a -a", "\u2014a", "\u2015a/a", "-a -a", "/A -a", "a-a", "--a"})
    world.events.push_back(one_field(text(value)));
  expect_agreement(world, 1'000);
}

TEST_CASE("small worlds: encoded values are found wherever they stand") {
  World world;
  const Strings words = {"a", "ab", "foo", "foobar", "Invoke-", "\u00E9\u20AC", "cmd.exe"};
  for (const char* key : {"F|base64|contains", "F|base64offset|contains",
                          "F|wide|base64offset|contains", "F|utf16be|base64offset|contains",
                          "F|utf16le|base64|contains", "F|utf16|base64offset|contains"})
    for (const std::string& word : words) add_rule(world, key, yaml_quoted(word));
  for (const std::string& word : words) {
    for (const char* before : {"", "x", "xy", "xyz"}) {
      for (const char* behind : {"", "1", "12", "123"}) {
        const std::string whole = before + word + behind;
        for (const std::string& bytes : {whole, utf16(whole, false), utf16(whole, true)})
          world.events.push_back(one_field(text("-enc " + base64(bytes) + " ")));
      }
    }
    world.events.push_back(one_field(text(word)));
  }
  for (const char* word : {"a", "cmd"}) {
    add_rule(world, "F|wide|contains", word);
    world.events.push_back(one_field(text("x" + utf16(word, false) + "y")));
  }
  expect_agreement(world, 500);
}

TEST_CASE("small worlds: regular expressions of the specification's grammar") {
  World world;
  const Strings values = all_texts({"a", "B", "\u00E9"}, 3);
  const auto legal = [](const std::string& expression) {
    return regex_found(to_code_points(expression), U"", {}).has_value();
  };
  for (const std::string& expression :
       all_texts({"a", "b", ".", "^", "$", "*", "+", "|", "(", ")"}, 4))
    if (!expression.empty() && legal(expression))
      add_rule(world, world.rules.size() % 3 == 0 ? "F|re|i" : "F|re", yaml_quoted(expression));
  for (const char* expression :
       {"a{2}", "a{1,2}B", "a{2,}", "[ab]B", "[^a]", "[a-b]{2}", "(a|B)+$", "^(aB)?$", "a?B?",
        "\\d", "\\w\\w", "\\s", "\\.", "\\\\", "^.{2}$", "[^a-zA-Z]"})
    add_rule(world, "F|re", yaml_quoted(expression));
  for (const std::string& value : values) world.events.push_back(one_field(text(value)));
  expect_agreement(world, 10'000);
}

TEST_CASE("small worlds: regular expressions and line breaks") {
  World world;
  for (const char* key : {"F|re", "F|re|m", "F|re|s", "F|re|i|m|s", "F|re|multiline|dotall"})
    for (const char* expression : {"^a", "a.b", "^a.*b", "^b", "[^a]b", "a\\sb", "^.b", "a$", "^b$",
                                   "^a+$", "a$.b", "b$|^a", "(a|b)$", "[ab]$", "^$a"})
      add_rule(world, key, yaml_quoted(expression));
  add_rule(world, "F|re",
           "'^$'");  // with 'm' RE2 finds an empty line behind a line break at the end
  for (const std::string& value : all_texts({"a", "b", "\n"}, 4))
    world.events.push_back(one_field(text(value)));
  expect_agreement(world, 500);
}

TEST_CASE("small worlds: one field against another") {
  World world;
  for (const char* key : {"F|fieldref", "F|fieldref|neq", "F|fieldref|contains",
                          "F|fieldref|startswith", "F|fieldref|endswith", "F|fieldref|cased",
                          "F|fieldref|contains|cased", "F|fieldref|endswith|neq"})
    for (const char* other : {"G", "F", "H"}) add_rule(world, key, other);
  std::vector<JsonValue> values = {JsonValue::null(), JsonValue::number("1"),
                                   JsonValue::array({text("a"), text("Ab")})};
  for (const std::string& value : all_texts({"a", "A", "b"}, 2)) values.push_back(text(value));
  for (const JsonValue& f : values) {
    world.events.push_back(one_field(f));
    for (const JsonValue& g : values) world.events.push_back(sysmon_event({{"F", f}, {"G", g}}));
  }
  expect_agreement(world, 1'000);
}

TEST_CASE("small worlds: addresses in networks") {
  World world;
  for (const char* network :
       {"10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "10.1.2.2/31", "0.0.0.0/0", "128.0.0.0/1",
        "192.168.1.128/25", "::/0", "::1", "fe80::/10", "2001:db8::/32", "2001:db8:2::/47",
        "::ffff:10.0.0.0/104", "ff00::/8"}) {
    add_rule(world, "F|cidr", yaml_quoted(network));
    add_rule(world, "F|cidr|neq", yaml_quoted(network));
  }
  for (const char* address : {"10.1.2.3",
                              "10.1.2.2",
                              "10.255.255.255",
                              "11.0.0.0",
                              "9.255.255.255",
                              "192.168.1.127",
                              "192.168.1.128",
                              "0.0.0.0",
                              "255.255.255.255",
                              "::1",
                              "::",
                              "fe80::1",
                              "febf::1",
                              "fec0::1",
                              "2001:db8::5",
                              "2001:DB8:1::5",
                              "2001:db8:2::5",
                              "2001:db9::",
                              "ff02::1:2",
                              "::ffff:10.1.2.3",
                              "1:2:3:4:5:6:7:8",
                              "10.1.2",
                              "10.1.2.3.4",
                              "10.1.2.256",
                              "",
                              "a",
                              "10.1.2.3 ",
                              "1::2::3",
                              "010.1.2.3",
                              "10.1.2.3:80"})
    world.events.push_back(one_field(text(address)));
  world.events.push_back(sysmon_event({}));
  world.events.push_back(one_field(JsonValue::array({text("9.9.9.9"), text("10.1.2.3")})));
  expect_agreement(world, 200);
}

TEST_CASE("small worlds: parts of a time") {
  World world;
  for (const char* part : {"minute", "hour", "day", "week", "month", "year"})
    for (const char* compare : {"", "|gt", "|gte", "|lt", "|lte"})
      for (const char* number : {"0", "1", "12", "31", "52", "53", "2024"})
        add_rule(world, std::string("F|") + part + compare, number);
  for (const char* time :
       {"2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999Z", "2024-12-29T12:01:00Z",
        "2023-01-01T12:31:00Z", "2021-01-03T01:00:00.123456Z", "2020-12-31T12:12:12Z",
        "2024-02-29T13:01:01Z", "2024-07-04T11:30:00Z", "not a time", "", "2024"})
    world.events.push_back(one_field(text(time)));
  for (const char* count :
       {"0", "999999999", "1000000000", "1704067199", "1704067200", "1709208060.5", "1735689599999",
        "1609502532123456", "1704067200000000000", "9223372036854775807", "9223372037",
        "9300000000000000000", "133485408000000000", "-1704067200", "1.7e9"}) {
    world.events.push_back(one_field(text(count)));
    world.events.push_back(one_field(JsonValue::number(count)));
  }
  expect_agreement(world, 200);
}

TEST_CASE("small worlds: keywords find a text anywhere in an event, and nowhere else") {
  World world;
  const auto add = [&](const std::string& selection) {
    world.rules.push_back(rule_text(world.rules.size(), "{product: windows}",
                                    "  k: " + selection + "\n  condition: k"));
  };
  for (const std::string& keyword : all_texts({"k", "Q", "*", "?", "\\"}, 2)) {
    if (keyword.empty()) continue;
    add("[" + yaml_quoted(keyword) + "]");
    add(yaml_quoted(keyword));
    add("[" + yaml_quoted(keyword) + ", {F: q}]");
    add("{'|all': [" + yaml_quoted(keyword) + ", q]}");
    add("{'|contains|all': [q, " + yaml_quoted(keyword) + "]}");
  }
  add("{'|re': 'k[kq]'}");
  add("{'|re|i': ['^kq$', 'qq']}");
  add("[7, '^true']");
  add("[true, zz]");
  for (const std::string& value : all_texts({"k", "K", "q", "\\"}, 2)) {
    world.events.push_back(one_field(text(value)));
    world.events.push_back(sysmon_event({{"Unread", text(value)}}));
    world.events.push_back(
        sysmon_event({{"D", JsonValue::object({{"x", JsonValue::array({text("z"), text(value)})}})},
                      {"k" + value, text("z")}}));
  }
  world.events.push_back(sysmon_event({{"F", text("k")}, {"G", text("q")}}));
  world.events.push_back(sysmon_event({{"F", JsonValue::number("7")}}));
  world.events.push_back(sysmon_event({{"F", JsonValue::boolean(true)}}));
  world.events.push_back(sysmon_event({{"F", JsonValue::null()}, {"kq", JsonValue::null()}}));
  expect_agreement(world, 2'000);
}

namespace {

// All conditions of up to three operands, with and without parentheses.
Strings small_conditions() {
  Strings atoms;
  for (const char* atom : {"a1", "a2", "b", "1 of them", "all of a*", "1 of _*"}) {
    atoms.emplace_back(atom);
    atoms.push_back(std::string("not ") + atom);
  }
  Strings out = atoms;
  for (const char* atom : {"any of a*", "all of them", "1 of a1", "all of *1", "1 of none*",
                           "all of none*", "not not b", "not (not b)", "((b))", "1 of *"})
    out.emplace_back(atom);
  for (const std::string& x : atoms) {
    for (const std::string& y : atoms) {
      for (const char* first : {" and ", " or "}) {
        out.push_back(x + first + y);
        out.push_back("not (" + x + first + y + ")");
        for (const char* z : {"a1", "not b", "_c"}) {
          for (const char* second : {" and ", " or "}) {
            out.push_back(x + first + y + second + z);
            out.push_back("(" + x + first + y + ")" + second + z);
            out.push_back(x + first + "not (" + y + second + z + ")");
          }
        }
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("small worlds: conditions over all truth values of their detections") {
  World world;
  const std::string detections =
      "  a1: {F: x}\n  a2: {G|exists: true}\n  b: {H: null}\n  _c: {F|contains: y}\n";
  for (const std::string& condition : small_conditions())
    world.rules.push_back(rule_text(world.rules.size(), "{product: windows}",
                                    detections + "  condition: " + condition));
  world.rules.push_back(rule_text(world.rules.size(), "{product: windows}",
                                  detections + "  condition: [a1 and a2, not b]"));
  for (const char* f : {"x", "y", "z"})
    for (const bool g : {false, true})
      for (const bool h : {false, true}) {
        std::vector<JsonMember> members = {{"F", text(f)}};
        if (g) members.emplace_back("G", text("1"));
        if (h) members.emplace_back("H", text("1"));
        world.events.push_back(sysmon_event(std::move(members)));
      }
  expect_agreement(world, 20'000);
}

TEST_CASE("small worlds: lists and maps in each other") {
  World world;
  const Strings leaves = {
      "{F: a}", "{G: b}", "{F: a, G: b}", "{F: [a, b], 'G|neq': b}", "{'F|all': ['*a', 'b*']}",
      "b"};
  for (const std::string& x : leaves)
    for (const std::string& y : leaves)
      for (const std::string& z : leaves)
        for (const char* condition : {"s", "not s", "s and t", "s or not t"})
          world.rules.push_back(
              rule_text(world.rules.size(), "{product: windows}",
                        "  s: [" + x + ", " + y + "]\n  t: " + z + "\n  condition: " + condition));
  for (const char* f : {"", "a", "b", "ba"})
    for (const char* g : {"", "a", "b"}) {
      world.events.push_back(sysmon_event({{"F", text(f)}, {"G", text(g)}}));
      world.events.push_back(sysmon_event({{"G", JsonValue::array({text(f), text(g)})}}));
    }
  expect_agreement(world, 5'000);
}

TEST_CASE("small worlds: a rule reads the logs that its logsource takes in") {
  World world;
  for (const char* product : {"", "product: windows", "product: linux"})
    for (const char* service : {"", "service: sysmon", "service: security", "service: system"})
      for (const char* category : {"", "category: process_creation", "category: dns_query"})
        for (const char* detection : {"  s: {F: a}", "  s: [a]", "  s: {F|neq: b}"}) {
          std::string logsource;
          for (const std::string part : {product, service, category})
            if (!part.empty()) logsource += (logsource.empty() ? "{" : ", ") + part;
          if (logsource.empty()) continue;
          world.rules.push_back(rule_text(world.rules.size(), logsource + "}",
                                          std::string(detection) + "\n  condition: s"));
        }
  for (const char* channel :
       {"Microsoft-Windows-Sysmon/Operational", "MICROSOFT-WINDOWS-SYSMON/OPERATIONAL"})
    for (const char* id : {"1", "11", "22"})
      for (const JsonValue& event_id : {JsonValue::number(id), text(id)})
        world.events.push_back(JsonValue::object(
            {{"F", text("a")}, {"Channel", text(channel)}, {"EventID", event_id}}));
  for (const auto& [channel, id] :
       std::vector<std::pair<const char*, const char*>>{{"Security", "4624"},
                                                        {"security", "4624"},
                                                        {"System", "7045"},
                                                        {"Some Vendor/Log", "1"}})
    world.events.push_back(
        JsonValue::object({{"Channel", text(channel)}, {"EventID", text(id)}, {"F", text("A")}}));
  expect_agreement(world, 200);
}
