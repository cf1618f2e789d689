// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/sigma/pattern.h"

namespace tocsin::sigma {
namespace {

constexpr int kDepthMax = 200;

struct Token {
  std::string_view text;
  std::size_t at = 0;
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '*' || c == '?' || c == '.';
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// A parse that failed unwinds by `error_`; what is returned then does not matter.
class Parser {
 public:
  explicit Parser(const ConditionInput& input) : input_(input) {}

  tl::expected<Expr, ConditionError> run() {
    if (!tokenize()) return tl::unexpected(*error_);
    if (tokens_.empty()) set_error(0, "condition.empty", "the condition is empty");
    Expr expr = error_ ? Expr{} : parse_or(0);
    if (!error_ && next_ < tokens_.size())
      set_error(tokens_[next_].at, "condition.syntax",
                fmt::format("unexpected '{}'", tokens_[next_].text),
                "join detections with 'and' or 'or'");
    if (error_) return tl::unexpected(*error_);
    return expr;
  }

 private:
  void set_error(std::size_t at, std::string code, std::string message, std::string hint = {}) {
    if (!error_) error_ = {at, std::move(code), std::move(message), std::move(hint)};
  }

  bool tokenize() {
    const std::string_view text = input_.text;
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++i;
      } else if (c == '(' || c == ')') {
        tokens_.push_back({text.substr(i, 1), i});
        ++i;
      } else if (is_name_char(c)) {
        const std::size_t start = i;
        while (i < text.size() && is_name_char(text[i])) ++i;
        tokens_.push_back({text.substr(start, i - start), start});
      } else if (c == '|') {
        set_error(i, "condition.aggregation", "aggregations after '|' are not part of Sigma 2",
                  "write a correlation rule instead");
        return false;
      } else {
        set_error(i, "condition.syntax", fmt::format("unexpected character '{}'", c));
        return false;
      }
    }
    return true;
  }

  std::size_t end() const { return input_.text.size(); }

  // The keyword at the front, lower case, or nothing. Upper case is accepted with a warning.
  bool accept(std::string_view keyword) {
    if (next_ >= tokens_.size()) return false;
    const Token& token = tokens_[next_];
    if (token.text != keyword) {
      if (lower(token.text) != keyword) return false;
      input_.warn({token.at, "condition.case",
                   fmt::format("'{}' should be written '{}'", token.text, keyword), ""});
    }
    ++next_;
    return true;
  }

  static Expr join(Expr::Kind kind, std::vector<Expr> children) {
    if (children.size() == 1) return std::move(children.front());
    Expr expr;
    expr.kind = kind;
    expr.children = std::move(children);
    return expr;
  }

  Expr parse_or(int depth) {
    std::vector<Expr> children;
    do {
      children.push_back(parse_and(depth));
    } while (!error_ && accept("or"));
    return join(Expr::Kind::kOr, std::move(children));
  }

  Expr parse_and(int depth) {
    std::vector<Expr> children;
    do {
      children.push_back(parse_not(depth));
    } while (!error_ && accept("and"));
    return join(Expr::Kind::kAnd, std::move(children));
  }

  Expr parse_not(int depth) {
    if (depth > kDepthMax) {
      set_error(0, "condition.depth", "the condition is nested too deeply");
      return {};
    }
    if (!accept("not")) return parse_primary(depth);
    Expr expr;
    expr.kind = Expr::Kind::kNot;
    expr.children.push_back(parse_not(depth + 1));
    return expr;
  }

  Expr parse_primary(int depth) {
    if (error_) return {};
    if (next_ >= tokens_.size()) {
      set_error(end(), "condition.syntax", "the condition ends where a detection is expected");
      return {};
    }
    if (accept("(")) {
      Expr expr = parse_or(depth + 1);
      if (!error_ && !accept(")")) set_error(end(), "condition.syntax", "missing ')'");
      return expr;
    }
    const Token token = tokens_[next_];
    if (next_ + 1 < tokens_.size() && lower(tokens_[next_ + 1].text) == "of") return parse_of();
    ++next_;
    const std::string name(token.text);
    if (std::find(input_.names.begin(), input_.names.end(), name) == input_.names.end()) {
      set_error(token.at, "condition.unknown_detection",
                fmt::format("no detection is named '{}'", name),
                "names are case-sensitive; a pattern needs '1 of' or 'all of' before it");
      return {};
    }
    return input_.detection(name);
  }

  Expr parse_of() {
    const Token quantity = tokens_[next_];
    const std::string word = lower(quantity.text);
    next_ += 2;
    if (word != "1" && word != "any" && word != "all") {
      set_error(quantity.at, "condition.quantifier",
                fmt::format("'{} of' is not known", quantity.text), "use '1 of' or 'all of'");
      return {};
    }
    if (next_ >= tokens_.size()) {
      set_error(end(), "condition.syntax", "a pattern or 'them' must follow 'of'");
      return {};
    }
    const Token target = tokens_[next_++];
    std::vector<Expr> chosen;
    for (const std::string& name : input_.names)
      if (selects(target.text, name)) chosen.push_back(input_.detection(name));
    if (chosen.empty()) {
      // Of nothing, none matches: '1 of' and 'all of' are both false, so the rule stays silent.
      input_.warn({target.at, "condition.empty_pattern",
                   fmt::format("no detection matches '{}'", target.text),
                   "this part of the condition never matches"});
      Expr never;
      never.kind = Expr::Kind::kOr;
      return never;
    }
    return join(word == "all" ? Expr::Kind::kAnd : Expr::Kind::kOr, std::move(chosen));
  }

  static bool selects(std::string_view target, const std::string& name) {
    if (target == "them") return !name.starts_with('_');
    if (target == name) return true;
    if (name.starts_with('_') && !target.starts_with('_')) return false;
    return Pattern::parse(target).matches(name);
  }

  const ConditionInput& input_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::optional<ConditionError> error_;
};

}  // namespace

tl::expected<Expr, ConditionError> parse_condition(const ConditionInput& input) {
  return Parser(input).run();
}

}  // namespace tocsin::sigma
