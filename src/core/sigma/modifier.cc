// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/modifier.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "core/sigma/encoding.h"
#include "core/sigma/regex.h"

namespace tocsin::sigma {
namespace {

constexpr std::size_t kExpansionsMax = 10'000;

struct Modifiers {
  bool contains = false, starts = false, ends = false;
  bool all = false, cased = false, neq = false, exists = false, windash = false;
  bool expand = false, cidr = false, fieldref = false;
  bool re = false, re_i = false, re_m = false, re_s = false;
  std::optional<Op> compare;
  TimePart time_part = TimePart::kNone;
  // Value transformations in the order written: "base64", "base64offset", "utf16le", ...
  std::vector<std::string> transforms;
};

struct Key {
  std::string field;
  std::vector<std::string> modifiers;
};

Key split_key(const std::string& key) {
  Key out;
  std::size_t start = 0;
  for (bool first = true;; first = false) {
    const std::size_t bar = key.find('|', start);
    std::string part = key.substr(start, bar == std::string::npos ? bar : bar - start);
    if (first)
      out.field = std::move(part);
    else
      out.modifiers.push_back(std::move(part));
    if (bar == std::string::npos) return out;
    start = bar + 1;
  }
}

bool set_flag(Modifiers& m, std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, bool Modifiers::*>, 18> kFlags = {{
      {"contains", &Modifiers::contains},
      {"startswith", &Modifiers::starts},
      {"endswith", &Modifiers::ends},
      {"all", &Modifiers::all},
      {"cased", &Modifiers::cased},
      {"neq", &Modifiers::neq},
      {"exists", &Modifiers::exists},
      {"windash", &Modifiers::windash},
      {"expand", &Modifiers::expand},
      {"cidr", &Modifiers::cidr},
      {"fieldref", &Modifiers::fieldref},
      {"re", &Modifiers::re},
      {"i", &Modifiers::re_i},
      {"ignorecase", &Modifiers::re_i},
      {"m", &Modifiers::re_m},
      {"multiline", &Modifiers::re_m},
      {"s", &Modifiers::re_s},
      {"dotall", &Modifiers::re_s},
  }};
  for (const auto& [flag, member] : kFlags) {
    if (flag != name) continue;
    m.*member = true;
    return true;
  }
  return false;
}

bool set_value_modifier(Modifiers& m, const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, Op>, 4> kCompare = {
      {{"lt", Op::kLess},
       {"lte", Op::kLessEqual},
       {"gt", Op::kGreater},
       {"gte", Op::kGreaterEqual}}};
  for (const auto& [word, op] : kCompare) {
    if (word != name) continue;
    m.compare = op;
    return true;
  }
  static constexpr std::array<std::pair<std::string_view, TimePart>, 6> kTime = {
      {{"minute", TimePart::kMinute},
       {"hour", TimePart::kHour},
       {"day", TimePart::kDay},
       {"week", TimePart::kWeek},
       {"month", TimePart::kMonth},
       {"year", TimePart::kYear}}};
  for (const auto& [word, part] : kTime) {
    if (word != name) continue;
    m.time_part = part;
    return true;
  }
  static constexpr std::array<std::string_view, 6> kTransforms = {
      "base64", "base64offset", "utf16le", "utf16be", "utf16", "wide"};
  if (std::find(kTransforms.begin(), kTransforms.end(), name) == kTransforms.end()) return false;
  m.transforms.push_back(name);
  return true;
}

std::optional<double> to_number(std::string_view text) {
  double number = 0;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What a plain number in YAML is as text in an event: 10.0 is 10, +5 is 5.
std::string canonical_number(const yaml::Node& node) {
  if (node.scalar_type() == yaml::ScalarType::kInt)
    return node.scalar.front() == '+' ? node.scalar.substr(1) : node.scalar;
  const auto number = to_number(node.scalar);
  if (!number) return node.scalar;
  return fmt::format("{}", *number);
}

class Item {
 public:
  Item(Lowering& lowering, Key key, yaml::Mark mark)
      : lowering_(lowering), key_(std::move(key)), mark_(mark) {}

  bool read_modifiers() {
    for (const std::string& name : key_.modifiers) {
      if (set_flag(m_, name) || set_value_modifier(m_, name)) continue;
      return fail("modifier.unknown", fmt::format("unknown modifier '{}'", name),
                  "see the appendix 'Modifiers' of the Sigma specification");
    }
    if ((m_.re_i || m_.re_m || m_.re_s) && !m_.re)
      return fail("modifier.combination", "the modifiers i, m and s need 're' before them");
    if (m_.re && (m_.contains || m_.starts || m_.ends || m_.windash || !m_.transforms.empty()))
      return fail("modifier.combination", "'re' cannot be combined with string modifiers",
                  "a regular expression already matches anywhere in the value");
    if (m_.cidr && key_.modifiers.size() > 1u + m_.all + m_.neq + m_.expand)
      return fail("modifier.combination", "'cidr' stands alone");
    if (key_.field.empty() && (m_.exists || m_.fieldref || m_.cidr || m_.compare || m_.neq))
      return fail("modifier.combination", "this modifier needs a field name before it");
    if (m_.exists && key_.modifiers.size() > 1)
      return fail("modifier.combination", "'exists' stands alone");
    return true;
  }

  Expr lower(const yaml::Node& value) {
    std::vector<Expr> items;
    if (value.is_sequence()) {
      if (value.items.empty() && key_.field.empty()) {
        fail("detection.empty", "a list of keywords is empty");
        return {};
      }
      if (value.items.empty()) return lower_null();
      for (const yaml::Node& item : value.items) items.push_back(lower_value(item));
    } else {
      items.push_back(lower_value(value));
    }
    if (m_.all && items.size() == 1 && value.is_sequence())
      lowering_.warning("modifier.all_single", mark_, "'all' has no effect on a single value");
    Expr expr = join(m_.all ? Expr::Kind::kAnd : Expr::Kind::kOr, std::move(items));
    if (!m_.neq) return expr;
    Expr negated;
    negated.kind = Expr::Kind::kNot;
    negated.children.push_back(std::move(expr));
    return negated;
  }

 private:
  bool fail(std::string code, std::string message, std::string hint = {}) {
    lowering_.error(std::move(code), mark_, std::move(message), std::move(hint));
    return false;
  }

  static Expr join(Expr::Kind kind, std::vector<Expr> children) {
    if (children.size() == 1) return std::move(children.front());
    Expr expr;
    expr.kind = kind;
    expr.children = std::move(children);
    return expr;
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

  Expr lower_null() { return lowering_.add(base(Op::kNull)); }

  Expr lower_value(const yaml::Node& node) {
    if (!node.is_scalar()) {
      lowering_.error(
          "detection.structure", node.mark,
          fmt::format("the value of '{}' must be a scalar or a list of scalars", key_.field));
      return {};
    }
    const yaml::ScalarType type = node.scalar_type();
    if (m_.exists) return lower_exists(node);
    if (m_.fieldref) return lower_fieldref(node);
    if (m_.compare || m_.time_part != TimePart::kNone) return lower_compare(node);
    if (type == yaml::ScalarType::kNull) {
      if (key_.field.empty()) {
        fail("detection.null_keyword", "a keyword cannot be null");
        return {};
      }
      return lower_null();
    }
    std::string text = node.scalar;
    if (type == yaml::ScalarType::kFloat || type == yaml::ScalarType::kInt)
      text = canonical_number(node);
    if (m_.expand) return lower_expanded(text, node.mark);
    return lower_text(text, node.mark);
  }

  Expr lower_text(const std::string& text, yaml::Mark mark) {
    if (m_.re) return lower_regex(text, mark);
    if (m_.cidr) return lower_cidr(text, mark);
    return lower_string(Pattern::parse(text), mark);
  }

  Expr lower_exists(const yaml::Node& node) {
    if (node.scalar_type() != yaml::ScalarType::kBool) {
      lowering_.error("modifier.exists_value", node.mark, "'exists' takes true or false");
      return {};
    }
    Expr expr = lowering_.add(base(Op::kExists));
    if ((node.scalar[0] | 0x20) == 't') return expr;
    Expr negated;
    negated.kind = Expr::Kind::kNot;
    negated.children.push_back(std::move(expr));
    return negated;
  }

  Expr lower_fieldref(const yaml::Node& node) {
    Predicate p = base(Op::kFieldRef);
    p.other_field = node.scalar;
    if (node.scalar.find('*') != std::string::npos) {
      lowering_.error("modifier.fieldref_value", node.mark, "'fieldref' takes the name of a field");
      return {};
    }
    if (m_.contains)
      p.ref_op = RefOp::kContains;
    else if (m_.starts)
      p.ref_op = RefOp::kPrefix;
    else if (m_.ends)
      p.ref_op = RefOp::kSuffix;
    return lowering_.add(std::move(p));
  }

  Expr lower_compare(const yaml::Node& node) {
    Predicate p = base(m_.compare.value_or(Op::kNumberEqual));
    const auto number = to_number(node.scalar);
    if (!number || node.scalar_type() == yaml::ScalarType::kNull) {
      lowering_.error("modifier.number", node.mark,
                      fmt::format("'{}' is not a number", node.scalar));
      return {};
    }
    p.number = *number;
    return lowering_.add(std::move(p));
  }

  Expr lower_regex(const std::string& text, yaml::Mark mark) {
    Predicate p = base(Op::kRegex);
    p.text = text;
    p.cased = true;
    p.regex_ignore_case = m_.re_i;
    p.regex_multi_line = m_.re_m;
    p.regex_dot_all = m_.re_s;
    const auto compiled = Regex::compile(text, {m_.re_i, m_.re_m, m_.re_s});
    if (!compiled) {
      lowering_.error("regex.invalid", mark, compiled.error().message);
      return {};
    }
    if (!(*compiled)->linear_time())
      lowering_.warning("regex.backtracking", mark,
                        "this regular expression needs a backtracking matcher",
                        "avoid look-around and back references: they run under a match limit");
    return lowering_.add(std::move(p));
  }

  Expr lower_cidr(const std::string& text, yaml::Mark mark) {
    const std::size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    std::array<unsigned char, 16> bytes{};
    const bool v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
    const bool v6 = !v4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
    const int bits_max = v4 ? 32 : 128;
    const auto bits = slash == std::string::npos ? std::optional<double>(bits_max)
                                                 : to_number(text.substr(slash + 1));
    if ((!v4 && !v6) || !bits || *bits < 0 || *bits > bits_max) {
      lowering_.error("modifier.cidr_value", mark, fmt::format("'{}' is not a network", text),
                      "write 10.0.0.0/8 or 2001:db8::/32");
      return {};
    }
    for (int bit = static_cast<int>(*bits); bit < bits_max; ++bit) {
      if (bytes[static_cast<std::size_t>(bit / 8)] & (0x80 >> (bit % 8))) {
        lowering_.error("modifier.cidr_host_bits", mark,
                        fmt::format("'{}' has bits set behind the network part", text));
        return {};
      }
    }
    Predicate p = base(Op::kCidr);
    p.text = slash == std::string::npos ? fmt::format("{}/{}", text, bits_max) : text;
    return lowering_.add(std::move(p));
  }

  Expr lower_expanded(const std::string& text, yaml::Mark mark) {
    std::vector<std::string> done{""};
    std::size_t at = 0;
    while (at < text.size()) {
      if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '%') {
        for (std::string& d : done) d += '%';
        at += 2;
        continue;
      }
      const std::size_t close = text[at] == '%' ? text.find('%', at + 1) : std::string::npos;
      if (text[at] != '%' || close == std::string::npos || close == at + 1) {
        for (std::string& d : done) d += text[at];
        ++at;
        continue;
      }
      const std::string name = text.substr(at + 1, close - at - 1);
      const auto found = lowering_.placeholders.find(name);
      if (found == lowering_.placeholders.end() || found->second.empty()) {
        lowering_.error("placeholder.unresolved", mark,
                        fmt::format("no value for placeholder %{}%", name),
                        "give values with --placeholders FILE (YAML: name: [value, ...])");
        return {};
      }
      std::vector<std::string> grown;
      for (const std::string& d : done)
        for (const std::string& value : found->second) grown.push_back(d + value);
      if (grown.size() > kExpansionsMax) {
        lowering_.error("placeholder.too_many", mark,
                        "the placeholders expand to more than 10,000 values");
        return {};
      }
      done = std::move(grown);
      at = close + 1;
    }
    std::vector<Expr> items;
    for (const std::string& d : done) items.push_back(lower_text(d, mark));
    return join(Expr::Kind::kOr, std::move(items));
  }

  // Applies the value transformations; false after an error.
  bool transform(Pattern& pattern, std::vector<Pattern>& out, yaml::Mark mark) {
    out.clear();
    out.push_back(std::move(pattern));
    for (const std::string& name : m_.transforms) {
      std::vector<Pattern> next;
      for (const Pattern& p : out) {
        if (!p.is_literal()) {
          lowering_.error("modifier.wildcard", mark,
                          fmt::format("'{}' cannot be applied to a value with wildcards", name));
          return false;
        }
        const std::string text = p.literal_text();
        if (name == "base64") {
          next.push_back(Pattern::literal(base64(text)));
        } else if (name == "base64offset") {
          for (const std::string& variant : base64_offsets(text))
            next.push_back(Pattern::literal(variant));
        } else if (name == "utf16") {
          next.push_back(Pattern::literal("\xFF\xFE" + to_utf16(text, false)));
        } else {
          next.push_back(Pattern::literal(to_utf16(text, name == "utf16be")));
        }
      }
      out = std::move(next);
    }
    return true;
  }

  Expr lower_string(Pattern pattern, yaml::Mark mark) {
    if (m_.windash) pattern.make_windash();
    std::vector<Pattern> patterns;
    if (!transform(pattern, patterns, mark)) return {};
    std::vector<Expr> items;
    for (Pattern& p : patterns) {
      if (m_.contains || m_.ends || key_.field.empty()) p.add_leading_many();
      if (m_.contains || m_.starts || key_.field.empty()) p.add_trailing_many();
      items.push_back(lowering_.add(classify(std::move(p))));
    }
    return join(Expr::Kind::kOr, std::move(items));
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
      return p;
    };
    constexpr auto kLiteral = PartKind::kLiteral;
    constexpr auto kMany = PartKind::kMany;
    if (parts.empty()) {
      p.op = Op::kEquals;
      return p;
    }
    if (parts.size() == 1 && is(0, kLiteral)) return literal(Op::kEquals, 0);
    if (parts.size() == 2 && is(0, kMany) && is(1, kLiteral)) return literal(Op::kSuffix, 1);
    if (parts.size() == 2 && is(0, kLiteral) && is(1, kMany)) return literal(Op::kPrefix, 0);
    if (parts.size() == 3 && is(0, kMany) && is(1, kLiteral) && is(2, kMany))
      return literal(Op::kContains, 1);
    p.pattern = std::move(pattern);
    return p;
  }

  Lowering& lowering_;
  Key key_;
  yaml::Mark mark_;
  Modifiers m_;
};

}  // namespace

Expr Lowering::add(Predicate predicate) {
  Expr expr;
  expr.kind = Expr::Kind::kPredicate;
  expr.predicate = static_cast<std::uint32_t>(rule.predicates.size());
  rule.predicates.push_back(std::move(predicate));
  return expr;
}

Expr lower_item(Lowering& lowering, const std::string& key, yaml::Mark key_mark,
                const yaml::Node& value) {
  Item item(lowering, split_key(key), key_mark);
  if (!item.read_modifiers()) return {};
  return item.lower(value);
}

}  // namespace tocsin::sigma
