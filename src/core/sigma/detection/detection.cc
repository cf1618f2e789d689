// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/sigma/detection/condition.h"
#include "core/sigma/detection/value.h"

namespace tocsin::sigma {
namespace {

using yaml::Mark;
using yaml::Node;

class DetectionReader {
 public:
  DetectionReader(Lowering& lowering, const Node& map, const DetectionOptions& options)
      : lowering_(lowering), map_(map), options_(options) {}

  std::optional<Expr> run() {
    const Node* condition = map_.find("condition");
    if (condition == nullptr || condition->scalar_type() == yaml::ScalarType::kNull)
      return error("rule.no_condition", map_.mark, "there is no condition",
                   "add one: condition: selection");
    read_detections();
    if (detections_.all.empty())
      return error("detection.empty", map_.mark, "there are no detections besides the condition",
                   "add one: selection: {Field: value}");
    if (const Node* timeframe = map_.find("timeframe")) {
      timeframe_ = timeframe->scalar;
      if (condition->scalar.find('|') == std::string::npos)
        lowering_.warning("detection.timeframe", timeframe->mark,
                          "a timeframe has no meaning in a rule of its own",
                          "write a correlation rule with a timespan, or remove it");
    }
    std::vector<Expr> queries;
    const std::size_t granted = std::min(kRuleExprNodesMax, lowering_.budget.expr_nodes);
    nodes_left_ = granted;
    detections_.steps_left = lowering_.budget.condition_steps;
    for (const Node* query : queries_of(*condition))
      if (auto expr = read_condition(*query)) queries.push_back(*std::move(expr));
    lowering_.budget.expr_nodes -= granted - nodes_left_;
    lowering_.budget.condition_steps = detections_.steps_left;
    if (lowering_.failed) return std::nullopt;
    for (std::size_t i = 0; i < detections_.all.size(); ++i)
      if (!detections_.all[i].used)
        lowering_.warning(
            "detection.unused", marks_[i],
            fmt::format("the condition does not use '{:.80}'", detections_.all[i].name),
            "use it in the condition, or remove it");
    return join(Expr::Kind::kOr, std::move(queries));
  }

 private:
  std::nullopt_t error(std::string code, Mark mark, std::string message, std::string hint) {
    lowering_.error(std::move(code), mark, std::move(message), std::move(hint));
    return std::nullopt;
  }

  bool is_reserved(std::string_view name) const {
    return name == "condition" || name == "timeframe" ||
           std::find(options_.reserved.begin(), options_.reserved.end(), name) !=
               options_.reserved.end();
  }

  // Each detection is lowered once; the condition may use it many times.
  void read_detections() {
    for (const auto& [key, value] : map_.members) {
      if (is_reserved(key.scalar)) continue;
      Expr expr = lower_detection(value);
      const std::size_t nodes = count_nodes(expr);
      detections_.all.push_back({key.scalar, std::move(expr), nodes, false});
      marks_.push_back(key.mark);
    }
    detections_.build_index();
  }

  std::vector<const Node*> queries_of(const Node& condition) {
    if (condition.is_scalar()) return {&condition};
    std::vector<const Node*> out;
    for (const Node& item : condition.items) out.push_back(&item);
    if (out.empty())
      error("rule.no_condition", condition.mark, "there is no condition",
            "write the condition as text, or as a list of texts");
    if (out.size() > 1 && options_.one_condition)
      error("filter.condition", condition.mark, "a filter has exactly one condition",
            "join them with 'and' or 'or'");
    return out;
  }

  // Where a byte of a condition stands in the file, as far as it is written on one line.
  static Mark position(const Node& node, std::size_t at) {
    Mark mark = node.mark;
    const bool on_one_line = node.scalar.find('\n') == std::string::npos;
    if (on_one_line) mark.column += at + (node.plain ? 0 : 1);
    return mark;
  }

  std::optional<Expr> read_condition(const Node& node) {
    if (!node.is_scalar())
      return error("condition.syntax", node.mark, "a condition must be text",
                   "write condition: selection");
    auto expr =
        parse_condition({node.scalar, detections_, nodes_left_, timeframe_, [&](ConditionError e) {
                           lowering_.warning(std::move(e.code), position(node, e.at),
                                             std::move(e.message), std::move(e.hint));
                         }});
    if (expr) return *std::move(expr);
    ConditionError& e = expr.error();
    return error(std::move(e.code), position(node, e.at), std::move(e.message), std::move(e.hint));
  }

  Expr empty(const Node& node) {
    error("detection.empty", node.mark, "a detection is empty", "give it items, or remove it");
    return {};
  }

  Expr lower_detection(const Node& node) {
    if (node.is_map()) return lower_map(node);
    if (node.is_scalar()) return lower_item(lowering_, "", node.mark, node);
    if (node.items.empty()) return empty(node);
    std::vector<Expr> any;
    for (const Node& item : node.items) any.push_back(lower_detection(item));
    return join(Expr::Kind::kOr, std::move(any));
  }

  Expr lower_map(const Node& node) {
    if (node.members.empty()) return empty(node);
    std::vector<Expr> all;
    for (const auto& [key, value] : node.members)
      all.push_back(lower_item(lowering_, key.scalar, key.mark, value));
    return join(Expr::Kind::kAnd, std::move(all));
  }

  Lowering& lowering_;
  const Node& map_;
  const DetectionOptions& options_;
  Detections detections_;
  std::vector<Mark> marks_;  // of the detections' names
  std::string timeframe_;
  std::size_t nodes_left_ = 0;
};

}  // namespace

std::optional<Expr> lower_detections(Lowering& lowering, const Node& map,
                                     const DetectionOptions& options) {
  return DetectionReader(lowering, map, options).run();
}

}  // namespace tocsin::sigma
