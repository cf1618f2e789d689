// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/decimal.h"
#include "base/utf8.h"
#include "core/sigma/detection/encoding.h"
#include "core/sigma/detection/modifier.h"
#include "core/sigma/detection/number.h"
#include "core/sigma/detection/placeholder.h"
#include "core/sigma/regex.h"

namespace tocsin::sigma {
namespace {

using yaml::Mark;
using yaml::Node;
using yaml::ScalarType;

constexpr std::array<std::string_view, 5> kDashes = {"-", "/", "\xE2\x80\x93", "\xE2\x80\x94",
                                                     "\xE2\x80\x95"};

constexpr std::size_t kTooLargeRegexCost = 400'000;
constexpr std::size_t kPatternBytes = 64;  // what one more pattern costs besides its text

std::string utf16(std::string_view text, Step step, bool first) {
  // "\uFEFF" is the byte order mark, before everything else.
  const std::string mark = step == Step::kUtf16 && first ? "\xFF\xFE" : "";
  return mark + to_utf16(text, step == Step::kUtf16Be);
}

// Each dash of `windash` written out in its five forms; empty when that would be too many.
std::vector<Pattern> without_dashes(const Pattern& pattern) {
  const std::size_t bytes = pattern.literal_text().size();
  std::vector<Pattern> done{Pattern()};
  for (const Part& part : pattern.parts()) {
    if (part.kind != PartKind::kDash) {
      for (Pattern& p : done) p.append(part.kind, part.text);
      continue;
    }
    const std::size_t grown_size = done.size() * kDashes.size();
    if (grown_size > kExpansionsMax || grown_size * bytes > kExpansionBytesMax) return {};
    std::vector<Pattern> grown;
    for (const Pattern& p : done)
      for (const std::string_view dash : kDashes)
        grown.emplace_back(p).append(PartKind::kLiteral, dash);
    done = std::move(grown);
  }
  return done;
}

class Item {
 public:
  Item(Lowering& lowering, ItemKey key, Mark mark)
      : lowering_(lowering), key_(std::move(key)), m_(key_.modifiers), mark_(mark) {}

  Expr lower(const Node& value) {
    if (m_.type == ValueType::kExists && value.is_sequence() && value.items.size() != 1)
      return error("modifier.exists_value", value.mark, "'exists' takes one true or false, no list",
                   "write true if the event must have the field, false if it must not");
    if (value.is_sequence() && value.items.empty()) {
      if (key_.field.empty())
        return error("detection.empty", value.mark, "a list of keywords is empty", "give a word");
      lowering_.warning("detection.empty_list", value.mark,
                        fmt::format("an empty list for '{}' means that the field is missing or "
                                    "null",
                                    key_.field),
                        "write null, or give values");
      Expr missing = lower_null(value);
      return m_.neq ? negate(std::move(missing)) : std::move(missing);
    }
    std::vector<Expr> items;
    for (const Node& item : value.items) {
      if (lowering_.full) break;
      items.push_back(lower_value(item, true));
    }
    if (!value.is_sequence()) items.push_back(lower_value(value, false));
    if (m_.all && items.size() == 1)
      lowering_.warning("modifier.all_single", mark_, "'all' has no effect on a single value",
                        "leave 'all' out");
    Expr expr = join(m_.all ? Expr::Kind::kAnd : Expr::Kind::kOr, std::move(items));
    return m_.neq ? negate(std::move(expr)) : std::move(expr);
  }

 private:
  Expr error(std::string code, Mark mark, std::string message, std::string hint) {
    lowering_.error(std::move(code), mark, std::move(message), std::move(hint));
    return {};
  }

  Predicate base(Op op) const {
    Predicate p;
    p.field = key_.field;
    p.op = op;
    p.cased = m_.cased;
    p.time_part = m_.time_part;
    p.mark = mark_;
    return p;
  }

