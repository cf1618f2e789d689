// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/modifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {
namespace {

template <class Value, std::size_t kSize>
std::optional<Value> look_up(const std::array<std::pair<std::string_view, Value>, kSize>& table,
                             std::string_view name) {
  for (const auto& [word, value] : table)
    if (word == name) return value;
  return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, Step>, 10> kSteps = {{
    {"contains", Step::kContains},
    {"startswith", Step::kStartsWith},
    {"endswith", Step::kEndsWith},
    {"windash", Step::kWindash},
    {"base64", Step::kBase64},
    {"base64offset", Step::kBase64Offset},
    {"utf16le", Step::kUtf16Le},
    {"wide", Step::kUtf16Le},
    {"utf16be", Step::kUtf16Be},
    {"utf16", Step::kUtf16},
}};
constexpr std::array<std::pair<std::string_view, bool Modifiers::*>, 4> kGeneric = {{
    {"all", &Modifiers::all},
    {"cased", &Modifiers::cased},
    {"neq", &Modifiers::neq},
    {"expand", &Modifiers::expand},
}};
constexpr std::array<std::pair<std::string_view, bool Modifiers::*>, 6> kRegexFlags = {{
    {"i", &Modifiers::ignore_case},
    {"ignorecase", &Modifiers::ignore_case},
    {"m", &Modifiers::multi_line},
    {"multiline", &Modifiers::multi_line},
    {"s", &Modifiers::dot_all},
    {"dotall", &Modifiers::dot_all},
}};
constexpr std::array<std::pair<std::string_view, Op>, 4> kCompare = {{
    {"lt", Op::kLess},
    {"lte", Op::kLessEqual},
    {"gt", Op::kGreater},
    {"gte", Op::kGreaterEqual},
}};
constexpr std::array<std::pair<std::string_view, TimePart>, 6> kTimeParts = {{
    {"minute", TimePart::kMinute},
    {"hour", TimePart::kHour},
    {"day", TimePart::kDay},
    {"week", TimePart::kWeek},
    {"month", TimePart::kMonth},
    {"year", TimePart::kYear},
}};
constexpr std::array<std::pair<std::string_view, ValueType>, 4> kTypes = {{
    {"re", ValueType::kRegex},
    {"cidr", ValueType::kCidr},
    {"fieldref", ValueType::kFieldRef},
    {"exists", ValueType::kExists},
}};

bool is_position(Step step) {
  return step == Step::kContains || step == Step::kStartsWith || step == Step::kEndsWith;
}

constexpr std::string_view kUnknownHint =
    "known: all cased neq exists contains startswith endswith windash re (i m s) base64 "
    "base64offset utf16 utf16le utf16be wide lt lte gt gte minute hour day week month year cidr "
    "expand fieldref";

// Takes one modifier after the other; says why one does not fit.
class KeyReader {
 public:
  explicit KeyReader(ItemKey& out) : key_(out), m_(out.modifiers) {}

  std::optional<KeyError> take(std::string_view name, std::size_t at) {
    at_ = at;
    name_ = name;
    if (const auto flag = look_up(kGeneric, name)) return take_generic(*flag);
    if (const auto step = look_up(kSteps, name)) return take_step(*step);
    if (const auto type = look_up(kTypes, name)) return take_type(*type);
    if (const auto flag = look_up(kRegexFlags, name)) {
      if (m_.type != ValueType::kRegex)
        return problem(fmt::format("'{}' needs 're' before it", name), "write |re|" + name_);
      m_.*(*flag) = true;
      return std::nullopt;
    }
    if (const auto op = look_up(kCompare, name)) {
      if (m_.compare) return problem("two comparisons in one key", "write one item for each");
      m_.compare = *op;
      return take_number();
    }
    if (const auto part = look_up(kTimeParts, name)) {
      if (m_.time_part != TimePart::kNone)
        return problem("two parts of a time in one key", "write one item for each");
      m_.time_part = *part;
      return take_number();
    }
    return KeyError{at, "modifier.unknown", fmt::format("unknown modifier '{}'", name),
                    std::string(lower_ascii(name) == name ? kUnknownHint
                                                          : "modifiers are written in lower case")};
  }

  std::optional<KeyError> finish() {
    if (m_.type == ValueType::kRegex && m_.cased && m_.ignore_case)
      return problem("'cased' and 'i' contradict each other", "leave one of them out");
    const bool needs_field = m_.type == ValueType::kExists || m_.type == ValueType::kFieldRef ||
                             m_.type == ValueType::kCidr || m_.type == ValueType::kNumber;
    if (key_.field.empty() && needs_field)
      return problem("this modifier needs a field", "write the field's name before the '|'");
    return std::nullopt;
  }

 private:
  std::optional<KeyError> problem(std::string message, std::string hint) const {
    return KeyError{at_, "modifier.combination", std::move(message), std::move(hint)};
  }

  std::optional<KeyError> take_generic(bool Modifiers::* flag) {
    if (flag == &Modifiers::expand && m_.type != ValueType::kText && m_.type != ValueType::kRegex)
      return problem("'expand' fills in text and regular expressions only",
                     "write expand before the other modifier");
    if (m_.*flag)
      return problem(fmt::format("'{}' is given twice", name_), "leave one of them out");
    m_.*flag = true;
    return std::nullopt;
  }

  std::optional<KeyError> take_step(Step step) {
    const bool fits =
        m_.type == ValueType::kText ||
        (is_position(step) && (m_.type == ValueType::kRegex || m_.type == ValueType::kFieldRef));
    if (!fits)
      return problem(fmt::format("'{}' changes a text, and there is none here", name_),
                     "write text modifiers before others, or leave them out");
    const bool encodes = step == Step::kBase64 || step == Step::kBase64Offset;
    if (encodes && std::any_of(m_.steps.begin(), m_.steps.end(), is_position))
      return problem(fmt::format("'{}' cannot encode the wildcards that stand before it", name_),
                     fmt::format("write |{}|contains", name_));
    m_.steps.push_back(step);
    return std::nullopt;
  }

  std::optional<KeyError> take_type(ValueType type) {
    const bool only_positions = std::all_of(m_.steps.begin(), m_.steps.end(), is_position);
    const bool fits = m_.type == ValueType::kText &&
                      (m_.steps.empty() || (type == ValueType::kFieldRef && only_positions)) &&
                      !(m_.expand && (type == ValueType::kFieldRef || type == ValueType::kExists));
    if (!fits)
      return problem(fmt::format("'{}' needs the value as it is written", name_),
                     fmt::format("write '{}' first and leave out text modifiers", name_));
    m_.type = type;
    return std::nullopt;
  }

  std::optional<KeyError> take_number() {
    const bool fits = (m_.type == ValueType::kText && m_.steps.empty() && !m_.expand) ||
                      m_.type == ValueType::kNumber;
    if (!fits)
      return problem(fmt::format("'{}' compares numbers and cannot follow a text modifier", name_),
                     "leave the other modifier out");
    m_.type = ValueType::kNumber;
    return std::nullopt;
  }

  ItemKey& key_;
  Modifiers& m_;
  std::size_t at_ = 0;
  std::string name_;
};

}  // namespace

bool Modifiers::has(Step step) const {
  return std::find(steps.begin(), steps.end(), step) != steps.end();
}

std::optional<KeyError> parse_key(std::string_view key, ItemKey& out) {
  std::size_t bar = key.find('|');
  out.field = key.substr(0, bar);
  KeyReader reader(out);
  std::size_t count = 0;
  while (bar != std::string_view::npos) {
    const std::size_t start = bar + 1;
    bar = key.find('|', start);
    if (++count > kModifiersMax)
      return KeyError{start, "modifier.too_many", "more than 16 modifiers in one key",
                      "leave some out"};
    if (auto error = reader.take(key.substr(start, std::min(bar, key.size()) - start), start))
      return error;
  }
  return reader.finish();
}

}  // namespace tocsin::sigma
