// SPDX-License-Identifier: Apache-2.0
#include "search_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>

#include "stages/store/search/triage.h"
#include "stages/store/sink.h"

namespace tocsin::test {
namespace {

using namespace store::search;

const std::vector<std::string> kHosts = {"ws1.example.org", "WS2.example.org", "ws1",
                                         "10.0.0.7",        "srv-a",           ""};
const std::vector<std::string> kUsers = {"CORP\\ann", "ann", "CORP\\bob smith", "", "bob"};
const std::vector<std::string> kWords = {"powershell", "cmd",  "lsass", "C:\\Windows\\cmd.exe",
                                         "-enc",       "café", "a b",   "x;y"};
const std::vector<std::string> kTactics = {"execution", "credential-access", "stealth"};
const std::vector<std::string> kTechniques = {"T1003", "T1003.001", "T1059", "T1059.001"};
const std::vector<std::string> kRules = {"Dump of LSASS", "PowerShell -enc", "cmd / a b"};
const std::vector<std::string> kStatuses = {"new", "in_progress", "closed", "false_positive"};
const std::vector<std::string> kPeople = {"", "Ann", "bob"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : lower(text)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80)
      out.back().push_back(c);
    else if (!out.back().empty())
      out.emplace_back();
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

bool text_matches(const Term& term, std::string_view text) {
  const auto have = split_words(text);
  const auto& want = term.words;
  for (std::size_t start = 0; start + want.size() <= have.size(); ++start) {
    bool same = true;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const bool last = i + 1 == want.size();
      same &= last && term.compare == Compare::kPrefix ? have[start + i].starts_with(want[i])
                                                       : have[start + i] == want[i];
    }
    if (same) return true;
  }
  return false;
}

// An empty field is no value: it equals nothing and begins with nothing.
bool equal(const Term& term, std::string_view value) {
  const std::string have = lower(value);
  if (have.empty()) return false;
  return term.compare == Compare::kPrefix ? have.starts_with(term.value) : have == term.value;
}

bool any_text(const Term& term, const Alert& alert) {
  for (const std::string* text : {&alert.rule_name, &alert.host, &alert.user})
    if (text_matches(term, *text)) return true;
  return std::any_of(alert.matched_fields.begin(), alert.matched_fields.end(),
                     [&](const MatchedField& field) { return text_matches(term, field.value); });
}

bool host_matches(const Term& term, const std::string& host) {
  if (equal(term, host)) return true;
  const std::size_t dot = host.find('.');
  return !term.exact && dot != std::string::npos && host.find_first_not_of("0123456789") < dot &&
         equal(term, host.substr(0, dot));
}

bool user_matches(const Term& term, const std::string& user) {
  if (equal(term, user)) return true;
  const std::size_t slash = user.find('\\');
  return !term.exact && slash != std::string::npos && equal(term, user.substr(slash + 1));
}

bool level_matches(const Term& term, Level level) {
  const int have = static_cast<int>(level), want = static_cast<int>(*parse_level(term.value));
  switch (term.compare) {
    case Compare::kLess:
      return have < want;
    case Compare::kLessEqual:
      return have <= want;
    case Compare::kGreater:
      return have > want;
    case Compare::kGreaterEqual:
      return have >= want;
    default:
      return have == want;
  }
}

// Alerts are placed to the microsecond.
bool time_matches(const Term& term, UnixNanos time) {
  const std::int64_t have = time / 1'000;
  switch (term.compare) {
    case Compare::kLess:
      return have * 1'000 < term.time;
    case Compare::kLessEqual:
      return have * 1'000 <= term.time;
    case Compare::kGreater:
      return have * 1'000 > term.time;
    default:
      return have * 1'000 >= term.time;
  }
}

bool technique_matches(const Term& term, const std::vector<std::string>& techniques) {
  return std::any_of(techniques.begin(), techniques.end(), [&](const std::string& technique) {
    return equal(term, technique) || equal(term, technique.substr(0, technique.find('.')));
  });
}

std::string raw(const std::array<std::uint8_t, 16>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

bool term_matches(const Term& term, const Known& known) {
  const Alert& a = known.alert;
  switch (term.field) {
    case Field::kText:
      return any_text(term, a);
    case Field::kHost:
      return host_matches(term, a.host);
    case Field::kUser:
      return user_matches(term, a.user);
    case Field::kRule:
      return equal(term, a.rule_id) || (!term.exact && equal(term, a.rule_name));
    case Field::kLevel:
      return level_matches(term, a.level);
    case Field::kTactic:
      return std::any_of(a.tactics.begin(), a.tactics.end(),
                         [&](const std::string& tactic) { return equal(term, tactic); });
    case Field::kTechnique:
      return technique_matches(term, a.techniques);
    case Field::kClass:
      return equal(term, a.tactics.empty() ? "none" : a.tactics.front());
    case Field::kChannel:
      return equal(term, a.channel);
    case Field::kProvider:
      return equal(term, a.provider);
    case Field::kCode:
      return equal(term, a.event_code);
    case Field::kEventId:
      return raw(a.event_id.bytes) == term.value;
    case Field::kTraceId:
      return raw(a.trace_id) == term.value;
    case Field::kStatus:
      return known.status == term.value;
    case Field::kAssignee:
      return term.value.empty() ? known.assignee.empty() : equal(term, known.assignee);
    case Field::kTime:
      return time_matches(term, known.time());
  }
  return false;
}

template <class List>
bool contains(const List& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool matches(const Node& node, const Known& known) {
  const auto holds = [&](const Node& child) { return matches(child, known); };
  switch (node.kind) {
    case Node::Kind::kTerm:
      return term_matches(node.term, known);
    case Node::Kind::kNot:
      return !holds(node.children.front());
    case Node::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
  }
  return false;
}

bool matches(const AlertFilter& filter, const Known& known) {
  const std::int64_t time = known.time() / 1'000 * 1'000;
  if (filter.range.from && time < *filter.range.from) return false;
  if (filter.range.to && time >= *filter.range.to) return false;
  std::vector<std::string> hosts;
  for (const std::string& host : filter.hosts) hosts.push_back(lower(host));
  return contains(filter.statuses, known.status) && contains(hosts, lower(known.alert.host)) &&
         (filter.query.empty() || matches(*filter.query.root, known));
}

std::string text_of(const Query& query) {
  struct Writer {
    static std::string of(const Node& node) {
      if (node.kind == Node::Kind::kTerm) {
        const char* const signs[] = {"=", "=*", "<", "<=", ">", ">="};
        std::string value =
            node.term.field == Field::kTime ? std::to_string(node.term.time) : node.term.value;
        for (const std::string& word : node.term.words) value += word + "_";
        return std::string(field_name(node.term.field)) +
               signs[static_cast<std::size_t>(node.term.compare)] + value;
      }
      std::string out = node.kind == Node::Kind::kAnd  ? "(and"
                        : node.kind == Node::Kind::kOr ? "(or"
                                                       : "(not";
      for (const Node& child : node.children) out += " " + of(child);
      return out + ")";
    }
  };
  return query.root ? Writer::of(*query.root) : "(all)";
}

template <class List>
const std::string& World::any(const List& list) {
  return list[random_() % list.size()];
}

World::World(std::mt19937& random) : random_(random) {
  for (unsigned i = 0; i < 60; ++i) make_event(i);
}

std::string World::random_value() {
  std::string out = any(kWords);
  while (chance(2)) out += (chance(2) ? " " : "/") + any(kWords);
  return out;
}

void World::make_event(unsigned number) {
  Verdict v;
  v.event_id = Uuid::hashed(std::to_string(random_()) + std::to_string(number));
  v.trace_id = chance(4) ? Uuid::hashed(std::to_string(random_())).bytes : v.event_id.bytes;
  v.timestamp = chance(6) ? 0 : random_time();
  v.classified_at = random_time();
  v.host = any(kHosts);
  v.event_code = std::to_string(1 + random_() % 3);
  v.provider = chance(2) ? "Sysmon" : "";
  v.channel = chance(2) ? "Microsoft-Windows-Sysmon/Operational" : "Security";
  std::vector<std::string> rules = kRules;
  rules.resize(random_() % 3);
  for (const std::string& rule : rules) {
    Known known;
    Alert& a = known.alert;
    a.event_id = v.event_id;
    a.trace_id = v.trace_id;
    a.timestamp = v.timestamp;
    a.created = v.classified_at;
    a.host = v.host;
    a.user = any(kUsers);
    a.event_code = v.event_code;
    a.provider = v.provider;
    a.channel = v.channel;
    a.rule_name = rule;
    a.rule_id = Uuid::hashed(rule).to_string();
    a.alert_id = make_alert_id(a.event_id, a.rule_id);
    a.level = static_cast<Level>(random_() % 5);
    for (const std::string& tactic : kTactics)
      if (chance(2)) a.tactics.push_back(tactic);
    for (const std::string& technique : kTechniques)
      if (chance(3)) a.techniques.push_back(technique);
    while (chance(2)) a.matched_fields.push_back({"Field", random_value()});
    v.rules.push_back(a.rule_id);
    alerts_.push_back(std::move(known));
  }
  if (v.detected()) v.event_class = "Execution";
  verdicts_.push_back(std::move(v));
}

void World::write(const std::string& path) {
  auto sink = store::open_sqlite(path, {.fsync = false});
  REQUIRE_MESSAGE(sink.has_value(), (sink ? "" : sink.error().message));
  std::vector<Alert> plain;
  for (const Known& known : alerts_) plain.push_back(known.alert);
  std::shuffle(plain.begin(), plain.end(), random_);
  for (std::size_t at = 0; at < plain.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random_() % 20, plain.size() - at);
    const std::span<const Alert> batch(plain.data() + at, size);
    REQUIRE((*sink)->write({}, batch).has_value());
    if (chance(3)) REQUIRE((*sink)->write({}, batch).has_value());  // a replay changes nothing
    at += size;
  }
  REQUIRE((*sink)->write(verdicts_, {}).has_value());
  auto triage = Triage::open(path);
  REQUIRE(triage.has_value());
  for (Known& known : alerts_) {
    if (!chance(3)) continue;
    known.status = any(kStatuses);
    known.assignee = any(kPeople);
    REQUIRE(
        (*triage)
            ->change({{known.alert.alert_id}}, {known.status, known.assignee, "a note"}, "me", 5)
            .has_value());
  }
}

std::vector<std::size_t> World::matching(const AlertFilter& filter) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < alerts_.size(); ++i)
    if (matches(filter, alerts_[i])) out.push_back(i);
  return out;
}