  Expr lower_value(const Node& node, bool in_list) {
    if (!node.is_scalar())
      return error(
          "detection.structure", node.mark,
          fmt::format("the value of '{}' must be a scalar or a list of scalars", key_.field),
          "write nested conditions as detections of their own");
    if (node.scalar.size() > kValueBytesMax)
      return error("value.too_long", node.mark, "a value has more than 16,384 bytes",
                   "look for a shorter part of it");
    const ScalarType type = node.scalar_type();
    if (type == ScalarType::kNull) {
      if (in_list)
        lowering_.warning("detection.null_in_list", node.mark, "null stands in a list",
                          "the specification wants it alone: give it a detection of its own");
      return lower_null(node);
    }
    switch (m_.type) {
      case ValueType::kExists:
        return lower_exists(node);
      case ValueType::kFieldRef:
        return lower_fieldref(node);
      case ValueType::kNumber:
        return lower_number(node);
      case ValueType::kRegex:
        return lower_expressions(node);
      case ValueType::kCidr:
        return lower_networks(node);
      case ValueType::kText:
        break;
    }
    return lower_text(node, type);
  }

  Expr lower_null(const Node& node) {
    if (key_.field.empty())
      return error("detection.null_keyword", node.mark, "a keyword cannot be null",
                   "write a word, or the name of a field before it");
    if (m_.type != ValueType::kText || !m_.steps.empty() || m_.expand)
      return error("modifier.null", node.mark, "null cannot be changed by modifiers",
                   "leave the modifiers out, or quote the word: 'null'");
    return lowering_.add(base(Op::kNull));
  }

  Expr lower_exists(const Node& node) {
    const auto wanted = to_bool(node);
    if (!wanted)
      return error("modifier.exists_value", node.mark, "'exists' takes true or false",
                   "write true or false, without quotes");
    Expr expr = lowering_.add(base(Op::kExists));
    return *wanted ? std::move(expr) : negate(std::move(expr));
  }

  Expr lower_fieldref(const Node& node) {
    const Pattern name = Pattern::parse(node.scalar);
    if (!name.is_literal() || name.empty())
      return error("modifier.fieldref_value", node.mark,
                   "'fieldref' takes the name of a field, without wildcards",
                   "escape a * or ? that belongs to the name: \\*");
    Predicate p = base(Op::kFieldRef);
    p.other_field = name.literal_text();
    const bool starts = m_.has(Step::kStartsWith), ends = m_.has(Step::kEndsWith);
    if (m_.has(Step::kContains) || (starts && ends))
      p.ref_op = RefOp::kContains;
    else if (starts)
      p.ref_op = RefOp::kPrefix;
    else if (ends)
      p.ref_op = RefOp::kSuffix;
    return lowering_.add(std::move(p));
  }

  Expr lower_number(const Node& node) {
    Predicate p = base(m_.compare.value_or(Op::kNumberEqual));
    auto number = canonical_number(node.scalar);
    if (!number)
      return error("modifier.number", node.mark,
                   fmt::format("'{:.40}' is not a number", node.scalar),
                   "write a decimal number such as 10 or 0.5");
    p.text = *std::move(number);
    if (m_.time_part != TimePart::kNone && !Decimal::parse(p.text)->is_whole())
      return error("modifier.time_value", node.mark,
                   fmt::format("'{:.40}' is no whole number, and parts of a time are", node.scalar),
                   "write one, such as 18 with 'gte'");
    warn_of_time(p.text, node.mark);
    return lowering_.add(std::move(p));
  }

  void warn_of_time(const std::string& text, Mark mark) {
    static constexpr std::array<std::pair<int, int>, 7> kRanges = {
        {{0, 0}, {0, 59}, {0, 23}, {1, 31}, {1, 53}, {1, 12}, {1, 9999}}};
    if (m_.time_part == TimePart::kNone) return;
    const auto [low, high] = kRanges[static_cast<std::size_t>(m_.time_part)];
    const Decimal number = *Decimal::parse(text);
    if (number < *Decimal::parse(std::to_string(low)) ||
        number > *Decimal::parse(std::to_string(high)))
      lowering_.warning(
          "modifier.time_range", mark,
          fmt::format("{:.40} is never reached: the values are {} to {}", text, low, high),
          "mend the number");
  }

  // The texts that placeholders make of a regular expression or network.
  std::vector<std::string> expanded(const Node& node) {
    if (!m_.expand) return {node.scalar};
    auto texts = expand(node.scalar, lowering_.placeholders);
    if (texts && spend(*texts, node.mark)) return *std::move(texts);
    if (texts) return {};
    tell_placeholder(texts.error(), node.mark);
    return {};
  }

