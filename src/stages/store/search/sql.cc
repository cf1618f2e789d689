// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "core/event/level.h"
#include "stages/store/docid.h"
#include "stages/store/schema.h"
#include "stages/store/search/terms.h"

namespace tocsin::store::search {
namespace {

constexpr int kLevels = 5;

std::string_view level_name(int index) { return to_string(static_cast<Level>(index)); }

// Indexes of the levels that the term allows.
std::vector<int> levels_of(const Term& term) {
  const int wanted = static_cast<int>(parse_level(term.value).value_or(Level::kInformational));
  std::vector<int> out;
  for (int level = 0; level < kLevels; ++level) {
    const bool holds = term.compare == Compare::kLess           ? level < wanted
                       : term.compare == Compare::kLessEqual    ? level <= wanted
                       : term.compare == Compare::kGreater      ? level > wanted
                       : term.compare == Compare::kGreaterEqual ? level >= wanted
                                                                : level == wanted;
    if (holds) out.push_back(level);
  }
  return out;
}

// ---- the language of FTS5 -------------------------------------------------------------------

// A string of FTS5: no character has a meaning inside. Words and tags hold no quote.
std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

std::string phrase(const Term& term) {
  std::string joined;
  for (const std::string& word : term.words) {
    if (!joined.empty()) joined.push_back(' ');
    joined += word;
  }
  return quoted(joined) + (term.compare == Compare::kPrefix ? "*" : "");
}

std::string any_tag(const Term& term, std::initializer_list<Tag> kinds) {
  std::string out;
  for (const Tag kind : kinds) {
    if (!out.empty()) out += " OR ";
    out += quoted(tag(kind, term.value)) + (term.compare == Compare::kPrefix ? "*" : "");
  }
  return kinds.size() == 1 ? out : "(" + out + ")";
}

std::string level_match(const Term& term) {
  std::string out;
  for (const int level : levels_of(term)) {
    if (!out.empty()) out += " OR ";
    out += quoted(tag(Tag::kLevel, level_name(level)));
  }
  // No level is below the lowest: a tag that no alert has.
  return out.empty() ? quoted(tag(Tag::kLevel, "none")) : "(" + out + ")";
}

// Empty when the index does not know the field.
std::string match_of(const Term& term) {
  switch (term.field) {
    case Field::kText:
      return phrase(term);
    case Field::kHost:
      return term.exact ? any_tag(term, {Tag::kHost})
                        : any_tag(term, {Tag::kHost, Tag::kHostShort});
    case Field::kUser:
      return term.exact ? any_tag(term, {Tag::kUser})
                        : any_tag(term, {Tag::kUser, Tag::kUserShort});
    case Field::kRule:
      return term.exact ? any_tag(term, {Tag::kRuleId})
                        : any_tag(term, {Tag::kRuleId, Tag::kRuleName});
    case Field::kLevel:
      return level_match(term);
    case Field::kTactic:
      return any_tag(term, {Tag::kTactic});
    case Field::kTechnique:
      return any_tag(term, {Tag::kTechnique});
    case Field::kClass:
      return any_tag(term, {Tag::kClass});
    case Field::kChannel:
      return any_tag(term, {Tag::kChannel});
    case Field::kProvider:
      return any_tag(term, {Tag::kProvider});
    case Field::kCode:
      return any_tag(term, {Tag::kCode});
    default:
      return {};
  }
}

std::string everything() { return quoted(tag(Tag::kAny, "")); }

// The tree as one expression; empty when a part of it is beyond the index.
std::string match_of(const Node& node) {
  if (node.kind == Node::Kind::kTerm) return match_of(node.term);
  if (node.kind == Node::Kind::kNot) {
    const std::string inner = match_of(node.children.front());
    return inner.empty() ? inner : fmt::format("({} NOT {})", everything(), inner);
  }
  std::string out;
  for (const Node& child : node.children) {
    const std::string inner = match_of(child);
    if (inner.empty()) return {};
    if (!out.empty()) out += node.kind == Node::Kind::kAnd ? " AND " : " OR ";
    out += inner;
  }
  return "(" + out + ")";
}

// ---- SQL on alerts ----------------------------------------------------------------------------

class AlertCompiler {
 public:
  AlertCompiler(AlertSql& out, std::string_view docid) : out_(out), docid_(docid) {}

  // What all rows must meet.
  void require(const Node& node) {
    if (node.kind == Node::Kind::kAnd) {
      for (const Node& child : node.children) require(child);
      return;
    }
    if (const std::string match = match_of(node); !match.empty()) {
      add(out_.match, match);
      return;
    }
    if (node.kind == Node::Kind::kTerm && node.term.field == Field::kTime)
      narrow(node.term);
    else
      add(out_.condition, condition(node));
  }

 private:
  static void add(std::string& to, const std::string& part) {
    if (!to.empty()) to += " AND ";
    to += part;
  }

