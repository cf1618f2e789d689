// SPDX-License-Identifier: Apache-2.0
#include "differential/oracle.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

#include "differential/oracle_text.h"

namespace tocsin::differential {
namespace {

using yaml::Node;

[[noreturn]] void unknown(const std::string& what) {
  throw std::logic_error("the oracle does not know " + what);
}

// ---- events -----------------------------------------------------------------------------------

void add(Observed& out, const std::string& name, const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kObject:
      out.facts.push_back({name, value.kind, ""});  // it is there, whatever it holds
      for (const auto& [key, member] : value.members)
        add(out, key == "#text" ? name : name + "." + key, member);
      return;
    case JsonValue::Kind::kArray:  // any element counts
      if (value.items.empty()) out.facts.push_back({name, value.kind, ""});
      for (const JsonValue& item : value.items) add(out, name, item);
      return;
    case JsonValue::Kind::kNumber:
      out.facts.push_back({name, value.kind, one_form(value.text)});
      break;
    default:
      out.facts.push_back({name, value.kind, value.text});
  }
  // Specification, "Field Usage" 2: names of the log without their blanks.
  std::string joined = name;
  joined.erase(std::remove(joined.begin(), joined.end(), ' '), joined.end());
  if (joined != name) out.facts.push_back({joined, value.kind, out.facts.back().text});
}

const JsonValue* find(const JsonValue& object, const std::string& key) {
  for (const auto& [name, value] : object.members)
    if (name == key) return &value;
  return nullptr;
}

}  // namespace

Observed observe(const JsonValue& event) {
  Observed out;
  if (const JsonValue* inner = find(event, "Event")) {
    for (const char* part : {"System", "EventData"})
      if (const JsonValue* group = find(*inner, part))
        for (const auto& [key, value] : group->members) add(out, key, value);
  } else if (const JsonValue* winlog = find(event, "winlog")) {
    for (const auto& [key, value] : winlog->members) {
      if (key == "channel") add(out, "Channel", value);
      if (key == "event_id") add(out, "EventID", value);
      if (key == "event_data")
        for (const auto& [name, member] : value.members) add(out, name, member);
    }
  } else {
    for (const auto& [key, value] : event.members) add(out, key, value);
  }
  for (const Observed::Fact& fact : out.facts) {
    if (fact.field == "Channel") out.channel = fact.text;
    if (fact.field == "EventID") out.event_id = fact.text;
  }
  return out;
}

namespace {

// ---- values -----------------------------------------------------------------------------------

bool is_null(const Node& node) {
  return node.plain && (node.scalar.empty() || node.scalar == "null" || node.scalar == "~");
}

struct Item {
  std::string field;  // empty: keyword, the whole event
  std::vector<std::string> modifiers;

  bool has(std::string_view name) const {
    return std::find(modifiers.begin(), modifiers.end(), name) != modifiers.end();
  }
  bool changes_text() const {
    static const std::set<std::string> kOthers = {"all", "cased", "neq", "expand"};
    return std::any_of(modifiers.begin(), modifiers.end(),
                       [](const std::string& name) { return kOthers.count(name) == 0; });
  }
};

Item split(const std::string& key) {
  Item out;
  std::stringstream parts(key);
  std::string part;
  std::getline(parts, out.field, '|');
  while (std::getline(parts, part, '|')) out.modifiers.push_back(part);
  return out;
}

class Judge {
 public:
  Judge(const Observed& event, const Placeholders& placeholders)
      : event_(event), placeholders_(placeholders) {}

  bool selection(const Node& node) const {
    if (node.is_scalar()) return item("", node);
    if (node.is_sequence())  // "All map items of a list are logically linked with OR"
      return std::any_of(node.items.begin(), node.items.end(),
                         [this](const Node& entry) { return selection(entry); });
    return std::all_of(node.members.begin(), node.members.end(), [this](const auto& member) {
      return item(member.first.scalar, member.second);
    });
  }

 private:
  bool item(const std::string& key, const Node& value) const {
    const Item item = split(key);
    std::vector<bool> results;
    for (const Node& each : value.is_sequence() ? value.items : std::vector<Node>{value})
      results.push_back(holds(item, each));
    bool result = item.has("all") ? std::all_of(results.begin(), results.end(), identity)
                                  : std::any_of(results.begin(), results.end(), identity);
    // decision: an empty list of values asks for an absent field
    if (value.is_sequence() && value.items.empty()) result = absent(item.field);
    // decision: "different from the specified values" is the opposite, also for an absent field
    return item.has("neq") ? !result : result;
  }
  static bool identity(bool b) { return b; }

  std::vector<Observed::Fact> values(const std::string& field) const {
    std::vector<Observed::Fact> out;
    for (const Observed::Fact& fact : event_.facts)
      if ((field.empty() || fact.field == field) && fact.kind < JsonValue::Kind::kArray &&
          fact.kind != JsonValue::Kind::kNull)
        out.push_back(fact);
    return out;
  }
  // "not there, or null"
  bool absent(const std::string& field) const {
    return std::none_of(event_.facts.begin(), event_.facts.end(), [&](const auto& fact) {
      return fact.field == field && fact.kind != JsonValue::Kind::kNull;
    });
  }

