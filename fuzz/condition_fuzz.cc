// SPDX-License-Identifier: Apache-2.0
//
// Any text as a condition over six detections: it is refused with a place inside the text and a
// hint, or it gives an expression that is true exactly when a second reader says so, which
// evaluates while it reads.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/sigma/detection/condition.h"
#include "core/sigma/detection/lowering.h"
#include "core/sigma/pattern.h"

namespace {

using namespace tocsin::sigma;

constexpr std::array<const char*, 6> kNames = {"a", "b", "sel_1", "sel_2", "_hidden", "filter-x"};
constexpr std::size_t kTextMax = 512;

void check(bool holds) {
  if (!holds) std::abort();
}

bool holds(const Expr& expr, unsigned truth) {
  switch (expr.kind) {
    case Expr::Kind::kAnd:
      for (const Expr& child : expr.children)
        if (!holds(child, truth)) return false;
      return true;
    case Expr::Kind::kOr:
      for (const Expr& child : expr.children)
        if (holds(child, truth)) return true;
      return false;
    case Expr::Kind::kNot:
      check(expr.children.size() == 1);
      return !holds(expr.children[0], truth);
    case Expr::Kind::kPredicate:
      check(expr.predicate < kNames.size());
      return (truth >> expr.predicate & 1) != 0;
  }
  return false;
}

// Only for texts that parse_condition() took.
class SecondReader {
 public:
  SecondReader(std::string_view text, unsigned truth) : truth_(truth) {
    std::string word;
    for (const char c : std::string(text) + " ") {
      const bool single = c == '(' || c == ')';
      const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
      if ((single || blank) && !word.empty()) {
        words_.push_back(word);
        word.clear();
      }
      if (single) words_.emplace_back(1, c);
      if (!single && !blank) word.push_back(c);
    }
  }

  bool value() {
    const bool result = any();
    check(at_ == words_.size());
    return result;
  }

 private:
  bool at(std::string_view keyword) const {
    return at_ < words_.size() && lower_ascii(words_[at_]) == keyword;
  }
  bool any() {
    bool result = all();
    while (at("or")) {
      ++at_;
      const bool right = all();
      result = result || right;
    }
    return result;
  }
  bool all() {
    bool result = one();
    while (at("and")) {
      ++at_;
      const bool right = one();
      result = result && right;
    }
    return result;
  }
  bool one() {
    check(at_ < words_.size());
    if (at("not")) {
      ++at_;
      return !one();
    }
    if (at("(")) {
      ++at_;
      const bool result = any();
      check(at(")"));
      ++at_;
      return result;
    }
    const std::string word = words_[at_++];
    if (at("of")) {
      const std::string target = words_[at_ + 1];
      at_ += 2;
      return of(lower_ascii(word) == "all", target);
    }
    for (std::size_t i = 0; i < kNames.size(); ++i)
      if (word == kNames[i]) return (truth_ >> i & 1) != 0;
    check(false);
    return false;
  }
  bool of(bool every, const std::string& target) const {
    std::size_t chosen = 0, true_ones = 0;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const std::string name = kNames[i];
      const bool hidden = name[0] == '_';
      const bool selected =
          target == "them" ? !hidden
                           : (!hidden || target[0] == '_') && Pattern::parse(target).matches(name);
      chosen += selected;
      true_ones += selected && (truth_ >> i & 1) != 0;
    }
    return every ? chosen > 0 && true_ones == chosen : true_ones > 0;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  unsigned truth_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text =
      std::string_view(reinterpret_cast<const char*>(data), size).substr(0, kTextMax);
  Detections detections;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    Expr expr;
    expr.kind = Expr::Kind::kPredicate;
    expr.predicate = static_cast<std::uint32_t>(i);
    detections.all.push_back({kNames[i], std::move(expr), 1, false});
  }
  detections.build_index();
  detections.steps_left = 10'000;
  std::size_t nodes_left = 10'000;
  const auto sound = [&](const ConditionError& e) {
    check(e.at <= text.size() && !e.code.empty() && !e.message.empty() && !e.hint.empty());
  };
  const auto expr = parse_condition({text, detections, nodes_left, "5m", sound});
  if (!expr) {
    sound(expr.error());
    return 0;
  }
  for (const unsigned truth : {0u, 63u, 1u, 2u, 4u, 8u, 16u, 32u, 21u, 42u, 12u, 51u})
    check(holds(*expr, truth) == SecondReader(text, truth).value());
  return 0;
}
