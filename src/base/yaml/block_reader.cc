// SPDX-License-Identifier: Apache-2.0
#include "base/yaml/block_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/utf8.h"

namespace tocsin::yaml {
namespace {

// Far below the limits of yaml.h, which libyaml's reader tells.
constexpr std::size_t kNodesOfBlocksMax = 100'000;
constexpr std::size_t kMembersMax = 64;  // each new key is compared with all before
constexpr std::size_t kKeyBytesMax = 256;
constexpr int kDepthOfBlocksMax = 50;

constexpr std::string_view kNotFirstInPlain = "-?:,[]{}#&*!|>'\"%@`";

bool is_key_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether the text has no character that libyaml refuses, takes for a line break, or that makes a
// place other than its count of bytes in front of a value: tabs and CR are left to libyaml, too.
bool is_simple(std::string_view text) {
  // Eight bytes at a time; the high bit of a byte of each mask tells of that byte.
  constexpr std::uint64_t kHigh = 0x8080'8080'8080'8080ULL, kOnes = kHigh >> 7;
  const auto zeros = [](std::uint64_t word) {
    return ~(((word & ~kHigh) + ~kHigh) | word) & kHigh;
  };
  std::uint64_t beyond_ascii = 0, control = 0;
  const auto look = [&](std::uint64_t word) {
    const std::uint64_t below_blank = ~(((word & ~kHigh) + kOnes * 0x60) | word) & kHigh;
    control |= (below_blank & ~zeros(word ^ kOnes * '\n')) | zeros(word ^ kOnes * 0x7F);
    beyond_ascii |= word & kHigh;
  };
  std::size_t at = 0;
  std::uint64_t word = 0;
  for (; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    look(word);
  }
  word = kOnes * ' ';
  std::memcpy(&word, text.data() + at, text.size() - at);
  look(word);
  if (control != 0) return false;
  if (beyond_ascii == 0) return true;
  if (!is_utf8(text)) return false;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const std::string_view two = text.substr(i, 2), three = text.substr(i, 3);
    if ((text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0) ||
        three == "\xE2\x80\xA8" || three == "\xE2\x80\xA9" || two == "\xEF\xBB" ||
        two == "\xEF\xBF")
      return false;
  }
  return true;
}

// Every function returns false for what is not of the form.
class BlockReader {
 public:
  BlockReader(std::string_view text, std::size_t lines_before)
      : text_(text), line_(lines_before + 1) {}

  bool read(BlockDocument& out) {
    find_content();
    if (ended_ || indent_ != 0 || !read_map(out.root, 0, 0) || !ended_) return false;
    out.nodes = nodes_;
    return true;
  }

 private:
  [[nodiscard]] bool is_blank_or_end(std::size_t at) const {
    return at >= line_end_ || text_[at] == ' ';
  }
  [[nodiscard]] bool at_dash() const { return text_[at_] == '-' && is_blank_or_end(at_ + 1); }
  [[nodiscard]] Mark mark() const { return {line_, at_ - line_begin_ + 1}; }

  void begin_line(std::size_t at) {
    line_begin_ = at;
    line_end_ = std::min(text_.find('\n', at), text_.size());
    at_ = std::min(text_.find_first_not_of(' ', at), line_end_);
    indent_ = at_ - line_begin_;
  }
  // From the line that begins at line_begin_: the first that is neither blank nor a comment.
  void find_content() {
    for (std::size_t at = line_begin_;; ++line_) {
      if (at >= text_.size()) {
        ended_ = true;
        return;
      }
      begin_line(at);
      if (at_ < line_end_ && text_[at_] != '#') return;
      at = line_end_ + 1;
    }
  }
  void next_line() {
    line_begin_ = line_end_ + 1;
    ++line_;
    find_content();
  }

  // Skips blanks; true when nothing but a comment is left of the line.
  bool skip_to_end() {
    const std::size_t before = at_;
    while (at_ < line_end_ && text_[at_] == ' ') ++at_;
    return at_ == line_end_ || (text_[at_] == '#' && at_ > before);
  }

  // Where the colon stands that makes a key of what begins at at_; npos: there is none.
  [[nodiscard]] std::size_t find_colon() const {
    for (std::size_t at = at_; at < line_end_; ++at) {
      at = text_.find(':', at);
      if (at >= line_end_) break;
      if (is_blank_or_end(at + 1)) return at;
    }
    return std::string_view::npos;
  }

  bool read_key(Node& key) {
    const std::size_t colon = find_colon();
    if (colon == std::string_view::npos || colon - at_ > kKeyBytesMax || !is_key_start(text_[at_]))
      return false;
    const std::string_view name = text_.substr(at_, colon - at_);
    const bool ascii = std::all_of(name.begin(), name.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!ascii || name.ends_with(' ') || name.find(" #") != std::string_view::npos) return false;
    key.mark = mark();
    key.scalar = name;
    key.plain = true;
    ++nodes_;
    at_ = colon + 1;
    return true;
  }