  bool holds(const Item& item, const Node& value) const {
    if (item.has("exists")) {
      const bool present =
          std::any_of(event_.facts.begin(), event_.facts.end(),
                      [&](const Observed::Fact& fact) { return fact.field == item.field; });
      return present == (value.scalar == "true");
    }
    if (is_null(value)) return absent(item.field);
    const std::vector<Observed::Fact> facts = values(item.field);
    return std::any_of(facts.begin(), facts.end(), [&](const Observed::Fact& fact) {
      return one_holds(item, value, fact.text);
    });
  }

  bool one_holds(const Item& item, const Node& value, const std::string& text) const {
    static const std::set<std::string> kTimes = {"minute", "hour", "day", "week", "month", "year"};
    static const std::set<std::string> kCompare = {"lt", "lte", "gt", "gte"};
    if (item.has("fieldref")) return refers(item, text, value.scalar);
    for (const std::string& time : kTimes)
      if (item.has(time)) {
        const std::optional<int> part = time_part(time, text);
        return part && compares(item, parse_number(std::to_string(*part)), value);
      }
    for (const std::string& compare : kCompare)
      if (item.has(compare)) return compares(item, parse_number(text), value);
    if (item.has("cidr")) return in_network(value.scalar, text);
    // decision: a number that is not written for a text equals what has its value, and a text that
    // is written alike
    if (value.plain && parse_number(value.scalar) && !item.changes_text() &&
        string(item, one_form(value.scalar), text))
      return true;
    for (const std::string& expanded :
         item.has("expand") ? expand(value.scalar) : std::vector<std::string>{value.scalar})
      if (item.has("re") ? regex(item, expanded, text) : string(item, expanded, text)) return true;
    return false;
  }

  static bool regex(const Item& item, const std::string& expression, const std::string& text) {
    const auto found =
        regex_found(to_code_points(expression), to_code_points(text),
                    {item.has("i") || item.has("ignorecase"),
                     item.has("m") || item.has("multiline"), item.has("s") || item.has("dotall")});
    if (!found) unknown("the regular expression " + expression);
    return *found;
  }

  static bool compares(const Item& item, const std::optional<Number>& number, const Node& value) {
    const std::optional<Number> wanted = parse_number(value.scalar);
    if (!wanted) unknown("the number " + value.scalar);
    if (!number) return false;
    const int order = compare(*number, *wanted);
    if (item.has("lt")) return order < 0;
    if (item.has("lte")) return order <= 0;
    if (item.has("gt")) return order > 0;
    if (item.has("gte")) return order >= 0;
    return order == 0;
  }

  bool refers(const Item& item, const std::string& text, const std::string& field) const {
    const auto as_is = [&](const std::string& t) {
      return item.has("cased") ? to_code_points(t) : fold(to_code_points(t));
    };
    const std::u32string a = as_is(text);
    for (const Observed::Fact& other : values(field)) {
      const std::u32string b = as_is(other.text);
      const std::size_t at = a.rfind(b);
      if (item.has("contains")     ? at != a.npos
          : item.has("startswith") ? a.compare(0, b.size(), b) == 0
          : item.has("endswith")   ? at != a.npos && at + b.size() == a.size()
                                   : a == b)
        return true;
    }
    return false;
  }

  std::vector<std::string> expand(const std::string& text) const {
    const std::size_t open = text.find('%');
    const std::size_t close = open == text.npos ? open : text.find('%', open + 1);
    if (close == text.npos) return {text};
    if (open > 0 && text[open - 1] == '\\') unknown("escaped placeholders");
    std::vector<std::string> out;
    for (const std::string& value : placeholders_.at(text.substr(open + 1, close - open - 1)))
      for (const std::string& rest : expand(text.substr(close + 1)))
        out.push_back(text.substr(0, open) + value + rest);
    return out;
  }

  static bool string(const Item& item, const std::string& wanted, const std::string& text) {
    std::vector<Elements> alternatives = {parse_wildcards(to_code_points(wanted))};
    bool bytes = false;  // whether the alternatives hold bytes instead of characters
    for (const std::string& modifier : item.modifiers) {
      if (modifier == "windash") {
        for (Elements& elements : alternatives) elements = windash(elements);
      } else if (modifier.starts_with("base64") || modifier.starts_with("utf16") ||
                 modifier == "wide") {
        alternatives = encoded(modifier, alternatives, bytes);
        bytes = !modifier.starts_with("base64");
      }
    }
    const Element many{Element::Kind::kMany, 0};
    return std::any_of(alternatives.begin(), alternatives.end(), [&](Elements elements) {
      const bool anywhere = item.has("contains") || item.field.empty();
      if (anywhere || item.has("endswith")) elements.insert(elements.begin(), many);
      if (anywhere || item.has("startswith")) elements.push_back(many);
      return matches(elements, to_code_points(text), item.has("cased"));
    });
  }

