// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>

#include "base/utf8.h"
#include "base/yaml/block_reader.h"

namespace tocsin::yaml {
namespace {

// What libyaml says, and what it mostly means.
struct Advice {
  std::string_view problem, hint;
};
constexpr std::array<Advice, 7> kAdvice = {{
    {"tab character", "indent with blanks, not tabs"},
    {"cannot start any token",
     "quote a value that begins with one of @ ` % * & ! | > { [ ; indent with blanks, not tabs"},
    {"mapping values are not allowed", "quote a value that holds ': ', or mend the indentation"},
    {"control characters", "save the file as plain UTF-8 text, without NUL or other control bytes"},
    {"UTF-8", "save the file as UTF-8"},
    {"undefined tag", "leave out tags such as !name"},
    {"simple key", "a key must be followed by ':' on the same line"},
}};
constexpr std::string_view kPlainAdvice =
    "check the indentation, brackets and quotes of this line and the line before";

std::string hint_for(std::string_view problem) {
  for (const Advice& advice : kAdvice)
    if (problem.find(advice.problem) != std::string_view::npos) return std::string(advice.hint);
  return std::string(kPlainAdvice);
}

// The place of a byte.
Mark mark_at(std::string_view text, std::size_t offset) {
  text = text.substr(0, offset);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const std::size_t start = text.rfind('\n');
  return {lines + 1, start == std::string_view::npos ? text.size() + 1 : text.size() - start};
}

// One libyaml event, freed with the object.
struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
};

// What the documents of a text have cost so far.
struct Spent {
  std::size_t nodes = 0;
  std::size_t copies = 0;
};

// The documents of one part of a text; marks count from the text's start.
class Parser {
 public:
  Parser(std::string_view text, std::size_t lines_before, Spent& spent)
      : text_(text), lines_before_(lines_before), spent_(spent) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }

  // The next document; nothing at the end. After an error there is no next.
  std::optional<tl::expected<Node, ParseError>> document() {
    for (;;) {
      Event event;
      if (!next(event)) return tl::unexpected(error_);
      if (event.raw.type == YAML_STREAM_END_EVENT) return std::nullopt;
      if (event.raw.type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      nodes_ = copies_ = 0;
      Event first;
      Node node;
      const bool good = next(first) && build(first, node, 0);
      spent_.nodes += nodes_;
      spent_.copies += copies_;
      if (!good) return tl::unexpected(error_);
      return node;
    }
  }

 private:
  Mark to_mark(const yaml_mark_t& mark) const {
    return {mark.line + 1 + lines_before_, mark.column + 1};
  }

  bool fail(Mark mark, std::string message, std::string hint) {
    error_ = {mark, std::move(message), std::move(hint)};
    return false;
  }
  bool too_large(Mark mark) {
    return fail(mark, "more than 1,000,000 nodes in one document, aliases counted",
                "split the document, or write out what its aliases repeat");
  }
  // Counts what an anchor keeps or an alias repeats.
  bool spend_copy(const Node& node, Mark mark) {
    std::size_t bytes = 0;
    const std::size_t nodes = count(node, bytes);
    nodes_ += nodes;
    copies_ += nodes + bytes / kBytesPerCopy;
    if (nodes_ > kNodesMax) return too_large(mark);
    if (copies_ > kCopiesMax)
      return fail(mark, "anchors and aliases repeat more than 100,000 nodes in one document",
                  "repeat less: each 64 bytes of text count as a node, too");
    if (spent_.copies + copies_ > kTextCopiesMax)
      return fail(mark, "anchors and aliases repeat more than 1,000,000 nodes in this file",
                  "split the file, or write out what is repeated");
    return true;
  }

  bool next(Event& event) {
    if (yaml_parser_parse(&parser_, &event.raw) == 1) return true;
    const std::string problem = parser_.problem != nullptr ? parser_.problem : "unreadable text";
    std::string message = problem;
    if (parser_.context != nullptr) message = std::string(parser_.context) + ": " + message;
    // What is missing at the end is told where it was begun.
    const bool at_end = parser_.context != nullptr && parser_.problem_mark.index >= text_.size();
    Mark mark = to_mark(at_end ? parser_.context_mark : parser_.problem_mark);
    if (parser_.error == YAML_READER_ERROR) {
      mark = mark_at(text_, parser_.problem_offset);
      mark.line += lines_before_;
    }
    return fail(mark, "not valid YAML: " + message, hint_for(problem));
  }

  // An anchored part is kept a second time, so it counts a second time.
  bool remember(const yaml_char_t* anchor, const Node& node) {
    if (anchor == nullptr) return true;
    if (!spend_copy(node, node.mark)) return false;
    anchors_[reinterpret_cast<const char*>(anchor)] = node;
    return true;
  }

  static std::size_t count(const Node& node, std::size_t& bytes) {
    std::size_t n = 1;
    bytes += node.scalar.size();
    for (const Node& item : node.items) n += count(item, bytes);
    for (const auto& [key, value] : node.members) n += count(key, bytes) + count(value, bytes);
    return n;
  }

  bool build(const Event& event, Node& node, int depth) {
    node.mark = to_mark(event.raw.start_mark);
    if (depth > kDepthMax)
      return fail(node.mark, "nested deeper than 100 levels", "no rule needs so many: flatten it");
    if (++nodes_ > kNodesMax) return too_large(node.mark);
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
        return fail(node.mark, "unexpected YAML structure", std::string(kPlainAdvice));
    }
  }

