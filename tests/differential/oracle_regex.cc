// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions by definition: a node gives the set of places where it can end.
#include <memory>
#include <set>

#include "differential/oracle_text.h"

namespace tocsin::differential {
namespace {

struct Node {
  enum class Kind { kSet, kAny, kBegin, kEnd, kSequence, kEither, kRepeat };
  Kind kind = Kind::kSequence;
  std::vector<std::pair<char32_t, char32_t>> ranges;  // kSet
  bool negated = false;                               // kSet
  std::size_t least = 0, most = 0;                    // kRepeat
  std::vector<Node> children;
};

constexpr std::size_t kUnbounded = SIZE_MAX;

class Reader {
 public:
  explicit Reader(const std::u32string& text) : text_(text) {}

  std::optional<Node> read() {
    auto node = either();
    if (!node || at_ != text_.size()) return std::nullopt;
    return node;
  }

 private:
  bool more() const { return at_ < text_.size(); }
  bool take(char32_t c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<Node> either() {
    Node out{Node::Kind::kEither, {}, false, 0, 0, {}};
    do {
      auto branch = sequence();
      if (!branch) return std::nullopt;
      out.children.push_back(*std::move(branch));
    } while (take('|'));
    return out;
  }

  std::optional<Node> sequence() {
    Node out;
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      auto item = repeated();
      if (!item) return std::nullopt;
      out.children.push_back(*std::move(item));
    }
    return out;
  }

  std::optional<Node> repeated() {
    auto item = atom();
    if (!item) return std::nullopt;
    Node repeat{Node::Kind::kRepeat, {}, false, 0, kUnbounded, {}};
    if (take('*')) {
    } else if (take('+')) {
      repeat.least = 1;
    } else if (take('?')) {
      repeat.most = 1;
    } else if (take('{')) {
      if (!bounds(repeat)) return std::nullopt;
    } else {
      return item;
    }
    // A quantified anchor, and a quantifier behind another, are beyond the specification.
    if (item->kind == Node::Kind::kBegin || item->kind == Node::Kind::kEnd) return std::nullopt;
    if (more() && std::u32string(U"*+?{").find(text_[at_]) != std::u32string::npos)
      return std::nullopt;
    repeat.children.push_back(*std::move(item));
    return repeat;
  }

  bool bounds(Node& repeat) {
    if (!number(repeat.least)) return false;
    repeat.most = repeat.least;
    if (take(',') && !number(repeat.most)) repeat.most = kUnbounded;
    return take('}') && repeat.least <= repeat.most;
  }

  bool number(std::size_t& out) {
    const std::size_t start = at_;
    out = 0;
    while (more() && text_[at_] >= '0' && text_[at_] <= '9') out = out * 10 + (text_[at_++] - '0');
    return at_ > start;
  }

  std::optional<Node> atom() {
    const char32_t c = text_[at_++];
    if (c == '(') {
      auto inner = either();
      if (!inner || !take(')')) return std::nullopt;
      return inner;
    }
    if (c == '.') return Node{Node::Kind::kAny, {}, false, 0, 0, {}};
    if (c == '^') return Node{Node::Kind::kBegin, {}, false, 0, 0, {}};
    if (c == '$') return Node{Node::Kind::kEnd, {}, false, 0, 0, {}};
    if (c == '[') return set();
    if (c == '\\') return escape();
    if (c == '*' || c == '+' || c == '?' || c == '{' || c == '}' || c == ']') return std::nullopt;
    return Node{Node::Kind::kSet, {{c, c}}, false, 0, 0, {}};
  }

  std::optional<Node> escape() {
    if (!more()) return std::nullopt;
    const char32_t c = text_[at_++];
    Node out{Node::Kind::kSet, {}, false, 0, 0, {}};
    if (c == 'd') {
      out.ranges = {{'0', '9'}};
    } else if (c == 'w') {
      out.ranges = {{'0', '9'}, {'a', 'z'}, {'A', 'Z'}, {'_', '_'}};
    } else if (c == 's') {
      out.ranges = {{' ', ' '}, {'\t', '\r'}};
    } else if (std::u32string(U".^$*+?{}[]|()\\/-").find(c) != std::u32string::npos) {
      out.ranges = {{c, c}};
    } else {
      return std::nullopt;
    }
    return out;
  }

