// SPDX-License-Identifier: Apache-2.0
//
// The compiled engine against the plain evaluator: the same rules must fire, whatever the rules and
// the event.
#include "stages/match/engine.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "core/sigma/evaluate.h"
#include "core/sigma/parse.h"
#include "seed.h"

using namespace tocsin;

namespace {

const sigma::Taxonomy& taxonomy() { return sigma::Taxonomy::built_in(); }
std::uint32_t process_route() {
  return taxonomy().windows_route("Microsoft-Windows-Sysmon/Operational", "1");
}

std::string pick(std::mt19937& random, const std::vector<std::string>& choices) {
  return choices[random() % choices.size()];
}

std::string random_word(std::mt19937& random, std::size_t length_max) {
  std::string text(random() % (length_max + 1), ' ');
  for (char& c : text) c = "abAB*?\\-/1"[random() % 10];
  return text;
}

std::string quoted(std::string text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string random_item(std::mt19937& random) {
  static const std::vector<std::string> kFields = {"F", "G", "H"};
  static const std::vector<std::string> kModifiers = {"",
                                                      "|contains",
                                                      "|startswith",
                                                      "|endswith",
                                                      "|contains|all",
                                                      "|cased",
                                                      "|contains|cased",
                                                      "|neq",
                                                      "|contains|windash",
                                                      "|startswith|windash",
                                                      "|endswith|cased"};
  const std::string field = pick(random, kFields);
  switch (random() % 12) {
    case 0:
      return field + ": null";
    case 1:
      return fmt::format("'{}|exists': {}", field, random() % 2 == 0);
    case 2:
      return fmt::format("'{}|re': '{}'", field,
                         pick(random, {"a+b", ":[^b]", "/a?1", "-b|-a", "(?i)ba.*/", "[ab]{4}1",
                                       "1.*1.*1", "(?:-|/)[ab]", "(a1|-)/", "aab.*b1?$"}));
    case 3:
      return fmt::format("'{}|gt': {}", field, random() % 3);
    case 4:
      return fmt::format("'{}|fieldref{}': {}", field,
                         pick(random, {"", "|startswith", "|endswith", "|contains", "|cased"}),
                         pick(random, kFields));
    default:
      break;
  }
  std::string values;
  for (std::size_t i = 0; i <= random() % 3; ++i)
    values += (values.empty() ? "" : ", ") + quoted(random_word(random, 5));
  return fmt::format("'{}{}': [{}]", field, pick(random, kModifiers), values);
}

std::string random_rule(std::mt19937& random, int number) {
  static const std::vector<std::string> kConditions = {"a",
                                                       "a and b",
                                                       "a or b",
                                                       "a and not b",
                                                       "not a",
                                                       "1 of them",
                                                       "all of them",
                                                       "a and (b or not c)",
                                                       "not (a or b)",
                                                       "(a and b) or (b and c)"};
  static const std::vector<std::string> kLogsources = {
      "{category: process_creation, product: windows}", "{product: windows, service: sysmon}",
      "{product: windows}", "{product: linux}"};
  std::string detection;
  for (const char* name : {"a", "b", "c"}) {
    if (random() % 8 == 0) {
      detection += fmt::format("  {}: [{}]\n", name, quoted("k" + random_word(random, 2)));
      continue;
    }
    detection += fmt::format("  {}: {{{}", name, random_item(random));
    detection += "}\n";
  }
  return fmt::format(
      "title: r{0}\nid: 00000000-0000-4000-8000-{0:012}\nlogsource: {1}\ndetection:\n{2}  "
      "condition: {3}\n",
      number, pick(random, kLogsources), detection, pick(random, kConditions));
}

}  // namespace

TEST_CASE("engine: fires what the plain evaluator fires, on random rules and events") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::size_t fired = 0;
  for (int world = 0; world < 60; ++world) {
    std::vector<sigma::Rule> rules;
    for (int i = 0; i < 40; ++i) {
      const auto parsed = sigma::parse_rules(random_rule(random, i), "random.yml");
      for (const auto& rule : parsed.rules) rules.push_back(rule);
    }
    REQUIRE(rules.size() > 20);
    // Half of the worlds let all literals wait that need not be asked first.
    const match::EngineOptions options{world % 2 == 0 ? std::size_t{100} : 0};
    const auto engine = match::Engine::build(rules, taxonomy(), options);
    match::Matcher matcher(engine);
    for (int e = 0; e < 60; ++e) {
      NormalizedEvent event;
      event.route = process_route();
      std::vector<std::string> texts;
      // Of very many values not all is remembered, and of one field's no rule's literals wait
      // alone.
      const std::size_t count = random() % 40 == 0 ? 1'100 : random() % 5;
      const bool one_field = count > 5 && random() % 2 == 0;
      texts.reserve(count);
      for (std::size_t v = 0; v < count; ++v) {
        texts.push_back(random() % 6 == 0 ? std::to_string(random() % 4) : random_word(random, 8));
        // Of long values a candidate's literals are asked one by one.
        if (random() % 20 == 0) texts.back() += std::string(1'500, 'b') + random_word(random, 4);
        const FieldId field =
            engine->fields().find(one_field ? "F" : pick(random, {"F", "G", "H", "Other"}));
        const ValueKind kind = random() % 8 == 0 ? ValueKind::kNull : ValueKind::kString;
        event.values.push_back(
            {field, kind, kind == ValueKind::kNull ? std::string_view() : texts.back()});
      }
      std::vector<match::RuleIndex> want;
      for (match::RuleIndex i = 0; i < rules.size(); ++i)
        if (sigma::Taxonomy::reads(rules[i].logsource, taxonomy().routes()[event.route]) &&
            sigma::matches(engine->rules()[i], engine->fields(), event.values))
          want.push_back(i);
      fired += want.size();
      for (std::size_t again = 0; again <= random() % 3; ++again) {
        const auto got = matcher.match(event);
        CHECK(std::vector<match::RuleIndex>(got.begin(), got.end()) == want);
      }
    }
  }
  CHECK(fired > 1000);
}

TEST_CASE("engine: a rule reads only the events of its logsource") {
  const auto rule = [](std::string_view id, std::string_view logsource) {
    return sigma::parse_rules(
               fmt::format(
                   "title: t{0}\nid: 00000000-0000-4000-8000-00000000000{0}\nlogsource: {1}\n"
                   "detection: {{s: {{A: x}}, condition: s}}\n",
                   id, logsource),
               "l.yml")
        .rules.at(0);
  };
  const auto engine = match::Engine::build(
      {rule("1", "{product: windows, category: process_creation}"),
       rule("2", "{product: windows, service: security}"), rule("3", "{product: windows}"),
       rule("4", "{category: process_creation}"), rule("5", "{product: linux}"),
       rule("6", "{product: windows, category: registry_event}"),
       rule("7", "{product: windows, service: sysmon}")},
      taxonomy());
  match::Matcher matcher(engine);
  struct Case {
    std::string_view channel, id;
    std::vector<match::RuleIndex> want;
  };
  const Case cases[] = {
      {"Microsoft-Windows-Sysmon/Operational", "1", {0, 2, 3, 6}},
      {"MICROSOFT-windows-sysmon/operational", "13", {2, 5, 6}},
      {"Security", "4688", {0, 1, 2, 3}},
      {"security", "4624", {1, 2}},
      {"Some-Vendor/Log", "1", {2}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.channel);
    NormalizedEvent event;
    event.route = taxonomy().windows_route(c.channel, c.id);
    event.values.push_back({engine->fields().find("A"), ValueKind::kString, "x"});
    const auto got = matcher.match(event);
    CHECK(std::vector<match::RuleIndex>(got.begin(), got.end()) == c.want);
  }
  NormalizedEvent unknown;
  unknown.values.push_back({engine->fields().find("A"), ValueKind::kString, "x"});
  CHECK(matcher.match(unknown).empty());
}

TEST_CASE("engine: evidence names the values that made the rule match") {
  const auto parsed = sigma::parse_rules(
      "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: windows}\n"
      "detection:\n  s: {Image|endswith: \\a.exe, CommandLine|contains: evil}\n  f: {User: bob}\n"
      "  condition: s and not f\n",
      "e.yml");
  const auto engine = match::Engine::build(parsed.rules, taxonomy());
  match::Matcher matcher(engine);
  NormalizedEvent event;
  event.route = process_route();
  event.values = {{engine->fields().find("Image"), ValueKind::kString, "C:\\A.exe"},
                  {engine->fields().find("User"), ValueKind::kString, "alice"},
                  {engine->fields().find("CommandLine"), ValueKind::kString, "do EVIL"}};
  REQUIRE(matcher.match(event).size() == 1);
  const auto evidence = matcher.evidence(0);
  REQUIRE(evidence.size() == 2);
  CHECK(evidence[0].field == "Image");
  CHECK(evidence[1].value == "do EVIL");
}

TEST_CASE("engine: a long value is evidence, whether its tests were made at once or on demand") {
  const auto parsed = sigma::parse_rules(
      "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: windows}\n"
      "detection:\n  s: {Image|endswith: \\a.exe, 'CommandLine|re': 'ev[ia]l\\s*:'}\n"
      "  w: {Image|endswith: \\a.exe, CommandLine: '*evil*:*once*'}\n"
      "  k: ['*very*evil*']\n  condition: s or w or k\n",
      "e.yml");
  REQUIRE(parsed.rules.size() == 1);
  const auto engine = match::Engine::build(parsed.rules, taxonomy());
  match::Matcher matcher(engine);
  const std::string padding(3'000, 'x');
  const std::string hit = padding + "evil : once", miss = padding + "evil; once";
  NormalizedEvent event;
  event.route = process_route();
  const FieldId line = engine->fields().find("CommandLine");
  // Few such values are looked through, many are sorted by what they may satisfy.
  for (const std::size_t misses : {1, 1, 1, 1, 40, 40}) {
    CAPTURE(misses);
    event.values = {{engine->fields().find("Image"), ValueKind::kString, "C:\\A.exe"}};
    event.values.insert(event.values.end(), misses, {line, ValueKind::kString, miss});
    event.values.push_back({line, ValueKind::kString, hit});
    REQUIRE(matcher.match(event).size() == 1);
    const auto evidence = matcher.evidence(0);
    REQUIRE(evidence.size() == 2);
    CHECK(evidence[0].field == "Image");
    CHECK(evidence[1].value == hit);
    CHECK(matcher.evidence(0).size() == 2);
    event.values.pop_back();
    CHECK(matcher.match(event).empty());
    event.values.erase(event.values.begin());
    event.values.push_back({line, ValueKind::kString, hit});
    CHECK(matcher.match(event).empty());
  }
}

TEST_CASE("engine: of an event that is dear to search, evidence is what decided") {
  // The literals of `i` are asked for first, so that those of `s` wait until `i` holds.
  std::string literals;
  for (int i = 0; i < 150; ++i) literals += fmt::format("{}'literal{:03}'", i > 0 ? ", " : "", i);
  const auto parsed = sigma::parse_rules(
      "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: windows}\n"
      "detection:\n  i: {Image|endswith: \\a.exe}\n  s: {CommandLine|contains: [" +
          literals + "]}\n  w: {CommandLine: '*x?literal149*'}\n  condition: i and (s or w)\n",
      "e.yml");
  REQUIRE(parsed.rules.size() == 1);
  const auto engine = match::Engine::build(parsed.rules, taxonomy());
  match::Matcher matcher(engine);
  const FieldId line = engine->fields().find("CommandLine");
  std::vector<std::string> texts;
  for (int i = 0; i < 3'000; ++i) texts.push_back(fmt::format("nothing {}", i));
  texts[2'000] = "a LITERAL007 here";
  texts[2'500] = "a literal007 there";
  NormalizedEvent event;
  event.route = process_route();
  const auto fill = [&](std::size_t from, std::size_t count) {
    event.values = {{engine->fields().find("Image"), ValueKind::kString, "C:\\A.exe"}};
    for (std::size_t i = from; i < from + count; ++i)
      event.values.push_back({line, ValueKind::kString, texts[i]});
  };
  fill(0, 3'000);
  REQUIRE(matcher.match(event).size() == 1);
  auto evidence = matcher.evidence(0);
  REQUIRE(evidence.size() == 2);
  CHECK(evidence[0].field == "Image");
  CHECK(evidence[1].value == "a LITERAL007 here");
  fill(0, 2'000);
  CHECK(matcher.match(event).empty());
  fill(1'990, 511);  // few enough for all that hold to be shown
  REQUIRE(matcher.match(event).size() == 1);
  CHECK(matcher.evidence(0).size() == 3);
  fill(0, 1'500);
  CHECK(matcher.match(event).empty());

  SUBCASE("a value of megabytes") {
    const std::string huge = std::string(2'000'000, 'x') + "xxliteral149" + std::string(9, 'y');
    event.values = {{engine->fields().find("Image"), ValueKind::kString, "C:\\A.exe"},
                    {line, ValueKind::kString, huge}};
    REQUIRE(matcher.match(event).size() == 1);
    evidence = matcher.evidence(0);
    REQUIRE(evidence.size() == 2);
    CHECK(evidence[1].value.size() == 8 * 1024 + 3);
    CHECK(evidence[1].value.ends_with("..."));
  }
}

TEST_CASE("engine: alerts of one event show less once they have shown much") {
  std::vector<sigma::Rule> rules;
  for (int i = 0; i < 60; ++i) {
    const auto parsed = sigma::parse_rules(
        fmt::format(
            "title: t\nid: 00000000-0000-4000-8000-{:012}\nlogsource: {{product: windows}}\n"
            "detection: {{s: {{CommandLine|contains: 'word{:02}'}}, condition: s}}\n",
            i, i),
        "e.yml");
    rules.push_back(parsed.rules.at(0));
  }
  const auto engine = match::Engine::build(rules, taxonomy());
  match::Matcher matcher(engine);
  std::string text;
  for (int i = 0; i < 60; ++i) text += fmt::format("word{:02} ", i);
  text += std::string(20'000, '.');
  NormalizedEvent event;
  event.route = process_route();
  event.values = {{engine->fields().find("CommandLine"), ValueKind::kString, text}};
  for (int again = 0; again < 2; ++again) {
    const auto matched = matcher.match(event);
    const std::vector<match::RuleIndex> those(matched.begin(), matched.end());
    REQUIRE(those.size() == 60);
    std::size_t all = 0;
    for (const match::RuleIndex rule : those) {
      const auto evidence = matcher.evidence(rule);
      REQUIRE(evidence.size() == 1);
      CHECK(evidence[0].value.size() >= 200);
      all += evidence[0].value.size();
    }
    CHECK(all > 60'000);
    CHECK(all < 100'000);
  }
}

TEST_CASE("engine: long lists of literals that stand in each other fire as each of them would") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::size_t fired = 0;
  for (int world = 0; world < 20; ++world) {
    // A literal may be named again elsewhere, where it must not be mistaken for a shorter one.
    std::string lists;
    for (const char* name : {"a", "b"}) {
      std::string items;
      for (int i = 0; i < 100; ++i)
        items += (i > 0 ? ", " : "") + quoted("x" + random_word(random, 6));
      lists += fmt::format("  {}: {{F|contains{}: [{}]}}\n", name,
                           random() % 4 == 0 ? "|cased" : "", items);
    }
    lists += fmt::format("  c: {{F|contains: {}}}\n", quoted("x" + random_word(random, 4)));
    const auto parsed = sigma::parse_rules(
        "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: windows}\n"
        "detection:\n" +
            lists + "  condition: " +
            pick(random, {"a", "a and not c", "a and b", "a or c", "not a and b", "1 of them"}) +
            "\n",
        "i.yml");
    REQUIRE(parsed.rules.size() == 1);
    const auto engine = match::Engine::build(parsed.rules, taxonomy());
    match::Matcher matcher(engine);
    for (int e = 0; e < 100; ++e) {
      const std::string text = "x" + random_word(random, 5) + "x" + random_word(random, 5);
      NormalizedEvent event;
      event.route = process_route();
      event.values = {{engine->fields().find("F"), ValueKind::kString, text}};
      const bool want = sigma::matches(engine->rules()[0], engine->fields(), event.values);
      fired += want ? 1 : 0;
      CAPTURE(text);
      CHECK(matcher.match(event).size() == (want ? 1 : 0));
    }
  }
  CHECK(fired > 100);
  CHECK(fired < 1'900);
}

TEST_CASE("engine: two arrays are compared as their values are, one by one") {
  const unsigned seed = tests::seed_wanted();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const char* modifier : {"", "|startswith", "|endswith", "|contains", "|cased"}) {
    CAPTURE(modifier);
    const auto parsed =
        sigma::parse_rules(fmt::format("title: t\nid: 00000000-0000-4000-8000-000000000001\n"
                                       "logsource: {{product: windows}}\n"
                                       "detection: {{s: {{'F|fieldref{}': G}}, condition: s}}\n",
                                       modifier),
                           "f.yml");
    REQUIRE(parsed.rules.size() == 1);
    const auto engine = match::Engine::build(parsed.rules, taxonomy());
    match::Matcher matcher(engine);
    std::size_t fired = 0;
    for (int e = 0; e < 60; ++e) {
      std::vector<std::string> texts(120);
      NormalizedEvent event;
      event.route = process_route();
      const std::size_t length = 4 + static_cast<std::size_t>(e) / 3;
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const bool of_f = i % 2 == 0;
        for (std::size_t n = length + (of_f ? random() % 4 : 0); n > 0; --n)
          texts[i] += "abAB"[random() % 4];
        event.values.push_back(
            {engine->fields().find(of_f ? "F" : "G"), ValueKind::kString, texts[i]});
      }
      const bool want = sigma::matches(engine->rules()[0], engine->fields(), event.values);
      fired += want ? 1 : 0;
      CHECK(matcher.match(event).size() == (want ? 1 : 0));
    }
    CHECK(fired > 0);
    CHECK(fired < 60);
  }
}

TEST_CASE("engine: looks at a rule's condition are counted and timed") {
  const auto parsed = sigma::parse_rules(
      "title: asked each time\nid: 00000000-0000-4000-8000-000000000001\n"
      "logsource: {product: windows}\ndetection:\n  a: {'F|contains': x, 'G|fieldref': H}\n"
      "  condition: a\n---\n"
      "title: never asked\nid: 00000000-0000-4000-8000-000000000002\n"
      "logsource: {product: windows}\ndetection:\n  a: {F: other}\n  condition: a\n",
      "r.yml");
  const auto engine = match::Engine::build(parsed.rules, taxonomy());
  match::Matcher matcher(engine);
  NormalizedEvent event;
  event.route = process_route();
  for (const char* field : {"F", "G", "H"})
    event.values.push_back({engine->fields().find(field), ValueKind::kString, "x"});
  for (int i = 0; i < 40; ++i) CHECK(matcher.match(event).size() == 1);
  std::vector<match::Matcher::RuleWork> work;
  matcher.take_work(work);
  REQUIRE(work.size() == 1);
  CHECK(work[0].rule == 0);
  CHECK(work[0].evaluated >= 40);
  CHECK(work[0].nanoseconds > 0);
  work.clear();
  matcher.take_work(work);
  CHECK(work.empty());
}

TEST_CASE("engine: remembered values do not leak between fields or events") {
  const auto parsed = sigma::parse_rules(
      "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: windows}\n"
      "detection: {s: {A: x, B: y}, condition: s}\n",
      "m.yml");
  const auto engine = match::Engine::build(parsed.rules, taxonomy());
  match::Matcher matcher(engine);
  const FieldId a = engine->fields().find("A");
  const FieldId b = engine->fields().find("B");
  NormalizedEvent event;
  event.route = process_route();
  for (int round = 0; round < 3; ++round) {
    event.values = {{a, ValueKind::kString, "x"}};
    CHECK(matcher.match(event).empty());
    event.values = {{a, ValueKind::kString, "y"}, {b, ValueKind::kString, "x"}};
    CHECK(matcher.match(event).empty());
    event.values = {{a, ValueKind::kString, "x"}, {b, ValueKind::kString, "y"}};
    CHECK(matcher.match(event).size() == 1);
  }
}
