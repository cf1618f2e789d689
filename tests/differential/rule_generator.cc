// SPDX-License-Identifier: Apache-2.0
#include "differential/rule_generator.h"

#include <fmt/format.h>

#include "differential/oracle_text.h"

namespace tocsin::differential {
namespace {

using Strings = std::vector<std::string>;

class Generator {
 public:
  Generator(std::mt19937& random, WorldSize size) : random_(random) {
    // Few words in many places: rules share predicates, values repeat, and both meet.
    for (int i = 0; i < 12; ++i) words_.push_back(word(1 + below(7)));
    for (int i = 0; i < 3; ++i) words_.push_back(word(20 + below(40)));
    world_.placeholders = {{"One", {word(3)}}, {"Many", {word(2), pick(words_), "x*"}}};
    for (std::size_t i = 0; i < size.rules; ++i) world_.rules.push_back(rule(i));
    for (std::size_t i = 0; i < size.events; ++i) world_.events.push_back(event());
    world_.choose = [this_random = std::mt19937(random())](unsigned n) mutable {
      return static_cast<unsigned>(this_random() % n);
    };
  }

  World take() { return std::move(world_); }

 private:
  unsigned below(std::size_t n) { return static_cast<unsigned>(random_() % n); }
  bool chance(unsigned one_in) { return below(one_in) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  std::string word(std::size_t length) {
    static const Strings kLetters = {"a",      "b",      "A",      "B",          "c",      "-",
                                     "/",      ".",      " ",      "\\",         "1",      "0",
                                     "_",      "\u00E9", "\u00C9", "\u0130",     "\u043A", "\u041A",
                                     "\u03C2", "\u03A3", "\uFF21", "\U00010400", "'",      "\"",
                                     "%",      "\u20AC"};
    std::string out;
    for (std::size_t i = 0; i < length; ++i) out += chance(3) ? pick(kLetters) : kLetters[below(5)];
    return out;
  }

  // ---- rules ----------------------------------------------------------------------------------

  std::string number() {
    static const Strings kNumbers = {"0",
                                     "1",
                                     "10",
                                     "10.0",
                                     "-1",
                                     "1.5",
                                     "4625",
                                     "100000",
                                     "-0",
                                     "1.50",
                                     "1e5",
                                     "0.000001",
                                     "9007199254740992",
                                     "9007199254740993",
                                     "1e21",
                                     "1000000000000000000000"};
    return pick(kNumbers);
  }

  // A piece of a known word, so that it is found; with wildcards now and then.
  std::string needle() {
    std::u32string text = to_code_points(chance(4) ? word(below(4)) : pick(words_));
    if (text.size() > 2 && chance(2)) {
      const std::size_t from = below(text.size());
      text = text.substr(from, 1 + below(text.size() - from));
    }
    std::string out;
    for (const char32_t c : text) {
      if (chance(14))
        out += chance(2) ? "*" : "?";
      else if (chance(40))
        out += chance(2) ? "\\*" : "\\\\";
      else
        out += to_utf8(std::u32string(1, c));
    }
    return out;
  }

  std::string field() {
    static const Strings kFields = {"F",        "G",   "H",     "c-uri", "Long Name",
                                    "LongName", "D.x", "D.y.z", "@at",   "EventID"};
    return chance(3) ? pick(kFields) : kFields[below(3)];
  }

  std::string list_of(std::size_t count, const std::function<std::string()>& value) {
    if (count == 1 && chance(2)) return value();
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ", ") + value();
    return "[" + out + "]";
  }

