// SPDX-License-Identifier: Apache-2.0
#include "stages/match/implied.h"

#include <cstddef>
#include <map>
#include <string>
#include <tuple>

#include "stages/match/literals/literal_index.h"

namespace tocsin::match {

using sigma::Expr;
using sigma::Op;
using sigma::Predicate;

namespace {

constexpr std::size_t kListMin = 64;
constexpr std::uint32_t kNone = UINT32_MAX;

class Search {
 public:
  explicit Search(std::span<const Predicate> predicates)
      : predicates_(predicates), named_(predicates.size()), implied_(predicates.size()) {}

  void walk(const Expr& expr) {
    if (expr.kind == Expr::Kind::kPredicate) ++named_[expr.predicate];
    if (expr.kind == Expr::Kind::kOr && expr.children.size() >= kListMin) search_list(expr);
    for (const Expr& child : expr.children) walk(child);
  }

  // Those that are named nowhere else than in lists that hold what implies them.
  [[nodiscard]] std::vector<Implied> found() const {
    std::vector<Implied> out;
    for (std::uint32_t i = 0; i < implied_.size(); ++i)
      if (implied_[i].by != kNone && implied_[i].times == named_[i])
        out.push_back({i, implied_[i].by});
    return out;
  }

 private:
  struct Found {
    std::uint32_t by = kNone;
    std::uint32_t times = 0;
  };

  void search_list(const Expr& list) {
    std::map<std::tuple<std::string, bool>, std::vector<std::uint32_t>> fields;
    for (const Expr& child : list.children) {
      if (child.kind != Expr::Kind::kPredicate) continue;
      const Predicate& p = predicates_[child.predicate];
      if (p.op == Op::kContains) fields[{p.field, p.cased}].push_back(child.predicate);
    }
    for (const auto& [field, those] : fields)
      if (those.size() >= kListMin) search_texts(those);
  }

  // The shortest text in another is itself implied by none.
  void search_texts(const std::vector<std::uint32_t>& those) {
    LiteralIndex index;
    for (const std::uint32_t p : those) index.add(Anchor::kAnywhere, predicates_[p].text, p);
    index.build();
    for (const std::uint32_t p : those) {
      std::uint32_t shortest = p;
      index.scan(predicates_[p].text, [&](std::uint32_t other) {
        const std::size_t size = predicates_[other].text.size();
        const std::size_t least = predicates_[shortest].text.size();
        if (size < least || (size == least && other < shortest && shortest != p)) shortest = other;
      });
      if (shortest == p) continue;
      Found& found = implied_[p];
      if (found.by == kNone) found.by = shortest;
      if (found.by == shortest) ++found.times;
    }
  }

  std::span<const Predicate> predicates_;
  std::vector<std::uint32_t> named_;  // by predicate: how many times
  std::vector<Found> implied_;        // by predicate
};

}  // namespace

std::vector<Implied> find_implied(const Expr& condition, std::span<const Predicate> predicates) {
  if (predicates.size() < kListMin) return {};
  Search search(predicates);
  search.walk(condition);
  return search.found();
}

}  // namespace tocsin::match
