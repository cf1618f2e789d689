// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/language/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/uuid.h"
#include "core/event/level.h"
#include "stages/store/search/language/terms.h"

namespace tocsin::store::search {
namespace {

constexpr std::array<std::pair<std::string_view, Field>, 15> kFields = {{
    {"host", Field::kHost},
    {"user", Field::kUser},
    {"rule", Field::kRule},
    {"level", Field::kLevel},
    {"tactic", Field::kTactic},
    {"technique", Field::kTechnique},
    {"class", Field::kClass},
    {"channel", Field::kChannel},
    {"provider", Field::kProvider},
    {"code", Field::kCode},
    {"event_id", Field::kEventId},
    {"trace_id", Field::kTraceId},
    {"status", Field::kStatus},
    {"assignee", Field::kAssignee},
    {"time", Field::kTime},
}};

constexpr std::array<std::string_view, 4> kStatuses = {"new", "in_progress", "closed",
                                                       "false_positive"};

std::string field_list() {
  std::string out;
  for (const auto& [name, field] : kFields) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::optional<Field> field_of(std::string_view name) {
  const std::string fold = folded_value(name);
  for (const auto& [known, field] : kFields)
    if (known == fold) return field;
  return std::nullopt;
}

// What is wrong with the value of the field; empty when the term took it.
std::string set_level(Term& term, std::string_view value) {
  const auto level = parse_level(folded_value(value));
  if (!level)
    return fmt::format("'{}' is no level: informational, low, medium, high or critical is expected",
                       value);
  term.value = to_string(*level);
  return {};
}

std::string set_id(Term& term, std::string_view value) {
  const auto id = Uuid::parse(value);
  if (!id) return fmt::format("'{}' is no id: a UUID or 32 hex digits are expected", value);
  term.value.assign(reinterpret_cast<const char*>(id->bytes.data()), id->bytes.size());
  return {};
}

std::string set_status(Term& term, std::string_view value) {
  std::string fold = folded_value(value);
  std::replace(fold.begin(), fold.end(), '-', '_');
  if (!is_status(fold))
    return fmt::format("'{}' is no status: new, in_progress, closed or false_positive is expected",
                       value);
  term.value = fold;
  return {};
}

std::string set_time(Term& term, std::string_view value, UnixNanos now) {
  const auto time = parse_moment(value, now);
  if (!time)
    return fmt::format("'{}' is no time: RFC 3339, -15m, -24h, -7d or now is expected", value);
  term.time = *time;
  return {};
}

std::string set_value(Term& term, std::string_view value, UnixNanos now) {
  if (value.empty() && term.field != Field::kAssignee)
    return fmt::format("a value of '{}' is expected", search::field_name(term.field));
  switch (term.field) {
    case Field::kText:
      term.words = words(value);
      return term.words.empty() ? std::string("a word to search for is expected") : std::string();
    case Field::kLevel:
      return set_level(term, value);
    case Field::kEventId:
    case Field::kTraceId:
      return set_id(term, value);
    case Field::kStatus:
      return set_status(term, value);
    case Field::kTime:
      return set_time(term, value, now);
    case Field::kTactic:
    case Field::kClass:
      term.value = slug(value);
      return {};
    default:
      term.value = folded_value(value);
      return {};
  }
}

bool takes_prefix(Field field) {
  return field != Field::kLevel && field != Field::kEventId && field != Field::kTraceId &&
         field != Field::kStatus && field != Field::kTime;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Recursive descent; the grammar is in the header.
class Parser {
 public:
  Parser(std::string_view text, UnixNanos now) : text_(text), now_(now) {}

  tl::expected<Query, QueryError> run() {
    if (text_.size() > kQueryBytes)
      return wrong(kQueryBytes, fmt::format("the query is longer than {} bytes", kQueryBytes));
    skip();
    if (at_end()) return Query{};
    auto root = either(0);
    if (!root) return tl::unexpected(std::move(root).error());
    if (!at_end()) return wrong(at_, "unexpected ')': nothing was opened");
    return Query{.root = std::move(*root)};
  }

 private:
  using Parsed = tl::expected<Node, QueryError>;

  static tl::unexpected<QueryError> wrong(std::size_t position, std::string message) {
    return tl::unexpected(QueryError{position, std::move(message)});
  }

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  void skip() {
    while (!at_end() && is_space(peek())) ++at_;
  }

  // A keyword stands by itself: "ORDER" is a word.
  [[nodiscard]] bool sees(std::string_view keyword) const {
    if (!text_.substr(at_).starts_with(keyword)) return false;
    const std::size_t end = at_ + keyword.size();
    return end == text_.size() || is_space(text_[end]) || text_[end] == '(' || text_[end] == ')' ||
           text_[end] == '"';
  }
  bool take(std::string_view keyword) {
    if (!sees(keyword)) return false;
    at_ += keyword.size();
    skip();
    return true;
  }

  Parsed either(int depth) { return list(depth, Node::Kind::kOr); }

  // Operands with OR between them, each of operands with AND or nothing between them.
  Parsed list(int depth, Node::Kind kind) {
    Node node{.kind = kind, .term = {}, .children = {}};
    do {
      Parsed child = kind == Node::Kind::kOr ? list(depth, Node::Kind::kAnd) : one(depth);
      if (!child) return child;
      node.children.push_back(std::move(*child));
    } while (another(kind));
    if (node.children.size() == 1) return std::move(node.children.front());
    return node;
  }

  bool another(Node::Kind kind) {
    if (kind == Node::Kind::kOr) return take("OR");
    if (take("AND")) return true;
    return !at_end() && peek() != ')' && !sees("OR");
  }

  Parsed one(int depth) {
    if (depth > kDepthMax) return wrong(at_, "the query is nested too deeply");
    const std::size_t start = at_;
    const bool minus =
        !at_end() && peek() == '-' && at_ + 1 < text_.size() && !is_space(text_[at_ + 1]);
    if (minus) ++at_;
    if (minus || take("NOT")) {
      Parsed child = one(depth + 1);
      if (!child) return child;
      Node node{.kind = Node::Kind::kNot, .term = {}, .children = {}};
      node.children.push_back(std::move(*child));
      return node;
    }
    if (!at_end() && peek() == '(') return group(depth, start);
    if (at_end() || peek() == ')' || sees("AND") || sees("OR"))
      return wrong(at_, "expected a word, a field or '('");
    return term();
  }

  Parsed group(int depth, std::size_t start) {
    ++at_;
    skip();
    Parsed inner = either(depth + 1);
    if (!inner) return inner;
    if (at_end()) return wrong(start, "this '(' is never closed: expected ')'");
    ++at_;
    skip();
    return inner;
  }

  Parsed term() {
    if (++terms_ > kTermsMax)
      return wrong(at_, fmt::format("the query has more than {} terms", kTermsMax));
    Node node;
    if (auto field = field_name_here(); !field)
      return tl::unexpected(std::move(field).error());
    else
      node.term.field = *field;
    if (node.term.field != Field::kText) {
      if (auto status = comparison(node.term); !status)
        return tl::unexpected(std::move(status).error());
    }
    const std::size_t start = at_;
    auto value = read_value(node.term);
    if (!value) return tl::unexpected(std::move(value).error());
    if (std::string problem = set_value(node.term, *value, now_); !problem.empty())
      return wrong(start, std::move(problem));
    skip();
    return node;
  }

  // The field before a ':'; kText when there is none. "C:\Windows" and "http://" are text.
  tl::expected<Field, QueryError> field_name_here() {
    std::size_t end = at_;
    while (end < text_.size() && (text_[end] == '_' || (text_[end] >= 'a' && text_[end] <= 'z') ||
                                  (text_[end] >= 'A' && text_[end] <= 'Z')))
      ++end;
    if (end == at_ || end >= text_.size() || text_[end] != ':') return Field::kText;
    const std::string_view name = text_.substr(at_, end - at_);
    const auto field = field_of(name);
    if (!field) {
      const std::string_view rest = text_.substr(end + 1);
      if (rest.starts_with('\\') || rest.starts_with("//")) return Field::kText;
      return wrong(at_, fmt::format("unknown field '{}'; known: {} (quote the word to search for "
                                    "it as text)",
                                    name, field_list()));
    }
    at_ = end + 1;
    return *field;
  }

  tl::expected<void, QueryError> comparison(Term& term) {
    const std::size_t start = at_;
    if (!at_end() && (peek() == '<' || peek() == '>')) {
      const bool less = peek() == '<';
      ++at_;
      const bool equal = !at_end() && peek() == '=';
      if (equal) ++at_;
      term.compare = less ? (equal ? Compare::kLessEqual : Compare::kLess)
                          : (equal ? Compare::kGreaterEqual : Compare::kGreater);
    }
    const bool compares = term.compare != Compare::kEqual;
    if (compares && term.field != Field::kLevel && term.field != Field::kTime)
      return wrong(start, fmt::format("'{}' cannot be compared by < or >; only level and time can",
                                      search::field_name(term.field)));
    if (!compares && term.field == Field::kTime)
      return wrong(start, "expected <, <=, > or >= after 'time:'");
    return {};
  }

  // A word up to a blank or parenthesis, or what stands between quotes; "*" behind it.
  tl::expected<std::string, QueryError> read_value(Term& term) {
    const std::size_t start = at_;
    if (at_end() || is_space(peek()) || peek() == ')' || peek() == '(')
      return wrong(at_,
                   fmt::format("expected a value after '{}:'", search::field_name(term.field)));
    auto value = peek() == '"' ? quoted() : tl::expected<std::string, QueryError>(bare());
    if (!value) return value;
    if (!at_end() && peek() == '*') {
      ++at_;
      if (!takes_prefix(term.field))
        return wrong(at_ - 1,
                     fmt::format("'*' is not possible with '{}'", search::field_name(term.field)));
      term.compare = Compare::kPrefix;
    }
    if (!at_end() && !is_space(peek()) && peek() != ')' && peek() != '(')
      return peek() == '*' || text_[at_ - 1] == '*'
                 ? wrong(at_ - 1, "'*' can stand at the end only")
                 : wrong(at_, "expected a blank after '\"'");
    if (value->empty() && term.compare == Compare::kPrefix)
      return wrong(start, "expected something before '*'");
    return value;
  }

  std::string bare() {
    const std::size_t start = at_;
    while (!at_end() && !is_space(peek()) && peek() != ')' && peek() != '(' && peek() != '*') ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  // \" and \\ are " and \; any other backslash is itself, for the sake of Windows paths.
  tl::expected<std::string, QueryError> quoted() {
    const std::size_t start = at_++;
    std::string out;
    while (!at_end() && peek() != '"') {
      const bool escape = peek() == '\\' && at_ + 1 < text_.size() &&
                          (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (escape) ++at_;
      out.push_back(peek());
      ++at_;
    }
    if (at_end()) return wrong(start, "this '\"' is never closed: expected '\"'");
    ++at_;
    return out;
  }

  std::string_view text_;
  UnixNanos now_;
  std::size_t at_ = 0;
  std::size_t terms_ = 0;
};

}  // namespace

tl::expected<Query, QueryError> parse_query(std::string_view text, UnixNanos now) {
  return Parser(text, now).run();
}

Error to_error(const QueryError& error) {
  return {ErrorCode::kInvalid,
          fmt::format("query, column {}: {}", error.position + 1, error.message)};
}

std::optional<UnixNanos> parse_moment(std::string_view text, UnixNanos now) {
  if (text == "now") return now;
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.size() >= 2 && digits.size() <= 8) {
    std::int64_t number = 0;
    const char* const begin = digits.data();
    const char* const end = begin + digits.size() - 1;
    const auto read = std::from_chars(begin, end, number);
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t unit = *end == 's'   ? kSecond
                              : *end == 'm' ? 60 * kSecond
                              : *end == 'h' ? 3'600 * kSecond
                              : *end == 'd' ? 86'400 * kSecond
                                            : 0;
    if (read.ec == std::errc() && read.ptr == end && number >= 0 && unit != 0 &&
        number <= std::int64_t{36'500} * 86'400 * kSecond / unit)
      return now - number * unit;
  }
  return parse_time(text);
}

Result<std::optional<Node>> any_of(Field field, const std::vector<std::string>& values) {
  if (values.empty()) return std::optional<Node>();
  Node either{.kind = Node::Kind::kOr, .term = {}, .children = {}};
  for (const std::string& value : values) {
    Node node;
    node.term.field = field;
    node.term.exact = field == Field::kHost || field == Field::kUser || field == Field::kRule;
    if (std::string problem = set_value(node.term, value, 0); !problem.empty())
      return fail(ErrorCode::kInvalid, std::move(problem));
    either.children.push_back(std::move(node));
  }
  if (either.children.size() == 1) return std::move(either.children.front());
  return std::optional<Node>(std::move(either));
}

Query both(Query left, std::optional<Node> right) {
  if (!right) return left;
  if (!left.root) return Query{.root = std::move(right)};
  Node node{.kind = Node::Kind::kAnd, .term = {}, .children = {}};
  node.children.push_back(std::move(*left.root));
  node.children.push_back(std::move(*right));
  return Query{.root = std::move(node)};
}

bool is_status(std::string_view text) {
  return std::find(kStatuses.begin(), kStatuses.end(), text) != kStatuses.end();
}

std::string_view field_name(Field field) {
  for (const auto& [name, known] : kFields)
    if (known == field) return name;
  return "text";
}

}  // namespace tocsin::store::search