  std::string item(const std::string& name) {
    const auto entry = [&](const std::string& modifiers, const std::string& value) {
      return yaml_quoted(name + modifiers) + ": " + value;
    };
    const std::string neq = chance(8) ? "|neq" : "";
    switch (below(16)) {
      case 0:
        return entry(neq, chance(3) ? "[]" : "null");
      case 1:
        return entry("|exists", chance(2) ? "true" : "false");
      case 2:
        return entry(pick(Strings{"|re", "|re|i", "|re|s", "|re|i|m", "|re"}) + neq,
                     list_of(1 + below(2), [&] { return yaml_quoted(regex()); }));
      case 3:
        return entry(pick(Strings{"|lt", "|lte", "|gt", "|gte"}) + neq, number());
      case 4:
        return entry("|fieldref" +
                         pick(Strings{"", "|contains", "|startswith", "|endswith", "|cased"}) + neq,
                     yaml_quoted(field()));
      case 5:
        return entry("|cidr" + neq, list_of(1 + below(2), [&] {
                       return yaml_quoted(
                           pick(Strings{"10.0.0.0/8", "10.1.0.0/16", "fe80::/10", "::1/128"}));
                     }));
      case 6:
        return entry(
            pick(Strings{"|base64offset|contains", "|wide|base64offset|contains",
                         "|base64|contains", "|utf16be|base64offset|contains"}) +
                neq,
            list_of(1 + below(2), [&] { return yaml_quoted("w" + std::to_string(below(9))); }));
      case 7:
        return entry(
            pick(Strings{"|minute", "|hour|gte", "|day|lt", "|week", "|month|lte", "|year|gt"}) +
                neq,
            pick(Strings{"1", "12", "30", "2023"}));
      case 8:
        return entry("|expand" + pick(Strings{"", "|contains", "|startswith"}) + neq,
                     yaml_quoted(pick(Strings{"%One%", "%Many%", "a%One%", "%Many%b", "100%"})));
      case 9:
        return entry(neq, list_of(1 + below(3), [&] { return number(); }));
      default:
        return entry(pick(Strings{"", "", "|contains", "|contains", "|startswith", "|endswith",
                                  "|contains|all", "|cased", "|contains|cased", "|endswith|cased",
                                  "|windash", "|contains|windash", "|contains|all|windash",
                                  "|startswith|windash|cased", "|all"}) +
                         neq,
                     list_of(1 + below(4), [&] { return yaml_quoted(needle()); }));
    }
  }

  std::string regex() {
    static const Strings kAtoms = {"a",   "b",      ".", "[ab]", "[^a]", "\\d",
                                   "\\w", "(a|b1)", "A", "\\.",  "c",    "(ab)"};
    static const Strings kRepeats = {"", "", "", "*", "+", "?", "{1,2}", "{2}"};
    std::string out = chance(6) ? "^" : "";
    for (std::size_t i = 0; i <= below(4); ++i) out += pick(kAtoms) + pick(kRepeats);
    return out;
  }

  std::string keywords() {
    switch (below(4)) {
      case 0:
        return "{'|all': [" + yaml_quoted("k" + needle()) + ", " + yaml_quoted(needle()) + "]}";
      case 1:
        return "{'|re': " + yaml_quoted(regex()) + "}";
      case 2:
        return yaml_quoted("a" + needle());
      default:
        return "[" + yaml_quoted("a" + needle()) + ", " + yaml_quoted("b" + needle()) + "]";
    }
  }

  // A map of distinct keys, a list of maps, or keywords.
  std::string selection() {
    if (chance(9)) return keywords();
    if (chance(7)) return "[" + map() + ", " + (chance(5) ? keywords() : map()) + "]";
    return map();
  }

  std::string map() {
    std::string out;
    Strings keys;
    for (std::size_t i = 0; i <= below(3); ++i) {
      std::string one = item(field());
      const std::string key = one.substr(0, one.find(": "));
      bool known = false;
      for (const std::string& other : keys) known = known || other == key;
      if (known) continue;
      keys.push_back(key);
      out += (out.empty() ? "" : ", ") + one;
    }
    return "{" + out + "}";
  }

  std::string condition(int depth) {
    static const Strings kLeaves = {"sel_a",      "sel_b",        "filter",    "_hidden",
                                    "1 of sel_*", "all of sel_*", "1 of them", "all of them",
                                    "any of *b",  "1 of _*"};
    if (depth == 0 || chance(3)) return (chance(4) ? "not " : "") + pick(kLeaves);
    const std::string a = condition(depth - 1), b = condition(depth - 1);
    const char* const op = chance(2) ? " and " : " or ";
    return chance(2) ? a + op + b : (chance(3) ? "not (" : "(") + a + op + b + ")";
  }

  std::string rule(std::size_t index) {
    static const Strings kLogsources = {"{product: windows, category: process_creation}",
                                        "{product: windows, service: sysmon}",
                                        "{product: windows}",
                                        "{product: windows}",
                                        "{category: file_event}",
                                        "{product: windows, service: security}",
                                        "{service: sysmon, category: dns_query}",
                                        "{product: linux}"};
    std::string detection;
    for (const char* name : {"sel_a", "sel_b", "filter", "_hidden"})
      detection += fmt::format("  {}: {}\n", name, selection());
    const std::string query =
        chance(6) ? "[" + condition(1) + ", " + condition(2) + "]" : condition(2);
    return rule_text(index, pick(kLogsources), detection + "  condition: " + query);
  }

