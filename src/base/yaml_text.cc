// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_text.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace tocsin::yaml {
namespace {

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

}  // namespace

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

bool DocumentSplitter::next(Part& part) {
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

}  // namespace tocsin::yaml