  bool build_scalar(const Event& event, Node& node) {
    const auto& scalar = event.raw.data.scalar;
    node.kind = Kind::kScalar;
    node.scalar.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    node.plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return remember(scalar.anchor, node);
  }

  bool build_sequence(const Event& event, Node& node, int depth) {
    node.kind = Kind::kSequence;
    for (;;) {
      Event item;
      if (!next(item)) return false;
      if (item.raw.type == YAML_SEQUENCE_END_EVENT) break;
      if (!build(item, node.items.emplace_back(), depth + 1)) return false;
    }
    return remember(event.raw.data.sequence_start.anchor, node);
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
      if (!key.is_scalar()) return fail(key.mark, "a key must be a scalar", "write a plain name");
      if (!seen.insert(key.scalar).second)
        return fail(key.mark, "duplicate key '" + key.scalar + "'", "rename or remove one of them");
      Event content;
      if (!next(content) || !build(content, value, depth + 1)) return false;
    }
    return merge_maps(node, seen) && remember(event.raw.data.mapping_start.anchor, node);
  }

  // `<<: *map` or `<<: [*map, *map]` (YAML 1.1): members that the map does not have itself.
  bool merge_maps(Node& node, std::unordered_set<std::string>& seen) {
    const auto merge = std::find_if(node.members.begin(), node.members.end(), [](const auto& m) {
      return m.first.plain && m.first.scalar == "<<";
    });
    if (merge == node.members.end()) return true;
    const Node source = std::move(merge->second);
    node.members.erase(merge);
    const auto take = [&](const Node& map) {
      for (const auto& member : map.members)
        if (seen.insert(member.first.scalar).second) node.members.push_back(member);
      return map.is_map();
    };
    const bool good =
        source.is_map()
            ? take(source)
            : source.is_sequence() && std::all_of(source.items.begin(), source.items.end(), take);
    return good || fail(source.mark, "'<<' takes a map or a list of maps",
                        "quote the key if a field has this name");
  }

  bool build_alias(const Event& event, Node& node) {
    const std::string name = reinterpret_cast<const char*>(event.raw.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      return fail(node.mark, "unknown alias '" + name + "'",
                  "an alias stands behind the '&" + name + "' that it repeats, never inside it; " +
                      "quote a value that begins with '*'");
    if (!spend_copy(found->second, node.mark)) return false;
    node = found->second;
    return true;
  }

  yaml_parser_t parser_{};
  std::string_view text_;
  std::size_t lines_before_;
  std::map<std::string, Node> anchors_;
  // Of the document.
  std::size_t nodes_ = 0;
  std::size_t copies_ = 0;
  Spent& spent_;
  ParseError error_;
};

bool is_marker(std::string_view line, std::string_view marker) {
  return line.starts_with(marker) && (line.size() == marker.size() || line[marker.size()] == ' ' ||
                                      line[marker.size()] == '\t' || line[marker.size()] == '\r');
}

// Lines that begin with `%`, behind any break that is one for libyaml.
std::size_t directives_of(std::string_view text) {
  const auto behind_break = [](std::string_view before) {
    return before.empty() || before.ends_with('\n') || before.ends_with('\r') ||
           before.ends_with("\xC2\x85") || before.ends_with("\xE2\x80\xA8") ||
           before.ends_with("\xE2\x80\xA9");
  };
  std::size_t directives = 0;
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
    directives += behind_break(text.substr(0, at));
  return directives;
}