  bool read_map(Node& node, std::size_t column, int depth) {
    if (depth > kDepthOfBlocksMax) return false;
    node.kind = Kind::kMap;
    node.mark = mark();
    ++nodes_;
    do {
      if (node.members.size() == kMembersMax || nodes_ > kNodesOfBlocksMax) return false;
      auto& [key, value] = node.members.emplace_back();
      if (!read_key(key)) return false;
      const auto last = node.members.end() - 1;
      const std::string& name = last->first.scalar;
      if (std::any_of(node.members.begin(), last,
                      [&](const auto& member) { return member.first.scalar == name; }))
        return false;
      if (!(skip_to_end() ? read_below(value, column, depth) : read_scalar(value, column)))
        return false;
    } while (!ended_ && indent_ == column && !at_dash());
    return ended_ || indent_ < column;
  }

  // The value of a key behind which the line ends.
  bool read_below(Node& value, std::size_t column, int depth) {
    next_line();
    if (ended_ || indent_ < column) return false;
    if (at_dash()) return read_sequence(value, indent_, depth + 1);
    return indent_ > column && read_map(value, indent_, depth + 1);
  }

  // Where `column` is that of the map around, the map goes on behind the last item.
  bool read_sequence(Node& node, std::size_t column, int depth) {
    if (depth > kDepthOfBlocksMax) return false;
    node.kind = Kind::kSequence;
    node.mark = mark();
    ++nodes_;
    do {
      if (nodes_ > kNodesOfBlocksMax) return false;
      ++at_;
      if (skip_to_end()) return false;
      Node& item = node.items.emplace_back();
      const bool map = is_key_start(text_[at_]) && find_colon() != std::string_view::npos;
      if (!(map ? read_map(item, at_ - line_begin_, depth + 1) : read_scalar(item, column)))
        return false;
    } while (!ended_ && indent_ == column && at_dash());
    return ended_ || indent_ <= column;
  }

  // `column` is that of the map or sequence around.
  bool read_scalar(Node& node, std::size_t column) {
    node.mark = mark();
    ++nodes_;
    const char first = text_[at_];
    if (first == '|') return read_literal(node, column);
    const bool good = first == '\''  ? read_single_quoted(node)
                      : first == '"' ? read_double_quoted(node)
                                     : read_plain(node);
    if (!good) return false;
    next_line();
    return true;
  }

  bool read_plain(Node& node) {
    if (at_dash() ||
        (text_[at_] != '-' && kNotFirstInPlain.find(text_[at_]) != std::string_view::npos))
      return false;
    if (find_colon() != std::string_view::npos) return false;
    std::string_view text = text_.substr(at_, line_end_ - at_);
    text = text.substr(0, text.find(" #"));
    node.scalar = text.substr(0, text.find_last_not_of(' ') + 1);
    node.plain = true;
    return true;
  }

  bool read_single_quoted(Node& node) {
    for (std::size_t from = at_ + 1;;) {
      const std::size_t quote = text_.find('\'', from);
      if (quote >= line_end_) return false;
      node.scalar.append(text_, from, quote - from);
      at_ = quote + 1;
      if (at_ >= line_end_ || text_[at_] != '\'') return skip_to_end();
      node.scalar.push_back('\'');
      from = at_ + 1;
    }
  }

  bool read_double_quoted(Node& node) {
    const std::size_t quote = text_.find_first_of("\"\\", at_ + 1);
    if (quote >= line_end_ || text_[quote] == '\\') return false;
    node.scalar = text_.substr(at_ + 1, quote - at_ - 1);
    at_ = quote + 1;
    return skip_to_end();
  }

  // `|` and `|-`. The first line of the text gives the indentation.
  bool read_literal(Node& node, std::size_t column) {
    ++at_;
    const bool strip = at_ < line_end_ && text_[at_] == '-';
    if (strip) ++at_;
    if (text_.find_first_not_of(' ', at_) < line_end_) return false;
    std::string breaks;
    std::size_t at = line_end_ + 1;
    ++line_;
    for (; at < text_.size() && text_[at] == '\n'; ++at, ++line_) breaks.push_back('\n');
    if (at >= text_.size()) return false;
    begin_line(at);
    const std::size_t indent = indent_;
    if (indent <= column || at_ == line_end_) return false;
    std::string_view last_break;
    for (bool more = true; more;) {
      node.scalar.append(last_break).append(breaks);
      node.scalar.append(text_, at + indent, line_end_ - at - indent);
      last_break = line_end_ < text_.size() ? "\n" : "";
      breaks.clear();
      more = false;
      for (at = line_end_ + 1, ++line_; at < text_.size(); at = line_end_ + 1, ++line_) {
        begin_line(at);
        const bool empty = at_ == line_end_ && indent_ <= indent;
        more = !empty && indent_ >= indent;
        if (!empty || line_end_ == text_.size()) break;
        breaks.push_back('\n');
      }
    }
    if (!strip) node.scalar.append(last_break);
    line_begin_ = at;
    find_content();
    return true;
  }

  std::string_view text_;
  std::size_t line_;
  std::size_t line_begin_ = 0, line_end_ = 0;
  std::size_t at_ = 0;      // in the text
  std::size_t indent_ = 0;  // of the line
  bool ended_ = false;
  std::size_t nodes_ = 0;
};

}  // namespace

std::optional<BlockDocument> read_block_document(std::string_view text, std::size_t lines_before) {
  BlockDocument out;
  if (!is_simple(text) || !BlockReader(text, lines_before).read(out)) return std::nullopt;
  return out;
}

}  // namespace tocsin::yaml
