// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/binxml/template.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>
#include <utility>

#include "stages/produce/evtx/binxml/bytes.h"
#include "stages/produce/evtx/binxml/json_text.h"
#include "stages/produce/evtx/binxml/value.h"

namespace tocsin::produce::evtx {
namespace {

constexpr int kDepthMax = 64;
constexpr std::size_t kNameUnitsMax = 4096;
constexpr std::size_t kTextBytesMax = 1u << 20;
constexpr std::size_t kComparedChildrenMax =
    256;  // more siblings: keys are compared while rendering
constexpr std::size_t kDefinitionHeaderSize = 24;  // next offset, GUID, size
constexpr std::uint8_t kMoreFlag = 0x40;           // attributes follow, or more of the same token

enum Token : std::uint8_t {
  kEndOfStream = 0x00,
  kOpenElement = 0x01,
  kCloseStart = 0x02,
  kCloseEmpty = 0x03,
  kEndElement = 0x04,
  kValueToken = 0x05,
  kAttributeToken = 0x06,
  kCData = 0x07,
  kCharReference = 0x08,
  kEntityReference = 0x09,
  kPiTarget = 0x0A,
  kPiData = 0x0B,
  kSubstitution = 0x0D,
  kOptionalSubstitution = 0x0E,
};

class Compiler {
 public:
  Compiler(std::string_view chunk, const BinXmlPart& part)
      : chunk_(chunk), in_(chunk, part.begin, part.end), dependency_ids_(part.dependency_ids) {}