  std::optional<Node> set() {
    Node out{Node::Kind::kSet, {}, take('^'), 0, 0, {}};
    while (more() && text_[at_] != ']') {
      const char32_t first = text_[at_++];
      if (first == '\\' || first == '[' || first == '-') return std::nullopt;
      char32_t last = first;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        last = text_[at_ + 1];
        at_ += 2;
      }
      if (last < first) return std::nullopt;
      out.ranges.emplace_back(first, last);
    }
    if (out.ranges.empty() || !take(']')) return std::nullopt;
    return out;
  }

  const std::u32string& text_;
  std::size_t at_ = 0;
};

using Places = std::set<std::size_t>;

class Search {
 public:
  Search(const std::u32string& text, RegexOptions options) : text_(text), options_(options) {}

  Places ends(const Node& node, std::size_t at) const {
    switch (node.kind) {
      case Node::Kind::kSet:
        return at < text_.size() && in_set(node, text_[at]) ? Places{at + 1} : Places{};
      case Node::Kind::kAny:
        return at < text_.size() && (options_.dot_all || text_[at] != '\n') ? Places{at + 1}
                                                                            : Places{};
      case Node::Kind::kBegin:
        return at == 0 || (options_.multi_line && at < text_.size() && text_[at - 1] == '\n')
                   ? Places{at}
                   : Places{};
      case Node::Kind::kEnd:
        return is_end(at) ? Places{at} : Places{};
      case Node::Kind::kSequence:
        return sequence(node, at);
      case Node::Kind::kEither: {
        Places out;
        for (const Node& child : node.children) out.merge(ends(child, at));
        return out;
      }
      case Node::Kind::kRepeat:
        return repeat(node, at);
    }
    return {};
  }

 private:
  bool is_end(std::size_t at) const {
    if (at == text_.size()) return true;
    return text_[at] == '\n' && (options_.multi_line || at + 1 == text_.size());
  }

  bool in_set(const Node& node, char32_t c) const {
    for (const auto& [first, last] : node.ranges) {
      if (c >= first && c <= last) return !node.negated;
      if (!options_.ignore_case) continue;
      for (char32_t member = first; member <= last; ++member)
        if (regex_fold(member) == regex_fold(c)) return !node.negated;
    }
    return node.negated;
  }

  static char32_t regex_fold(char32_t c) {
    return c == 0x130 || c == 0x131 ? c : fold(std::u32string(1, c))[0];
  }

  Places sequence(const Node& node, std::size_t at) const {
    Places now{at};
    for (const Node& child : node.children) {
      Places next;
      for (const std::size_t place : now) next.merge(ends(child, place));
      now = std::move(next);
    }
    return now;
  }

  Places repeat(const Node& node, std::size_t at) const {
    Places now{at};
    for (std::size_t i = 0; i < node.least; ++i) now = once(node, now);
    Places all = now;
    for (std::size_t i = node.least; i < node.most; ++i) {
      now = once(node, now);
      const std::size_t before = all.size();
      all.insert(now.begin(), now.end());
      if (all.size() == before) break;
    }
    return all;
  }

  Places once(const Node& node, const Places& from) const {
    Places out;
    for (const std::size_t place : from) out.merge(ends(node.children.front(), place));
    return out;
  }

  const std::u32string& text_;
  RegexOptions options_;
};

}  // namespace

std::optional<bool> regex_found(const std::u32string& expression, const std::u32string& text,
                                RegexOptions options) {
  const auto node = Reader(expression).read();
  if (!node) return std::nullopt;
  const Search search(text, options);
  for (std::size_t at = 0; at <= text.size(); ++at)
    if (!search.ends(*node, at).empty()) return true;
  return false;
}

}  // namespace tocsin::differential
