// SPDX-License-Identifier: Apache-2.0
//
// Template: BinXML tokens turned once into a tree whose names and literal text are JSON already.
//
//   template definition or fragment in a chunk -> compile_binxml() -> Template -> renderer.h
//
// Why: a chunk of 64 KiB holds a hundred records and a handful of definitions. Names are UTF-16
// behind offsets; escaping them once per chunk instead of once per record is most of the speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin::produce::evtx {

enum class NodeKind : std::uint8_t {
  kElement,
  kAttribute,
  kText,          // literal; `text` is escaped JSON without quotes
  kSubstitution,  // the value in `slot` of the instance
  kInstance,      // a template instance in place; `slot` unused, `offset` is its token's
};

// How an element's value is written; found at compile time, so that rendering is mostly copying.
enum class Shape : std::uint8_t {
  kNull,   // no attributes, no content: null
  kText,   // no attributes, one literal: "text"
  kSlot,   // no attributes, one substitution: its value
  kPlain,  // element children with different keys (and perhaps attributes): {..}
  kMixed,  // anything else: decided while rendering
};

// A part of Template::text.
struct TextRange {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

struct Node {
  NodeKind kind = NodeKind::kElement;
  Shape shape = Shape::kNull;
  bool optional = false;      // kSubstitution: left out when null
  bool is_data = false;       // kElement named "Data" without a literal Name
  bool named_data = false;    // kElement named "Data" with one: its Name is its key
  bool dynamic_name = false;  // is_data with a Name that a substitution gives: its only attribute
  std::uint16_t slot = 0;
  std::uint32_t first_attribute = 0;  // 0 is the root, hence "none"
  std::uint32_t first_child = 0;
  std::uint32_t next = 0;    // sibling
  std::uint32_t offset = 0;  // kInstance
  TextRange text;            // kText; kElement, kAttribute: key with quotes and colon, "Image":
};

// Ownership: owns its text. Threads: immutable once compiled.
// Invariant: nodes[0] is the root: its children are what the BinXML holds. Children come after
// parents.
struct Template {
  std::vector<Node> nodes;
  std::string text;

  [[nodiscard]] std::string_view of(TextRange range) const {
    return std::string_view(text).substr(range.begin, range.size);
  }
  [[nodiscard]] const Node& root() const { return nodes.front(); }
  [[nodiscard]] std::size_t memory() const { return text.size() + nodes.size() * sizeof(Node); }
};

struct BinXmlPart {
  std::size_t begin = 0;
  std::size_t end = 0;
  // Elements of a template definition carry a dependency id; those of a BinXML value do not.
  bool dependency_ids = true;
};

// Limits: 64 levels of elements; names of 4,096 characters; 1 MiB of text. `chunk` is the whole
// chunk.
[[nodiscard]] Result<Template> compile_binxml(std::string_view chunk, const BinXmlPart& part);

// Where a template instance's parts are: token 0x0C, unknown byte, template id, definition offset,
// perhaps the definition itself, then the count and descriptors of the values, then the values.
struct InstanceLayout {
  std::uint32_t definition = 0;  // offset of the definition
  std::size_t body_begin = 0;    // of the definition's BinXML
  std::size_t body_end = 0;
  std::uint32_t value_count = 0;
  std::size_t descriptors = 0;  // 4 bytes each: u16 size, u8 type, u8 unused
  std::size_t values = 0;
  std::size_t end = 0;  // behind the last value
};
// `begin` is the offset of the 0x0C token.
[[nodiscard]] Result<InstanceLayout> read_instance(std::string_view chunk, std::size_t begin,
                                                   std::size_t end);

inline constexpr std::uint8_t kTokenInstance = 0x0C;
inline constexpr std::uint8_t kTokenFragmentHeader = 0x0F;

}  // namespace tocsin::produce::evtx