  bool spend(const std::vector<std::string>& texts, Mark mark) {
    std::size_t bytes = kPatternBytes * texts.size();
    for (const std::string& text : texts) bytes += text.size();
    return lowering_.spend_expansion(bytes, mark);
  }

  void tell_placeholder(const Error& e, Mark mark) {
    if (e.code == ErrorCode::kNotFound)
      error("placeholder.unresolved", mark, e.message,
            "give values with --placeholders FILE (YAML: name: [value, ...])");
    else
      error("placeholder.too_many", mark, e.message, "use fewer placeholders in one value");
  }

  Expr lower_expressions(const Node& node) {
    std::vector<Expr> items;
    for (const std::string& text : expanded(node)) {
      if (lowering_.full) break;
      items.push_back(lower_regex(text, node.mark));
    }
    return join(Expr::Kind::kOr, std::move(items));
  }

  Expr lower_regex(std::string text, Mark mark) {
    if (m_.has(Step::kStartsWith) && !m_.has(Step::kContains)) text = "^(?:" + text + ")";
    if (m_.has(Step::kEndsWith) && !m_.has(Step::kContains)) text = "(?:" + text + ")$";
    Predicate p = base(Op::kRegex);
    p.text = std::move(text);
    p.cased = true;
    p.regex_ignore_case = m_.ignore_case;
    p.regex_multi_line = m_.multi_line;
    p.regex_dot_all = m_.dot_all;
    if (lowering_.budget.regex_cost == 0)
      return error("regex.budget", mark,
                   "the regular expressions of this file are larger than 2,000,000 instructions",
                   "split the file, and lower repeat counts such as {1000}");
    const auto compiled = Regex::compile(p.text, {m_.ignore_case, m_.multi_line, m_.dot_all});
    lowering_.budget.regex_cost -=
        std::min(compiled ? (*compiled)->cost() : cost_of_failure(compiled.error(), p.text),
                 lowering_.budget.regex_cost);
    if (!compiled)
      return error(
          compiled.error().code == ErrorCode::kExhausted ? "regex.too_large" : "regex.invalid",
          mark, compiled.error().message,
          compiled.error().code == ErrorCode::kExhausted
              ? "shorten it, and lower repeat counts such as {1000}"
              : "in YAML single quotes keep backslashes: 'a\\.b'");
    if (!(*compiled)->linear_time())
      lowering_.warning("regex.backtracking", mark,
                        "this regular expression needs a backtracking matcher",
                        "avoid look-around and back references: they run under a match limit");
    p.regex = *compiled;
    return lowering_.add(std::move(p));
  }

  // In the instructions that compile in the same time.
  static std::size_t cost_of_failure(const Error& error, const std::string& expression) {
    return error.code == ErrorCode::kExhausted ? kTooLargeRegexCost : 10 + 2 * expression.size();
  }

  Expr lower_networks(const Node& node) {
    std::vector<Expr> items;
    for (const std::string& text : expanded(node)) items.push_back(lower_network(text, node.mark));
    return join(Expr::Kind::kOr, std::move(items));
  }

  Expr lower_network(const std::string& text, Mark mark) {
    const auto network = to_network(text);
    if (!network)
      return error("modifier.cidr_value", mark, fmt::format("'{:.80}' is not a network", text),
                   "write 10.0.0.0/8 or 2001:db8::/32");
    if (network->host_bits)
      return error("modifier.cidr_host_bits", mark,
                   fmt::format("'{}' has bits set behind the network part", text),
                   "set them to zero, or use /32 (IPv6: /128) for one address");
    Predicate p = base(Op::kCidr);
    p.text = network->text;
    return lowering_.add(std::move(p));
  }

  Expr lower_text(const Node& node, ScalarType type) {
    if ((type == ScalarType::kInt || type == ScalarType::kFloat) && !m_.wants_text())
      return lower_plain_number(node);
    if (is_yaml_1_1(node))
      lowering_.warning(
          "value.yaml_1_1", node.mark,
          fmt::format("'{}' is read as text here, but not by every tool", node.scalar),
          "quote it if the text is meant; else write true, false or a decimal");
    Pattern pattern = Pattern::parse(node.scalar);
    if (!m_.expand) return lower_pattern(std::move(pattern), node.mark);
    const auto patterns = expand(pattern, lowering_.placeholders);
    if (!patterns) {
      tell_placeholder(patterns.error(), node.mark);
      return {};
    }
    if (!lowering_.spend_expansion(kPatternBytes * patterns->size(), node.mark)) return {};
    std::vector<Expr> items;
    for (const Pattern& p : *patterns) {
      if (lowering_.full) break;
      items.push_back(lower_pattern(p, node.mark));
    }
    return join(Expr::Kind::kOr, std::move(items));
  }