  Result<Template> run() {
    out_.nodes.reserve(64);
    out_.nodes.emplace_back();
    read_content(0, 0);
    if (problem_ == nullptr && !in_.ok()) problem_ = "it ends in the middle of a token";
    if (problem_ != nullptr)
      return fail(ErrorCode::kCorrupt, fmt::format("BinXML at {:#x}: {}", last_token_, problem_));
    choose_shape(0);
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool good() const { return problem_ == nullptr && in_.ok(); }
  void stop(const char* problem) {
    if (problem_ == nullptr) problem_ = problem;
  }

  // Adds the last child (or attribute) of `parent`.
  std::uint32_t add(std::uint32_t parent, std::uint32_t previous, NodeKind kind) {
    const auto index = static_cast<std::uint32_t>(out_.nodes.size());
    Node& node = out_.nodes.emplace_back();
    node.kind = kind;
    if (previous != 0)
      out_.nodes[previous].next = index;
    else if (kind == NodeKind::kAttribute)
      out_.nodes[parent].first_attribute = index;
    else
      out_.nodes[parent].first_child = index;
    return index;
  }

  // Content of an element up to its end, or of the whole part up to its end.
  void read_content(std::uint32_t parent, int depth) {
    if (depth > kDepthMax) return stop("elements are nested too deeply");
    std::uint32_t last = 0;
    while (good()) {
      if (in_.at_end()) {
        if (depth != 0) stop("an element does not end");
        return;
      }
      last_token_ = in_.position();
      const std::uint8_t token = in_.u8();
      switch (token & ~kMoreFlag) {
        case kEndOfStream:
          if (depth != 0) stop("an element does not end");
          return;
        case kEndElement:
          if (depth == 0) stop("an element ends that did not begin");
          return;
        case kOpenElement:
          last = read_element(parent, last, (token & kMoreFlag) != 0, depth);
          break;
        case kTokenInstance:
          last = read_nested_instance(parent, last);
          break;
        case kTokenFragmentHeader:
          in_.skip(3);
          break;
        case kPiTarget:
          static_cast<void>(read_name());
          break;
        case kPiData:
          in_.skip(2u * in_.u16());
          break;
        default:
          last = read_text(parent, last, token & ~kMoreFlag);
      }
    }
  }

  // Text in content or in an attribute; consecutive literals become one node.
  std::uint32_t read_text(std::uint32_t parent, std::uint32_t last, int token) {
    if (token == kSubstitution || token == kOptionalSubstitution) {
      const std::uint32_t index = add(parent, last, NodeKind::kSubstitution);
      out_.nodes[index].slot = in_.u16();
      static_cast<void>(
          in_.u8());  // the type that was planned; the instance's descriptor has the real one
      out_.nodes[index].optional = token == kOptionalSubstitution;
      return index;
    }
    scratch_.clear();
    switch (token) {
      case kValueToken:
        read_value();
        break;
      case kCData:
        scratch_.utf16(in_.take(2u * in_.u16()));
        break;
      case kCharReference:
        scratch_.code_point(in_.u16());
        break;
      case kEntityReference:
        read_entity();
        break;
      default:
        stop("unknown token");
        return last;
    }
    if (scratch_.size() == 0 && last != 0) return last;
    if (last != 0 && out_.nodes[last].kind == NodeKind::kText) {
      extend(out_.nodes[last].text);
      return last;
    }
    const std::uint32_t index = add(parent, last, NodeKind::kText);
    out_.nodes[index].text = keep();
    return index;
  }

  void read_value() {
    Value value;
    value.type = in_.u8();
    std::size_t size = fixed_size(value.scalar_type());
    if (value.is_array() || value.is_binxml()) return stop("a literal of a type that has none");
    if (value.scalar_type() == ValueType::kString) {
      size = 2u * in_.u16();
    } else if (size == 0 && value.type != 0) {
      size = in_.u16();
    }
    value.bytes = in_.take(size);
    if (in_.ok() && value.type != 0) append_value(scratch_, value, As::kText);
  }

  void read_entity() {
    const std::string_view name = read_name();
    static constexpr std::pair<std::string_view, char> kEntities[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [entity, character] : kEntities) {
      if (name == entity) {
        scratch_.clear();
        return scratch_.code_point(static_cast<unsigned char>(character));
      }
    }
    const std::string unknown = fmt::format("&{};", name);  // shown as written
    scratch_.clear();
    scratch_.raw(unknown);
  }

  // Escaped into scratch_; valid until scratch_ changes. A name is where its offset says: often
  // right here, else anywhere in the chunk: u32 next, u16 hash, u16 units, UTF-16, NUL.
  std::string_view read_name() {
    const std::uint32_t offset = in_.u32();
    scratch_.clear();
    Reader name(chunk_, offset, chunk_.size());
    name.skip(6);
    const std::size_t units = name.u16();
    const std::string_view bytes = name.take(2 * units);
    name.skip(2);
    if (!name.ok() || units > kNameUnitsMax) {
      stop("a name lies outside the chunk");
      return {};
    }
    if (offset == in_.position()) in_.move_to(name.position());
    scratch_.utf16(bytes);
    return scratch_.view();
  }

  TextRange keep() {
    const TextRange range{static_cast<std::uint32_t>(out_.text.size()),
                          static_cast<std::uint32_t>(scratch_.size())};
    extend_text();
    return range;
  }
  // Makes a literal longer, moving it to the end of the text when it is not there.
  void extend(TextRange& range) {
    if (range.begin + range.size != out_.text.size()) {
      const std::string copy(out_.of(range));
      range.begin = static_cast<std::uint32_t>(out_.text.size());
      out_.text += copy;
    }
    range.size += static_cast<std::uint32_t>(scratch_.size());
    extend_text();
  }
  void extend_text() {
    if (out_.text.size() + scratch_.size() > kTextBytesMax) return stop("its text is too long");
    out_.text += scratch_.view();
  }
  TextRange keep_key(std::string_view escaped_name) {
    const auto begin = static_cast<std::uint32_t>(out_.text.size());
    if (out_.text.size() + escaped_name.size() > kTextBytesMax) {
      stop("its text is too long");
      return {};
    }
    out_.text += '"';
    out_.text += escaped_name;
    out_.text += "\":";
    return {begin, static_cast<std::uint32_t>(escaped_name.size() + 3)};
  }

  // Some writers leave the dependency id out where it belongs, so look at which reading makes
  // sense.
  [[nodiscard]] bool plausible_element(std::size_t at) const {
    Reader peek(chunk_, at, in_.position() + in_.left());
    const std::uint32_t size = peek.u32();
    const std::uint32_t name = peek.u32();
    return peek.ok() && size <= chunk_.size() && name >= 128 && name + 10 <= chunk_.size();
  }

  std::uint32_t read_element(std::uint32_t parent, std::uint32_t last, bool attributes, int depth) {
    const std::uint32_t index = add(parent, last, NodeKind::kElement);
    const std::size_t at = in_.position();
    bool skip_id = dependency_ids_;
    if (!plausible_element(skip_id ? at + 2 : at)) skip_id = !skip_id;
    if (skip_id) in_.skip(2);
    in_.skip(4);  // the element's size: its end token says as much
    const std::string_view name = read_name();
    out_.nodes[index].is_data = name == "Data";
    out_.nodes[index].text = keep_key(name);
    if (attributes) {
      in_.skip(4);
      read_attributes(index);
    }
    if (!good()) return index;
    last_token_ = in_.position();
    const std::uint8_t token = in_.u8();
    if (token == kCloseStart)
      read_content(index, depth + 1);
    else if (token != kCloseEmpty)
      stop("an element's start does not end");
    if (good()) choose_shape(index);
    return index;
  }

  void read_attributes(std::uint32_t element) {
    std::uint32_t last = 0;
    while (good() && (in_.peek() & ~kMoreFlag) == kAttributeToken) {
      last_token_ = in_.position();
      static_cast<void>(in_.u8());
      last = add(element, last, NodeKind::kAttribute);
      out_.nodes[last].text = keep_key(read_name());
      std::uint32_t part = 0;
      while (good() && is_attribute_text(in_.peek())) {
        last_token_ = in_.position();
        part = read_text(last, part, in_.u8() & ~kMoreFlag);
      }
    }
    if (good() && out_.nodes[element].is_data) name_data(element);
  }
  static bool is_attribute_text(std::uint8_t token) {
    switch (token & ~kMoreFlag) {
      case kValueToken:
      case kCharReference:
      case kEntityReference:
      case kSubstitution:
      case kOptionalSubstitution:
        return true;
      default:
        return false;
    }
  }

  // <Data Name="Image"> is the member "Image"; the other attributes of Data are of no use.
  void name_data(std::uint32_t element) {
    for (std::uint32_t i = out_.nodes[element].first_attribute; i != 0; i = out_.nodes[i].next) {
      if (out_.of(out_.nodes[i].text) != "\"Name\":") continue;
      const std::uint32_t child = out_.nodes[i].first_child;
      if (child == 0) break;
      const bool literal = out_.nodes[child].kind == NodeKind::kText && out_.nodes[child].next == 0;
      if (literal && out_.nodes[child].text.size == 0) break;
      Node& data = out_.nodes[element];
      if (literal) {
        data.text = keep_key(std::string(out_.of(out_.nodes[child].text)));
        data.is_data = false;
        data.named_data = true;
        data.first_attribute = 0;
      } else {
        data.dynamic_name = true;
        data.first_attribute = i;
      }
      return;
    }
    out_.nodes[element].first_attribute = 0;
  }

  std::uint32_t read_nested_instance(std::uint32_t parent, std::uint32_t last) {
    const std::size_t token_at = in_.position() - 1;
    const auto layout = read_instance(chunk_, token_at, in_.position() + in_.left());
    if (!layout) {
      stop("a template instance is cut off");
      return last;
    }
    const std::uint32_t index = add(parent, last, NodeKind::kInstance);
    out_.nodes[index].offset = static_cast<std::uint32_t>(token_at);
    in_.move_to(layout->end);
    return index;
  }

  void choose_shape(std::uint32_t index) {
    Node& node = out_.nodes[index];
    const Node* only = node.first_child != 0 && out_.nodes[node.first_child].next == 0
                           ? &out_.nodes[node.first_child]
                           : nullptr;
    const bool bare = node.first_attribute == 0 || node.is_data;
    if (bare && node.first_child == 0)
      node.shape = Shape::kNull;
    else if (bare && only != nullptr && only->kind == NodeKind::kText)
      node.shape = Shape::kText;
    else if (bare && only != nullptr && only->kind == NodeKind::kSubstitution)
      node.shape = Shape::kSlot;
    else
      node.shape = children_are_plain(node) ? Shape::kPlain : Shape::kMixed;
  }
  [[nodiscard]] bool children_are_plain(const Node& node) const {
    std::size_t count = 0;
    for (std::uint32_t i = node.first_child; i != 0; i = out_.nodes[i].next) {
      const Node& child = out_.nodes[i];
      if (child.kind != NodeKind::kElement || child.is_data) return false;
      if (++count > kComparedChildrenMax) return false;
      const std::string_view key = out_.of(child.text);
      for (std::uint32_t j = node.first_child; j != i; j = out_.nodes[j].next)
        if (out_.of(out_.nodes[j].text) == key) return false;
    }
    return count != 0;
  }

  std::string_view chunk_;
  Reader in_;
  bool dependency_ids_;
  Template out_;
  JsonText scratch_;
  const char* problem_ = nullptr;
  std::size_t last_token_ = 0;
};

}  // namespace

Result<Template> compile_binxml(std::string_view chunk, const BinXmlPart& part) {
  return Compiler(chunk, part).run();
}

Result<InstanceLayout> read_instance(std::string_view chunk, std::size_t begin, std::size_t end) {
  InstanceLayout layout;
  Reader in(chunk, begin, end);
  in.skip(6);  // token, unknown, template id
  layout.definition = in.u32();
  Reader definition(chunk, layout.definition, chunk.size());
  definition.skip(kDefinitionHeaderSize - 4);
  const std::uint32_t size = definition.u32();
  layout.body_begin = definition.position();
  definition.skip(size);
  layout.body_end = definition.position();
  if (!in.ok() || !definition.ok())
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("template definition at {:#x} lies outside the chunk", layout.definition));
  if (layout.definition == in.position()) in.move_to(layout.body_end);
  layout.value_count = in.u32();
  layout.descriptors = in.position();
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < layout.value_count && in.ok(); ++i) {
    bytes += in.u16();
    in.skip(2);
  }
  layout.values = in.position();
  in.skip(bytes);
  layout.end = in.position();
  if (!in.ok())
    return fail(ErrorCode::kCorrupt,
                fmt::format("the values of the template instance at {:#x} are cut off", begin));
  return layout;
}

}  // namespace tocsin::produce::evtx
