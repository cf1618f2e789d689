// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/reach.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace tocsin::sigma {
namespace {

// What an expression can become over all events of a route.
struct Can {
  bool be_true, be_false;
};

class RouteCheck {
 public:
  RouteCheck(const Taxonomy& taxonomy, const Rule& rule, const Route& route)
      : rule_(rule), route_(route) {
    fields_.insert(route.carries.begin(), route.carries.end());
    fields_.insert(taxonomy.common_fields().begin(), taxonomy.common_fields().end());
    for (const Derivation& d : route.derivations) fields_.insert(d.field);
  }

  bool can_fire() { return of(rule_.condition).be_true; }
  [[nodiscard]] const std::set<std::string>& missing() const { return missing_; }

 private:
  Can of(const Expr& e) {
    if (e.kind == Expr::Kind::kPredicate) return of(rule_.predicates[e.predicate]);
    if (e.kind == Expr::Kind::kNot) {
      const Can can = of(e.children.front());
      return {can.be_false, can.be_true};
    }
    const bool is_and = e.kind == Expr::Kind::kAnd;
    Can out{is_and, !is_and};
    for (const Expr& child : e.children) {
      const Can can = of(child);
      out.be_true = is_and ? out.be_true && can.be_true : out.be_true || can.be_true;
      out.be_false = is_and ? out.be_false || can.be_false : out.be_false && can.be_false;
    }
    return out;
  }

  Can of(const Predicate& p) {
    if (p.is_keyword()) return {true, true};
    if (p.field == "EventID" && !route_.event_id.empty()) {
      const bool equals = p.op == Op::kNumberEqual || p.op == Op::kEquals;
      if (equals) return {p.text == route_.event_id, p.text != route_.event_id};
    }
    if (has(p.field) && (p.op != Op::kFieldRef || has(p.other_field))) return {true, true};
    return p.op == Op::kNull ? Can{true, false} : Can{false, true};
  }

  bool has(const std::string& field) {
    if (route_.carries.empty() || fields_.count(field) > 0) return true;
    missing_.insert(field);
    return false;
  }

  const Rule& rule_;
  const Route& route_;
  std::set<std::string> fields_, missing_;
};

}  // namespace

std::string why_never_fires(const Taxonomy& taxonomy, const Rule& rule) {
  if (rule.logsource.product.empty()) return {};
  if (!taxonomy.knows(rule.logsource)) return "no event is of this log source";
  std::set<std::string> missing;  // in all of its routes
  bool read = false;
  for (const Route& route : taxonomy.routes()) {
    if (route.product.empty() || !Taxonomy::reads(rule.logsource, route)) continue;
    RouteCheck check(taxonomy, rule, route);
    if (check.can_fire()) return {};
    if (!read) missing = check.missing();
    std::erase_if(missing, [&](const auto& field) { return check.missing().count(field) == 0; });
    read = true;
  }
  if (!read) return {};
  if (missing.empty()) return "its condition holds for no event of this log source";
  return fmt::format("no event of this log source carries {}", fmt::join(missing, ", "));
}

}  // namespace tocsin::sigma
