// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "base/utf8.h"

namespace tocsin::sigma {
namespace {
std::string_view name_of(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

// A line of many megabytes is not searched for a place far inside.
constexpr std::size_t kColumnsMax = 100'000;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The byte where character number `column` (0-based) begins, or the end.
std::size_t byte_of(std::string_view line, std::size_t column) {
  std::size_t at = 0;
  for (; at < line.size(); ++at)
    if (!is_continuation(line[at]) && column-- == 0) break;
  return at;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

// Fit for a terminal and for JSON, character for character.
std::string clean(std::string_view text) {
  std::string out = repair_utf8(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return out;
}
}  // namespace

std::string_view SourceText::line(std::size_t number) const {
  if (starts_.empty()) {
    starts_.push_back(0);
    for (std::size_t at = text_.find('\n'); at != std::string_view::npos;
         at = text_.find('\n', at + 1))
      starts_.push_back(at + 1);
  }
  if (number == 0 || number > starts_.size()) return {};
  std::string_view line = text_.substr(starts_[number - 1]);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void SourceText::show(Diagnostic& d) const {
  const std::string_view whole = line(d.mark.line);
  if (d.mark.column == 0 || d.mark.column > kColumnsMax) return;
  const std::size_t at = byte_of(whole, d.mark.column - 1);
  std::size_t start = std::min(whole.find_first_not_of(" \t"), at);
  if (at - start > kExcerptBytesMax / 2) start = at - kExcerptBytesMax / 2;
  while (start > 0 && start < whole.size() && is_continuation(whole[start])) --start;
  std::size_t end = std::min(start + kExcerptBytesMax, whole.size());
  while (end > at && end < whole.size() && is_continuation(whole[end])) --end;
  d.excerpt = clean(whole.substr(start, end - start));
  d.caret = std::min(characters(clean(whole.substr(start, at - start))), characters(d.excerpt));
}

std::string to_text(const Diagnostic& d) {
  std::string out = d.path;
  if (d.mark.line != 0) out += fmt::format(":{}:{}", d.mark.line, d.mark.column);
  out += fmt::format(": {}: {} [{}]", name_of(d.severity), d.message, d.code);
  if (!d.excerpt.empty()) out += fmt::format("\n    {}\n    {:>{}}", d.excerpt, '^', d.caret + 1);
  if (!d.hint.empty()) out += fmt::format("\n    hint: {}", d.hint);
  return out;
}

void append_json(std::string& out, const Diagnostic& d) {
  JsonWriter json(out);
  json.object([&] {
    json.member("severity", name_of(d.severity));
    json.member("code", d.code);
    json.member("path", d.path);
    json.member("line", d.mark.line);
    json.member("column", d.mark.column);
    json.member("rule", d.rule);
    json.member("message", d.message);
    json.member("hint", d.hint);
    json.member("excerpt", d.excerpt);
    json.member("caret", d.caret);
  });
}

}  // namespace tocsin::sigma