namespace {

bool said_of_alerts(const Node& node) {
  if (node.kind == Node::Kind::kTerm) {
    const Field own[] = {Field::kHost, Field::kClass,   Field::kChannel, Field::kProvider,
                         Field::kCode, Field::kEventId, Field::kTraceId, Field::kTime};
    return std::find(std::begin(own), std::end(own), node.term.field) == std::end(own);
  }
  return node.kind != Node::Kind::kNot &&
         std::all_of(node.children.begin(), node.children.end(), said_of_alerts);
}

// The verdict seen as an alert: for its own fields.
Known as_known(const Verdict& v) {
  Known known;
  known.alert.event_id = v.event_id;
  known.alert.trace_id = v.trace_id;
  known.alert.host = v.host;
  known.alert.channel = v.channel;
  known.alert.provider = v.provider;
  known.alert.event_code = v.event_code;
  return known;
}

// What AND joins, AND within AND taken apart.
void flatten(const Node& node, std::vector<Node>& out) {
  if (node.kind != Node::Kind::kAnd || said_of_alerts(node)) {
    out.push_back(node);
    return;
  }
  for (const Node& child : node.children) flatten(child, out);
}

}  // namespace

bool World::one_alert_holds(const std::vector<Node>& all, const Verdict& verdict) const {
  return std::any_of(alerts_.begin(), alerts_.end(), [&](const Known& known) {
    return known.alert.event_id == verdict.event_id &&
           std::all_of(all.begin(), all.end(),
                       [&](const Node& node) { return matches(node, known); });
  });
}