  void narrow(const Term& term) {
    const auto [first, last] = docids(term);
    out_.first = std::max(out_.first, first);
    out_.last = std::min(out_.last, last);
  }

  // Both included.
  static std::pair<std::int64_t, std::int64_t> docids(const Term& term) {
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    // Times of alerts are whole microseconds here: "after t" begins with the next one.
    const std::int64_t from = docid_from(term.time);
    const std::int64_t after = first_docid(term.time) + kDocsOfMicrosecond;
    switch (term.compare) {
      case Compare::kLess:
        return {kLeast, from - 1};
      case Compare::kLessEqual:
        return {kLeast, after - 1};
      case Compare::kGreater:
        return {after, kMost};
      default:
        return {from, kMost};
    }
  }

  std::string condition(const Node& node) {
    if (const std::string match = match_of(node); !match.empty()) {
      out_.values.emplace_back(match);
      return fmt::format("{} IN (SELECT rowid FROM alert_index WHERE alert_index MATCH ?)", docid_);
    }
    switch (node.kind) {
      case Node::Kind::kTerm:
        return condition(node.term);
      case Node::Kind::kNot:
        return fmt::format("NOT ({})", condition(node.children.front()));
      default: {
        std::string out;
        for (const Node& child : node.children) {
          if (!out.empty()) out += node.kind == Node::Kind::kAnd ? " AND " : " OR ";
          out += condition(child);
        }
        return "(" + out + ")";
      }
    }
  }

  std::string condition(const Term& term) {
    switch (term.field) {
      case Field::kTime: {
        const auto [first, last] = docids(term);
        out_.values.emplace_back(first);
        out_.values.emplace_back(last);
        return fmt::format("{} BETWEEN ? AND ?", docid_);
      }
      case Field::kEventId:
        out_.values.emplace_back(Blob{term.value});
        return fmt::format("{} IN (SELECT docid FROM alerts WHERE event_id = ?)", docid_);
      case Field::kTraceId:
        out_.values.emplace_back(Blob{term.value});
        out_.values.emplace_back(Blob{term.value});
        return fmt::format(
            "{} IN (SELECT docid FROM alerts WHERE trace_id = ? AND trace_id <> event_id"
            " UNION ALL SELECT docid FROM alerts WHERE event_id = ? AND trace_id = event_id)",
            docid_);
      case Field::kStatus:
        // An alert that nobody has touched is new and has no row.
        if (term.value == "new")
          return fmt::format("{} NOT IN (SELECT docid FROM triage WHERE status <> 'new')", docid_);
        out_.values.emplace_back(term.value);
        return fmt::format("{} IN (SELECT docid FROM triage WHERE status = ?)", docid_);
      default:
        return assignee(term);
    }
  }

  std::string assignee(const Term& term) {
    if (term.value.empty())
      return fmt::format("{} NOT IN (SELECT docid FROM triage WHERE assignee_folded <> '')",
                         docid_);
    out_.values.emplace_back(term.value);
    if (term.compare != Compare::kPrefix)
      return fmt::format("{} IN (SELECT docid FROM triage WHERE assignee_folded = ?)", docid_);
    out_.values.emplace_back(term.value);
    return fmt::format(
        "{} IN (SELECT docid FROM triage WHERE substr(assignee_folded, 1, length(?)) = ?)", docid_);
  }

  AlertSql& out_;
  std::string_view docid_;
};

}  // namespace

namespace {

AlertSql compile(const Query& query, const TimeRange& range, std::string_view docid_column) {
  AlertSql out;
  AlertCompiler compiler(out, docid_column);
  const auto bound = [&](Compare compare, UnixNanos time) {
    Node node;
    node.term = {.field = Field::kTime,
                 .compare = compare,
                 .value = {},
                 .words = {},
                 .time = time,
                 .exact = false};
    compiler.require(node);
  };
  if (range.from) bound(Compare::kGreaterEqual, *range.from);
  if (range.to) bound(Compare::kLess, *range.to);
  if (query.root) compiler.require(*query.root);
  return out;
}

}  // namespace

AlertSql compile_alerts(const Query& query, const TimeRange& range, std::string_view docid_column) {
  AlertSql out = compile(query, range, docid_column);
  // The full-text index cannot be asked for single rows: "+" keeps the planner from it.
  if (!out.match.empty() && !out.condition.empty())
    out = compile(query, range, fmt::format("+{}", docid_column));
  return out;
}

int bind_values(sqlite::Statement& statement, int index, const std::vector<Value>& values) {
  for (const Value& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
      statement.bind(index, *number);
    else if (const auto* text = std::get_if<std::string>(&value))
      statement.bind(index, *text);
    else
      statement.bind_blob(index, std::get<Blob>(value).bytes);
    ++index;
  }
  return index;
}

}  // namespace tocsin::store::search
