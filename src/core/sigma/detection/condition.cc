// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/sigma/detection/aggregation.h"
#include "core/sigma/detection/lowering.h"
#include "core/sigma/pattern.h"

namespace tocsin::sigma {
namespace {

struct Token {
  std::string_view text;
  std::size_t at = 0;
};

constexpr std::size_t kBytePairsPerStep = 64;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '*' || c == '.';
}

// A parse that failed unwinds by `error_`; what is returned then does not matter.
class Parser {
 public:
  explicit Parser(const ConditionInput& input) : input_(input) {}

  tl::expected<Expr, ConditionError> run() {
    if (input_.text.size() > kConditionBytesMax)
      set_error(0, "condition.too_long", "the condition has more than 1 MiB",
                "use '1 of' and 'all of' with patterns");
    if (error_ || !tokenize()) return tl::unexpected(*error_);
    if (tokens_.empty())
      set_error(0, "condition.empty", "the condition is empty",
                "name a detection: condition: selection");
    Expr expr = error_ ? Expr{} : parse_or(0);
    if (!error_ && next_ < tokens_.size())
      set_error(tokens_[next_].at, "condition.syntax",
                fmt::format("unexpected '{}'", tokens_[next_].text),
                "join detections with 'and' or 'or'");
    if (error_) return tl::unexpected(*error_);
    return expr;
  }

 private:
  void set_error(std::size_t at, std::string code, std::string message, std::string hint) {
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
                  correlation_hint(text.substr(i + 1), input_.timeframe));
        return false;
      } else if (c == '?') {
        set_error(i, "condition.syntax", "'?' is no wildcard in a condition",
                  "patterns of names know '*' only: write 1 of selection_*");
        return false;
      } else {
        set_error(i, "condition.syntax",
                  static_cast<unsigned char>(c) < 0x80 && c >= ' '
                      ? fmt::format("unexpected character '{}'", c)
                      : std::string("unexpected character"),
                  std::string_view("<>=%,").find(c) != std::string_view::npos
                      ? "a condition knows detections, and, or, not, '1 of', 'all of' and "
                        "parentheses; to count or to order events write a correlation rule"
                      : "names of detections consist of letters, digits, '_', '-' and '.'");
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
      if (lower_ascii(token.text) != keyword) return false;
      input_.warn({token.at, "condition.case",
                   fmt::format("'{}' should be written '{}'", token.text, keyword),
                   "other tools refuse operators in upper case"});
    }
    ++next_;
    return true;
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
    if (depth > kConditionDepthMax) {
      set_error(next_ < tokens_.size() ? tokens_[next_].at : end(), "condition.depth",
                "more than 200 parentheses and 'not' inside each other",
                "give parts of the condition names as detections");
      return {};
    }
    if (!accept("not")) return parse_primary(depth);
    return negate(parse_not(depth + 1));
  }

  Expr parse_primary(int depth) {
    if (error_) return {};
    if (next_ >= tokens_.size()) {
      set_error(end(), "condition.syntax", "the condition ends where a detection is expected",
                "add the name of a detection, or remove the operator before the end");
      return {};
    }
    if (tokens_[next_].text == ")") {
      set_error(tokens_[next_].at, "condition.syntax", "')' where a detection is expected",
                "put the name of a detection before it, or remove it");
      return {};
    }
    if (accept("(")) {
      Expr expr = parse_or(depth + 1);
      if (!error_ && !accept(")"))
        set_error(next_ < tokens_.size() ? tokens_[next_].at : end(), "condition.syntax",
                  "missing ')'", "close each '('");
      return expr;
    }
    const Token token = tokens_[next_];
    if (next_ + 1 < tokens_.size() && lower_ascii(tokens_[next_ + 1].text) == "of")
      return parse_of();
    ++next_;
    const auto found = input_.detections.index.find(token.text);
    if (found == input_.detections.index.end()) {
      set_error(token.at, "condition.unknown_detection",
                fmt::format("no detection is named '{:.80}'", token.text),
                "names are case-sensitive; a pattern needs '1 of' or 'all of' before it");
      return {};
    }
    return use(input_.detections.all[found->second], token.at);
  }

  // A copy of the detection, as long as the rule does not grow beyond its limit.
  Expr use(NamedDetection& detection, std::size_t at) {
    detection.used = true;
    if (detection.nodes > input_.nodes_left) {
      set_error(at, "condition.too_large",
                "the conditions grow beyond 1,000,000 nodes (4,000,000 in all rules of a file)",
                "repeat large detections less often");
      return {};
    }
    input_.nodes_left -= detection.nodes;
    return detection.expr;
  }

  Expr parse_of() {
    const Token quantity = tokens_[next_];
    const std::string word = lower_ascii(quantity.text);
    next_ += 2;
    if (word != "1" && word != "any" && word != "all") {
      set_error(quantity.at, "condition.quantifier",
                fmt::format("'{} of' is not known", quantity.text), "use '1 of' or 'all of'");
      return {};
    }
    if (next_ >= tokens_.size()) {
      set_error(end(), "condition.syntax", "a pattern or 'them' must follow 'of'",
                "write 'of them' or 'of selection_*'");
      return {};
    }
    const Token target = tokens_[next_++];
    if (target.text == "(" || target.text == ")") {
      set_error(target.at, "condition.syntax",
                fmt::format("'{} of' takes a pattern or 'them', no parentheses", word),
                word == "all"
                    ? "join them with 'and' instead, or name a pattern: all of selection_*"
                    : "join them with 'or' instead, or name a pattern: 1 of selection_*");
      return {};
    }
    std::vector<Expr> chosen;
    const Pattern pattern = Pattern::parse(target.text);
    for (NamedDetection& detection : input_.detections.all) {
      spend_steps(target, detection.name);
      if (error_) return {};
      if (selects(target.text, pattern, detection.name))
        chosen.push_back(use(detection, target.at));
    }
    if (chosen.empty()) {
      // Of nothing, none matches: '1 of' and 'all of' are both false, so the rule stays silent.
      input_.warn({target.at, "condition.empty_pattern",
                   fmt::format("no detection matches '{}'", target.text),
                   "this part of the condition never matches: add a detection, or remove it"});
      Expr never;
      never.kind = Expr::Kind::kOr;
      return never;
    }
    return join(word == "all" ? Expr::Kind::kAnd : Expr::Kind::kOr, std::move(chosen));
  }

  // Each comparison counts, and so does what a long pattern may do to a long name.
  void spend_steps(const Token& target, const std::string& name) {
    const std::size_t steps = 1 + target.text.size() * name.size() / kBytePairsPerStep;
    std::size_t& left = input_.detections.steps_left;
    if (steps > left)
      set_error(target.at, "condition.too_large",
                "the condition's patterns are compared with more than 20,000,000 names",
                "use fewer patterns, fewer detections, or shorter names");
    left -= std::min(steps, left);
  }

  static bool selects(std::string_view target, const Pattern& pattern, const std::string& name) {
    if (target == "them") return !name.starts_with('_');
    if (target == name) return true;
    if (name.starts_with('_') && !target.starts_with('_')) return false;
    return pattern.matches(name);
  }

  const ConditionInput& input_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::optional<ConditionError> error_;
};

}  // namespace

void Detections::build_index() {
  index.clear();
  for (std::size_t i = 0; i < all.size(); ++i) index.emplace(all[i].name, i);
}

tl::expected<Expr, ConditionError> parse_condition(const ConditionInput& input) {
  return Parser(input).run();
}

}  // namespace tocsin::sigma