bool World::holds(const Node& node, const Verdict& v) const {
  if (said_of_alerts(node)) return one_alert_holds({node}, v);
  switch (node.kind) {
    case Node::Kind::kTerm: {
      const UnixNanos time = v.timestamp != 0 ? v.timestamp : v.classified_at;
      const Term& term = node.term;
      if (term.field == Field::kTime)
        return term.compare == Compare::kLess        ? time < term.time
               : term.compare == Compare::kLessEqual ? time <= term.time
               : term.compare == Compare::kGreater   ? time > term.time
                                                     : time >= term.time;
      if (term.field == Field::kClass) return equal(term, v.event_class);
      return term_matches(term, as_known(v));
    }
    case Node::Kind::kNot:
      return !holds(node.children.front(), v);
    case Node::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(),
                         [&](const Node& child) { return holds(child, v); });
    case Node::Kind::kAnd:
      break;
  }
  std::vector<Node> parts, of_alerts;
  flatten(node, parts);
  for (const Node& part : parts) {
    if (said_of_alerts(part))
      of_alerts.push_back(part);
    else if (!holds(part, v))
      return false;
  }
  return of_alerts.empty() || one_alert_holds(of_alerts, v);
}

std::vector<Uuid> World::matching_verdicts(const Query& query, const TimeRange& range) const {
  std::vector<Uuid> out;
  for (const Verdict& v : verdicts_) {
    const UnixNanos time = v.timestamp != 0 ? v.timestamp : v.classified_at;
    if ((range.from && time < *range.from) || (range.to && time >= *range.to)) continue;
    if (query.empty() || holds(*query.root, v)) out.push_back(v.event_id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t World::number_of(const Uuid& alert_id) const {
  for (std::size_t i = 0; i < alerts_.size(); ++i)
    if (alerts_[i].alert.alert_id == alert_id) return i;
  FAIL("an alert that was never written");
  return 0;
}

UnixNanos World::random_time() {
  // Few, so that many are the same, and some apart by nanoseconds only.
  return 1'700'000'000'000'000'000 + static_cast<std::int64_t>(random_() % 40) * 977'000'000'000 +
         static_cast<std::int64_t>(random_() % 3) * 700;
}

std::vector<std::string> World::random_statuses() {
  std::vector<std::string> out;
  for (const std::string& status : kStatuses)
    if (chance(2)) out.push_back(status);
  return out;
}

std::string World::random_host() { return kHosts[random_() % (kHosts.size() - 1)]; }

Node World::random_term() {
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    return out + "\"";
  };
  const std::string star = chance(4) ? "*" : "";
  const char* const compares[] = {"<", "<=", ">", ">="};
  const Known& some = alerts_.empty() ? Known() : alerts_[random_() % alerts_.size()];
  const auto cut = [&](std::string text) {
    if (!star.empty()) text.resize(1 + random_() % std::max<std::size_t>(1, text.size()));
    while (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80) text.pop_back();
    return text.empty() ? std::string("x") : text;
  };
  std::string text;
  switch (random_() % 16) {
    case 0:
      text = "host:" + quoted(cut(random_host())) + star;
      break;
    case 1:
      text = "user:" + quoted(cut("CORP\\" + std::string(chance(2) ? "ann" : "bob smith"))) + star;
      break;
    case 2:
      text = "user:" + std::string(chance(2) ? "ann" : "BOB");
      break;
    case 3:
      text = "rule:" + quoted(chance(2) ? any(kRules) : Uuid::hashed(any(kRules)).to_string());
      break;
    case 4:
      text = "level:" + std::string(chance(2) ? compares[random_() % 4] : "") +
             std::string(to_string(static_cast<Level>(random_() % 5)));
      break;
    case 5:
      text = chance(2) ? "tactic:\"Credential Access\"" : "tactic:" + cut(any(kTactics)) + star;
      break;
    case 6:
      text = "technique:" + cut(any(kTechniques)) + star;
      break;
    case 7:
      text = chance(2) ? "class:none" : "class:" + any(kTactics);
      break;
    case 8:
      text = chance(2) ? "channel:security" : "channel:Microsoft*";
      break;
    case 9:
      text = chance(2) ? "provider:sysmon" : "code:2";
      break;
    case 10:
      text = "event_id:" + some.alert.event_id.to_string();
      break;
    case 11:
      text = "trace_id:" + Uuid{some.alert.trace_id}.to_string();
      break;
    case 12:
      text = "status:" + any(kStatuses);
      break;
    case 13:
      text = chance(3) ? "assignee:\"\"" : "assignee:" + cut(chance(2) ? "ann" : "BOB") + star;
      break;
    case 14: {
      Node node;
      node.term.field = Field::kTime;
      node.term.compare = static_cast<Compare>(2 + random_() % 4);
      node.term.time = random_time();
      return node;
    }
    default:
      text = quoted(cut(random_value())) + star;
  }
  auto parsed = parse_query(text, 0);
  if (!parsed) return random_term();  // no word in it
  return *parsed->root;
}

Node World::random_node(int depth) {
  if (depth == 0 || chance(3)) return random_term();
  Node node;
  node.kind = static_cast<Node::Kind>(1 + random_() % 3);
  const std::size_t children = node.kind == Node::Kind::kNot ? 1 : 2 + random_() % 2;
  for (std::size_t i = 0; i < children; ++i) node.children.push_back(random_node(depth - 1));
  return node;
}

Query World::random_query() {
  if (chance(12)) return {};
  return Query{random_node(3)};
}

}  // namespace tocsin::test
