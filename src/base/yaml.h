// SPDX-License-Identifier: Apache-2.0
//
// YAML text to a tree that keeps every scalar's original text, style and position (YAML 1.2 core
// schema is applied by the caller, so `0x17`, `no` or `1_000` stay what the author wrote).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tocsin::yaml {

struct Mark {
  std::size_t line = 0;    // 1-based
  std::size_t column = 0;  // 1-based
};

enum class Kind { kScalar, kSequence, kMap };

// What a plain scalar means under the YAML 1.2 core schema; a quoted or block scalar is always a
// string.
enum class ScalarType { kString, kNull, kBool, kInt, kFloat };

// Ownership: owns its children. Threads: immutable after parse().
struct Node {
  // Defined where pair<Node, Node> is complete: clang insists.
  Node();
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();

  Kind kind = Kind::kScalar;
  Mark mark;
  std::string scalar;                          // kScalar: the text without quotes
  bool plain = false;                          // kScalar: written without quotes
  std::vector<Node> items;                     // kSequence
  std::vector<std::pair<Node, Node>> members;  // kMap, in the order written

  [[nodiscard]] const Node* find(std::string_view key) const;  // kMap: the member's value or null
  [[nodiscard]] ScalarType scalar_type() const;
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  [[nodiscard]] bool is_sequence() const { return kind == Kind::kSequence; }
};

struct ParseError {
  Mark mark;
  std::string message;
  std::string hint;  // what to do
};

// Limits on one document; what goes beyond is a ParseError that names the limit.
inline constexpr std::size_t kNodesMax = 1'000'000;  // aliases count as what they stand for
inline constexpr std::size_t kCopiesMax = 100'000;   // nodes that anchors and aliases repeat
inline constexpr int kDepthMax = 100;
inline constexpr std::size_t kDirectivesMax = 100;
// Limits on all documents of one text. Beyond kTextCopiesMax a document with an anchor or an alias
// is refused; beyond the other two the rest of the text is left out.
inline constexpr std::size_t kTextCopiesMax = 1'000'000;
inline constexpr std::size_t kTextNodesMax = 8'000'000;
inline constexpr std::size_t kDocumentsMax = 100'000;
// So many bytes of repeated text count as one more node.
inline constexpr std::size_t kBytesPerCopy = 64;

// Each document of the text in turn; one that is wrong does not stop those after it (a line that
// begins with `---` always starts a document). `visit` returns false to stop. A duplicate key is an
// error that names the key. Anchors and aliases are followed, `<<` merges maps. UTF-16 with a byte
// order mark is decoded.
void for_each_document(std::string_view text,
                       const std::function<bool(tl::expected<Node, ParseError>)>& visit);

// All documents of the text, or what is wrong with the first wrong one.
[[nodiscard]] tl::expected<std::vector<Node>, ParseError> parse(std::string_view text);

// UTF-16 is told by its byte order mark.
[[nodiscard]] bool is_utf16(std::string_view text);
[[nodiscard]] tl::expected<std::string, ParseError> utf16_to_utf8(std::string_view text);

}  // namespace tocsin::yaml
