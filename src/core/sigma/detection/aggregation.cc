// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/aggregation.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {
namespace {

constexpr std::size_t kTextMax = 300;

struct Aggregation {
  std::string function, field, group, comparison, number;
};

// Words and signs, one after the other: count ( Field ) by Group > 5.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text.substr(0, kTextMax)) {}

  std::string word() {
    skip();
    std::size_t end = 0;
    while (end < text_.size() &&
           std::string_view(" \t()<>=|,").find(text_[end]) == std::string_view::npos)
      ++end;
    return cut(end);
  }
  bool accept(std::string_view token) {
    skip();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }

 private:
  void skip() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t'))
      text_.remove_prefix(1);
  }
  std::string cut(std::size_t size) {
    std::string out(text_.substr(0, size));
    text_.remove_prefix(size);
    return out;
  }
  std::string_view text_;
};

Aggregation read(std::string_view text) {
  Aggregation out;
  Reader reader(text);
  out.function = lower_ascii(reader.word());
  if (reader.accept("(")) {
    out.field = reader.word();
    (void)reader.accept(")");
  }
  if (reader.accept("by ")) {
    out.group = reader.word();
    while (reader.accept(",")) out.group += ", " + reader.word();
  }
  static constexpr std::pair<std::string_view, std::string_view> kSigns[] = {
      {">=", "gte"}, {"<=", "lte"}, {"==", "eq"}, {"=", "eq"}, {">", "gt"}, {"<", "lt"}};
  for (const auto& [sign, name] : kSigns) {
    if (!reader.accept(sign)) continue;
    out.comparison = name;
    out.number = reader.word();
    break;
  }
  return out;
}

std::string_view type_of(const Aggregation& a) {
  if (a.function == "count") return a.field.empty() ? "event_count" : "value_count";
  if (a.function == "sum") return "value_sum";
  if (a.function == "avg") return "value_avg";
  return {};
}

}  // namespace

std::string correlation_hint(std::string_view text, std::string_view timeframe) {
  const Aggregation a = read(text);
  const std::string_view span = timeframe.empty() ? "<e.g. 10m>" : timeframe;
  if (a.function == "near")
    return fmt::format(
        "write one rule for each part and a correlation rule: type: temporal, "
        "rules: [<names>], timespan: {}",
        span);
  const std::string_view type = type_of(a);
  if (type.empty() || a.comparison.empty())
    return "give the rule a name, drop what follows '|', and add a correlation rule";
  std::string hint = fmt::format(
      "drop what follows '|' and add a correlation rule: type: {}, rules: [<this rule>]", type);
  if (!a.group.empty()) hint += fmt::format(", group-by: [{}]", a.group);
  hint += fmt::format(", timespan: {}, condition: {{", span);
  if (!a.field.empty()) hint += fmt::format("field: {}, ", a.field);
  return hint + fmt::format("{}: {}}}", a.comparison, a.number);
}

}  // namespace tocsin::sigma