// Cuts a text where documents begin.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : rest_(text) {}

  struct Part {
    std::string_view text;
    std::size_t lines_before = 0;
    std::size_t directives = 0;
  };

  bool next(Part& part) {
    if (rest_.empty()) return false;
    part.lines_before = lines_;
    bool has_content = false;
    std::size_t at = 0;
    while (at < rest_.size()) {
      const std::size_t end = std::min(rest_.find('\n', at), rest_.size());
      const std::string_view line = rest_.substr(at, end - at);
      const bool starts = is_marker(line, "---");
      if (starts && has_content) break;
      const bool directive = !has_content && line.starts_with('%');
      has_content |= starts || !(directive || line.empty() || line[0] == '#' || line[0] == '\r');
      at = std::min(end + 1, rest_.size());
      ++lines_;
      if (is_marker(line, "...")) break;
    }
    part.text = rest_.substr(0, at);
    part.directives = directives_of(part.text);
    rest_.remove_prefix(at);
    return true;
  }

 private:
  std::string_view rest_;
  std::size_t lines_ = 0;
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

bool is_utf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

tl::expected<std::string, ParseError> utf16_to_utf8(std::string_view text) {
  const std::size_t high = text.starts_with("\xFE\xFF") ? 0 : 1;
  const auto unit = [&](std::size_t at) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    return byte(at + high) << 8 | byte(at + 1 - high);
  };
  std::string out;
  out.reserve(text.size() / 2);
  std::size_t line = 1;
  for (std::size_t at = 2; at < text.size(); at += 2) {
    std::uint32_t c = at + 1 < text.size() ? unit(at) : 0xD800;
    if (c >= 0xD800 && c < 0xDC00 && at + 3 < text.size()) {
      at += 2;
      const std::uint32_t low = unit(at);
      if (low >= 0xDC00 && low < 0xE000) c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    if (c >= 0xD800 && c < 0xE000)
      return tl::unexpected(
          ParseError{{line, 1}, "not valid UTF-16: half of a character", "save it as UTF-8"});
    line += c == '\n';
    append_utf8(out, c);
  }
  return out;
}

void for_each_document(std::string_view text,
                       const std::function<bool(tl::expected<Node, ParseError>)>& visit) {
  std::string decoded;
  if (is_utf16(text)) {
    auto utf8 = utf16_to_utf8(text);
    if (!utf8) return static_cast<void>(visit(tl::unexpected(std::move(utf8).error())));
    decoded = *std::move(utf8);
    text = decoded;
  }
  Splitter splitter(text);
  Splitter::Part part;
  Spent spent;
  for (std::size_t documents = 0; splitter.next(part);) {
    const Mark start{part.lines_before + 1, 1};
    if (part.directives > kDirectivesMax) {
      if (!visit(tl::unexpected(
              ParseError{start, "more than 100 YAML directives", "remove the lines with '%'"})))
        return;
      continue;
    }
    auto blocks = read_block_document(part.text, part.lines_before);
    std::optional<Parser> parser;
    if (blocks)
      spent.nodes += blocks->nodes;
    else
      parser.emplace(part.text, part.lines_before, spent);
    for (bool good = true; good;) {
      std::optional<tl::expected<Node, ParseError>> document;
      if (parser)
        document = parser->document();
      else if (blocks)
        document = std::move(blocks->root);
      blocks.reset();
      if (!document) break;
      if (++documents > kDocumentsMax) {
        visit(tl::unexpected(
            ParseError{start, "more than 100,000 documents in one file", "split the file"}));
        return;
      }
      if (spent.nodes > kTextNodesMax) {
        visit(tl::unexpected(
            ParseError{start, "more than 8,000,000 nodes in one file; the rest is left out",
                       "split the file"}));
        return;
      }
      good = document->has_value();
      if (!visit(*std::move(document))) return;
    }
  }
}

tl::expected<std::vector<Node>, ParseError> parse(std::string_view text) {
  std::vector<Node> documents;
  std::optional<ParseError> error;
  for_each_document(text, [&](tl::expected<Node, ParseError> document) {
    if (document)
      documents.push_back(*std::move(document));
    else
      error = std::move(document).error();
    return !error;
  });
  if (error) return tl::unexpected(*std::move(error));
  return documents;
}

}  // namespace tocsin::yaml