  // Equal to numbers of its value, which events have in one form, and to a text that is written as
  // the rule writes it.
  Expr lower_plain_number(const Node& node) {
    const auto number = canonical_number(node.scalar);
    if (!number)
      return error("value.number", node.mark,
                   fmt::format("'{:.40}' is no finite number", node.scalar),
                   "quote it if the text is meant");
    std::vector<Expr> forms;
    forms.push_back(lower_pattern(Pattern::literal(*number), node.mark));
    if (*number != node.scalar)
      forms.push_back(lower_pattern(Pattern::literal(node.scalar), node.mark));
    return join(Expr::Kind::kOr, std::move(forms));
  }

  // Wildcards that stand for themselves (`*`, `?`) are kept where the encoding allows it.
  bool encode(Step step, std::vector<Pattern>& patterns, Mark mark) {
    std::vector<Pattern> next;
    for (const Pattern& p : patterns) {
      if (step == Step::kUtf16Le || step == Step::kUtf16Be || step == Step::kUtf16) {
        Pattern out;
        if (step == Step::kUtf16 && (p.empty() || p.parts()[0].kind != PartKind::kLiteral))
          out.append(PartKind::kLiteral, "\xFF\xFE");
        for (std::size_t i = 0; i < p.parts().size(); ++i)
          out.append(p.parts()[i].kind, utf16(p.parts()[i].text, step, i == 0));
        next.push_back(std::move(out));
        continue;
      }
      if (!p.is_literal()) {
        error("modifier.wildcard", mark, "a value with wildcards has no base64 form",
              "escape * and ? that stand for themselves: \\*");
        return false;
      }
      if (step == Step::kBase64) {
        next.push_back(Pattern::literal(base64(p.literal_text())));
      } else {
        for (const std::string& variant : base64_offsets(p.literal_text()))
          next.push_back(Pattern::literal(variant));
      }
    }
    patterns = std::move(next);
    return true;
  }

  bool apply(Step step, std::vector<Pattern>& patterns, Mark mark) {
    switch (step) {
      case Step::kWindash:
        for (Pattern& p : patterns) p.make_windash();
        return true;
      case Step::kContains:
        for (Pattern& p : patterns) p.add_leading_many();
        [[fallthrough]];
      case Step::kStartsWith:
        for (Pattern& p : patterns) p.add_trailing_many();
        return true;
      case Step::kEndsWith:
        for (Pattern& p : patterns) p.add_leading_many();
        return true;
      default:
        break;
    }
    std::vector<Pattern> plain;
    for (const Pattern& p : patterns) {
      std::vector<Pattern> variants = without_dashes(p);
      if (variants.empty() || plain.size() + variants.size() > kExpansionsMax) {
        error("modifier.too_many_dashes", mark,
              "windash before an encoding expands to more than 10,000 values or 4 MiB",
              "split the value: each dash has five forms");
        (void)lowering_.spend_expansion(kExpansionBytesMax, mark);
        return false;
      }
      std::move(variants.begin(), variants.end(), std::back_inserter(plain));
    }
    patterns = std::move(plain);
    return encode(step, patterns, mark);
  }

  Expr lower_pattern(Pattern pattern, Mark mark) {
    std::vector<Pattern> patterns;
    patterns.push_back(std::move(pattern));
    bool placed = false;
    for (const Step step : m_.steps) {
      placed |= step == Step::kContains || step == Step::kStartsWith || step == Step::kEndsWith;
      if (!apply(step, patterns, mark)) return {};
      std::size_t bytes = 0;
      for (const Pattern& p : patterns)
        for (const Part& part : p.parts()) bytes += part.text.size();
      const std::size_t cost = bytes + kPatternBytes * (patterns.size() - 1);
      if (!lowering_.spend_expansion(cost, mark)) return {};
      if (patterns.size() > kExpansionsMax || bytes > kExpansionBytesMax)
        return error("modifier.too_many_values", mark,
                     "the modifiers make more than 10,000 values or 4 MiB of one value",
                     "use fewer encodings");
    }
    if (key_.field.empty() && !placed) (void)apply(Step::kContains, patterns, mark);
    std::vector<Expr> items;
    for (Pattern& p : patterns) items.push_back(lower_one(std::move(p), mark));
    return join(Expr::Kind::kOr, std::move(items));
  }