  static std::vector<Elements> encoded(const std::string& modifier,
                                       const std::vector<Elements>& from, bool from_bytes) {
    std::vector<Elements> out;
    for (const Elements& elements : from) {
      std::string bytes;
      for (const Element& e : elements) {
        if (e.kind != Element::Kind::kCharacter) unknown("encoded wildcards");
        bytes += from_bytes ? std::string(1, static_cast<char>(e.character))
                            : to_utf8(std::u32string(1, e.character));
      }
      if (modifier == "base64") out.push_back(of_bytes(base64(bytes)));
      if (modifier == "base64offset")
        for (const std::string& text : base64_at_offsets(bytes)) out.push_back(of_bytes(text));
      if (modifier == "wide" || modifier == "utf16le") out.push_back(of_bytes(utf16(bytes, false)));
      if (modifier == "utf16be") out.push_back(of_bytes(utf16(bytes, true)));
      if (modifier == "utf16") out.push_back(of_bytes("\xFF\xFE" + utf16(bytes, false)));
    }
    return out;
  }

  static Elements of_bytes(const std::string& bytes) {
    Elements out;
    for (const char c : bytes)
      out.push_back({Element::Kind::kCharacter, static_cast<unsigned char>(c)});
    return out;
  }

  const Observed& event_;
  const Placeholders& placeholders_;
};

// ---- conditions -------------------------------------------------------------------------------

bool name_fits(const std::string& pattern, const std::string& name) {
  if (pattern == "them") return name[0] != '_';
  if (name[0] == '_' && pattern[0] != '_') return false;
  return matches(parse_wildcards(to_code_points(pattern)), to_code_points(name), true);
}

class Condition {
 public:
  Condition(const std::string& text, const std::map<std::string, bool>& detections)
      : detections_(detections) {
    std::string spaced;
    for (const char c : text)
      spaced += c == '(' || c == ')' ? std::string{' ', c, ' '} : std::string{c};
    std::stringstream words(spaced);
    for (std::string word; words >> word;) words_.push_back(word);
  }

  bool holds() {
    const bool result = any();
    if (next_ != words_.size()) unknown("the condition's rest");
    return result;
  }

 private:
  bool accept(const std::string& word) {
    if (next_ >= words_.size() || words_[next_] != word) return false;
    ++next_;
    return true;
  }
  bool any() {
    bool result = all();
    while (accept("or")) result = all() || result;
    return result;
  }
  bool all() {
    bool result = negated();
    while (accept("and")) result = negated() && result;
    return result;
  }
  bool negated() { return accept("not") ? !negated() : primary(); }
  bool primary() {
    if (accept("(")) {
      const bool result = any();
      if (!accept(")")) unknown("a condition without ')'");
      return result;
    }
    const std::string word = words_.at(next_++);
    if (!accept("of")) return detections_.at(word);
    const std::string pattern = words_.at(next_++);
    std::size_t chosen = 0, true_ones = 0;
    for (const auto& [name, value] : detections_) {
      if (!name_fits(pattern, name)) continue;
      ++chosen;
      true_ones += value;
    }
    // decision: of nothing, neither "1 of" nor "all of" holds
    return word == "all" ? chosen > 0 && true_ones == chosen : true_ones > 0;
  }

  const std::map<std::string, bool>& detections_;
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

}  // namespace

bool detects(const Node& rule, const Observed& event, const Placeholders& placeholders) {
  const Node& detection = *rule.find("detection");
  const Judge judge(event, placeholders);
  std::map<std::string, bool> detections;
  for (const auto& [name, value] : detection.members)
    if (name.scalar != "condition") detections[name.scalar] = judge.selection(value);
  const Node& condition = *detection.find("condition");
  const auto holds = [&](const Node& query) { return Condition(query.scalar, detections).holds(); };
  if (condition.is_scalar()) return holds(condition);
  return std::any_of(condition.items.begin(), condition.items.end(), holds);
}

bool reads(const Node& rule, const Observed& event) {
  struct Log {
    std::string channel, event_id, product, service, category;
  };
  static const std::vector<Log> kLogs = {
      {"microsoft-windows-sysmon/operational", "1", "windows", "sysmon", "process_creation"},
      {"microsoft-windows-sysmon/operational", "11", "windows", "sysmon", "file_event"},
      {"microsoft-windows-sysmon/operational", "22", "windows", "sysmon", "dns_query"},
      {"security", "4624", "windows", "security", ""},
      {"system", "7045", "windows", "system", ""},
      {"some vendor/log", "1", "windows", "", ""},
  };
  const std::string channel = to_utf8(fold(to_code_points(event.channel)));
  const Node& logsource = *rule.find("logsource");
  for (const Log& log : kLogs) {
    if (log.channel != channel || log.event_id != event.event_id) continue;
    const auto agrees = [&](const char* key, const std::string& value) {
      const Node* wanted = logsource.find(key);
      return wanted == nullptr || wanted->scalar == value;
    };
    return agrees("product", log.product) && agrees("service", log.service) &&
           agrees("category", log.category);
  }
  unknown("the log " + event.channel + " " + event.event_id);
}

}  // namespace tocsin::differential
