// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_set>

namespace tocsin::yaml {
namespace {

constexpr std::size_t kNodesMax = 1'000'000;
constexpr int kDepthMax = 100;

Mark to_mark(const yaml_mark_t& mark) { return {mark.line + 1, mark.column + 1}; }

// One libyaml event, freed with the object.
struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
};

class Parser {
 public:
  explicit Parser(std::string_view text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }

  tl::expected<std::vector<Node>, ParseError> run() {
    std::vector<Node> documents;
    for (;;) {
      Event event;
      if (!next(event)) return tl::unexpected(error_);
      if (event.raw.type == YAML_STREAM_END_EVENT) return documents;
      if (event.raw.type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      Event first;
      Node node;
      if (!next(first) || !build(first, node, 0)) return tl::unexpected(error_);
      documents.push_back(std::move(node));
    }
  }

 private:
  bool fail(Mark mark, std::string message) {
    error_ = {mark, std::move(message)};
    return false;
  }

  bool next(Event& event) {
    if (yaml_parser_parse(&parser_, &event.raw) == 1) return true;
    std::string message = parser_.problem != nullptr ? parser_.problem : "unreadable YAML";
    if (parser_.context != nullptr) message = std::string(parser_.context) + ": " + message;
    return fail(to_mark(parser_.problem_mark), "not valid YAML: " + message);
  }

  void remember(const yaml_char_t* anchor, const Node& node) {
    if (anchor != nullptr) anchors_[reinterpret_cast<const char*>(anchor)] = node;
  }

  static std::size_t count(const Node& node) {
    std::size_t n = 1;
    for (const Node& item : node.items) n += count(item);
    for (const auto& [key, value] : node.members) n += count(key) + count(value);
    return n;
  }

  bool build(const Event& event, Node& node, int depth) {
    node.mark = to_mark(event.raw.start_mark);
    if (depth > kDepthMax) return fail(node.mark, "nested deeper than 100 levels");
    if (++nodes_ > kNodesMax) return fail(node.mark, "more than 1,000,000 nodes");
    switch (event.raw.type) {
      case YAML_SCALAR_EVENT:
        return build_scalar(event, node);
      case YAML_SEQUENCE_START_EVENT:
        return build_sequence(event, node, depth);
      case YAML_MAPPING_START_EVENT:
        return build_map(event, node, depth);
      case YAML_ALIAS_EVENT:
        return build_alias(event, node);
      default:
        return fail(node.mark, "unexpected YAML structure");
    }
  }

  bool build_scalar(const Event& event, Node& node) {
    const auto& scalar = event.raw.data.scalar;
    node.kind = Kind::kScalar;
    node.scalar.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    node.plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
    remember(scalar.anchor, node);
    return true;
  }

  bool build_sequence(const Event& event, Node& node, int depth) {
    node.kind = Kind::kSequence;
    for (;;) {
      Event item;
      if (!next(item)) return false;
      if (item.raw.type == YAML_SEQUENCE_END_EVENT) break;
      if (!build(item, node.items.emplace_back(), depth + 1)) return false;
    }
    remember(event.raw.data.sequence_start.anchor, node);
    return true;
  }

  bool build_map(const Event& event, Node& node, int depth) {
    node.kind = Kind::kMap;
    std::unordered_set<std::string> seen;
    for (;;) {
      Event item;
      if (!next(item)) return false;
      if (item.raw.type == YAML_MAPPING_END_EVENT) break;
      auto& [key, value] = node.members.emplace_back();
      if (!build(item, key, depth + 1)) return false;
      if (!key.is_scalar()) return fail(key.mark, "a key must be a scalar");
      if (!seen.insert(key.scalar).second)
        return fail(key.mark, "duplicate key '" + key.scalar + "'");
      Event content;
      if (!next(content) || !build(content, value, depth + 1)) return false;
    }
    remember(event.raw.data.mapping_start.anchor, node);
    return true;
  }

  bool build_alias(const Event& event, Node& node) {
    const std::string name = reinterpret_cast<const char*>(event.raw.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return fail(node.mark, "unknown alias '" + name + "'");
    nodes_ += count(found->second);
    if (nodes_ > kNodesMax) return fail(node.mark, "more than 1,000,000 nodes");
    node = found->second;
    return true;
  }

  yaml_parser_t parser_{};
  std::map<std::string, Node> anchors_;
  std::size_t nodes_ = 0;
  ParseError error_;
};

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// YAML 1.2.2 section 10.3.2.
bool is_float(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  static constexpr std::array<std::string_view, 6> kSpecial = {".inf", ".Inf", ".INF",
                                                               ".nan", ".NaN", ".NAN"};
  if (std::find(kSpecial.begin(), kSpecial.end(), text) != kSpecial.end()) return true;
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view digits = text.substr(exponent + 1);
    if (!digits.empty() && (digits.front() == '-' || digits.front() == '+'))
      digits.remove_prefix(1);
    if (!all_digits(digits)) return false;
    text = text.substr(0, exponent);
  }
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos)
    return exponent != std::string_view::npos && all_digits(text);
  const std::string_view whole = text.substr(0, point);
  const std::string_view part = text.substr(point + 1);
  return (whole.empty() || all_digits(whole)) && (part.empty() || all_digits(part)) &&
         !(whole.empty() && part.empty());
}

}  // namespace

Node::Node() = default;
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

const Node* Node::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name.scalar == key) return &value;
  return nullptr;
}

ScalarType Node::scalar_type() const {
  if (!plain) return ScalarType::kString;
  if (scalar.empty() || scalar == "~" || scalar == "null" || scalar == "Null" || scalar == "NULL")
    return ScalarType::kNull;
  if (scalar == "true" || scalar == "True" || scalar == "TRUE" || scalar == "false" ||
      scalar == "False" || scalar == "FALSE")
    return ScalarType::kBool;
  std::string_view digits = scalar;
  if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
  if (all_digits(digits)) return ScalarType::kInt;
  return is_float(scalar) ? ScalarType::kFloat : ScalarType::kString;
}

tl::expected<std::vector<Node>, ParseError> parse(std::string_view text) {
  return Parser(text).run();
}

}  // namespace tocsin::yaml