  // The text of UTF-16 as an agent that reads bytes as characters would give it.
  bool make_text(Pattern& pattern, Mark mark) {
    const auto is_text = [](const Part& part) {
      return !part.text.starts_with("\xFF\xFE") && is_utf8(part.text);
    };
    if (std::all_of(pattern.parts().begin(), pattern.parts().end(), is_text)) return true;
    Pattern out;
    for (const Part& part : pattern.parts()) {
      std::string text = part.text;
      if (text.starts_with("\xFF\xFE")) text.replace(0, 2, "\xEF\xBB\xBF");
      if (!is_utf8(text)) {
        error("modifier.encoding", mark,
              "UTF-16 of other than ASCII characters is found in encoded values only",
              "add base64offset and contains");
        return false;
      }
      out.append(part.kind, text);
    }
    pattern = std::move(out);
    return true;
  }

  Expr lower_one(Pattern pattern, Mark mark) {
    if (!make_text(pattern, mark)) return {};
    const auto& parts = pattern.parts();
    const auto wildcards = std::count_if(parts.begin(), parts.end(), [](const Part& part) {
      return part.kind != PartKind::kLiteral;
    });
    if (static_cast<std::size_t>(wildcards) > kValueWildcardsMax) {
      const bool dashes = m_.has(Step::kWindash);
      return error("value.too_many_wildcards", mark,
                   dashes ? "a value has more than 256 wildcards and dashes that windash changes"
                          : "a value has more than 256 wildcards",
                   dashes ? "look for a shorter part of it" : "use a regular expression");
    }
    if (parts.size() == 1 && parts[0].kind == PartKind::kMany && !m_.steps.empty())
      lowering_.warning("value.matches_all", mark, "this matches every value of the field",
                        "write '|exists: true' if that is meant");
    return lowering_.add(classify(std::move(pattern)));
  }

  // The cheapest operator that says the same as the pattern.
  Predicate classify(Pattern pattern) const {
    Predicate p = base(Op::kWildcard);
    if (!p.cased) pattern = pattern.folded();
    const auto& parts = pattern.parts();
    const auto is = [&](std::size_t i, PartKind kind) { return parts[i].kind == kind; };
    const auto literal = [&](Op op, std::size_t i) {
      p.op = op;
      p.text = parts[i].text;
    };
    constexpr auto kLiteral = PartKind::kLiteral;
    constexpr auto kMany = PartKind::kMany;
    if (parts.empty())
      p.op = Op::kEquals;
    else if (parts.size() == 1 && is(0, kLiteral))
      literal(Op::kEquals, 0);
    else if (parts.size() == 2 && is(0, kMany) && is(1, kLiteral))
      literal(Op::kSuffix, 1);
    else if (parts.size() == 2 && is(0, kLiteral) && is(1, kMany))
      literal(Op::kPrefix, 0);
    else if (parts.size() == 3 && is(0, kMany) && is(1, kLiteral) && is(2, kMany))
      literal(Op::kContains, 1);
    else
      p.pattern = std::move(pattern);
    return p;
  }

  Lowering& lowering_;
  ItemKey key_;
  const Modifiers& m_;
  Mark mark_;
};

}  // namespace

Expr lower_item(Lowering& lowering, const std::string& key, Mark key_mark, const Node& value) {
  if (lowering.full) return {};
  ItemKey parsed;
  if (auto error = parse_key(key, parsed)) {
    Mark mark = key_mark;
    mark.column += error->at;
    lowering.error(std::move(error->code), mark, std::move(error->message), std::move(error->hint));
    return {};
  }
  return Item(lowering, std::move(parsed), key_mark).lower(value);
}

}  // namespace tocsin::sigma