  // ---- events ---------------------------------------------------------------------------------

  std::string phrase() {
    if (chance(12)) return "";
    if (chance(10)) return pick(Strings{"10.1.2.3", "11.0.0.1", "fe80::1", "::1", "10.0.0.0"});
    if (chance(10))
      return pick(
          Strings{"2024-02-29T12:30:01Z", "2023-01-01T01:01:00.5Z", "1704067200", "1672535100000"});
    if (chance(12)) {
      const std::string text = word(below(4)) + "w" + std::to_string(below(9)) + word(below(4));
      return base64(chance(2) ? text : utf16(text, chance(2)));
    }
    std::string out;
    for (std::size_t i = 0; i <= below(3); ++i) out += pick(words_) + (chance(3) ? " " : "");
    if (chance(25)) out += word(300) + pick(words_) + word(below(3'000));
    if (chance(40)) out += "\n" + word(2);
    return out;
  }

  JsonValue value(int depth) {
    if (!recent_.empty() && chance(3)) return pick(recent_);  // values repeat
    JsonValue out;
    switch (below(14)) {
      case 0:
        out = JsonValue::null();
        break;
      case 1:
        out = JsonValue::number(chance(5) ? "1e1" : number());
        break;
      case 2:
        out = JsonValue::boolean(chance(2));
        break;
      case 3:
        out = JsonValue::string(number());
        break;
      case 4:
        if (depth == 0) return JsonValue::string(pick(words_));
        out = JsonValue::array({});
        for (std::size_t i = 0; i <= below(3); ++i) out.items.push_back(value(depth - 1));
        break;
      default:
        out = JsonValue::string(phrase());
    }
    recent_.push_back(out);
    if (recent_.size() > 40) recent_.erase(recent_.begin());
    return out;
  }

  std::vector<JsonMember> data() {
    std::vector<JsonMember> out;
    for (const char* name : {"F", "G", "H", "c-uri", "@at", "Unread", "Other"})
      if (!chance(3)) out.emplace_back(name, value(1));
    if (chance(3)) out.emplace_back("Long Name", value(0));
    if (chance(3))
      out.emplace_back(
          "D", JsonValue::object({{"x", value(1)}, {"y", JsonValue::object({{"z", value(0)}})}}));
    return out;
  }

  JsonValue event() {
    struct Log {
      const char *channel, *id;
    };
    static const std::vector<Log> kLogs = {{"Microsoft-Windows-Sysmon/Operational", "1"},
                                           {"Microsoft-Windows-Sysmon/Operational", "1"},
                                           {"Microsoft-Windows-Sysmon/Operational", "11"},
                                           {"Microsoft-Windows-Sysmon/Operational", "22"},
                                           {"Security", "4624"},
                                           {"security", "4624"},
                                           {"Some Vendor/Log", "1"}};
    const Log& log = pick(kLogs);
    const JsonValue channel = JsonValue::string(log.channel);
    const JsonValue id = chance(2) ? JsonValue::number(log.id) : JsonValue::string(log.id);
    auto fields = data();
    if (chance(4))
      return JsonValue::object(
          {{"Event", JsonValue::object(
                         {{"System", JsonValue::object({{"EventID", id}, {"Channel", channel}})},
                          {"EventData", JsonValue::object(std::move(fields))}})}});
    if (chance(4))
      return JsonValue::object(
          {{"winlog", JsonValue::object({{"channel", channel},
                                         {"event_id", id},
                                         {"event_data", JsonValue::object(std::move(fields))}})}});
    fields.insert(fields.begin() + below(fields.size() + 1), {"EventID", id});
    fields.insert(fields.begin() + below(fields.size() + 1), {"Channel", channel});
    return JsonValue::object(std::move(fields));
  }

  std::mt19937& random_;
  Strings words_;
  std::vector<JsonValue> recent_;
  World world_;
};

}  // namespace

World random_world(std::mt19937& random, WorldSize size) { return Generator(random, size).take(); }

}  // namespace tocsin::differential
