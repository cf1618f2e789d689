// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/pattern.h"

#include <algorithm>
#include <cstddef>

#include "base/bytes/find_bytes.h"
#include "base/utf8.h"

namespace tocsin::sigma {
namespace {

constexpr std::size_t kCharacterMax = 4;  // bytes

// The bytes of the dash at the front of `text`: - / U+2013 U+2014 U+2015; 0: none.
std::size_t dash_size(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '-' || text[0] == '/') return 1;
  if (text[0] != '\xE2') return 0;
  for (const std::string_view dash : kDashes)
    if (text.starts_with(dash)) return dash.size();
  return 0;
}

std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  std::size_t size = 1;
  if (lead >= 0xF0)
    size = 4;
  else if (lead >= 0xE0)
    size = 3;
  else if (lead >= 0xC0)
    size = 2;
  return size < text.size() ? size : text.size();
}

// How many bytes of the front of `text` the part takes; npos when it does not fit.
std::size_t take(const Part& part, std::string_view text) {
  switch (part.kind) {
    case PartKind::kLiteral:
      return text.starts_with(part.text) ? part.text.size() : std::string_view::npos;
    case PartKind::kOne:
      return text.empty() ? std::string_view::npos : character_size(text);
    case PartKind::kDash:
      if (const std::size_t size = dash_size(text); size > 0) return size;
      return std::string_view::npos;
    case PartKind::kMany:
      break;
  }
  return std::string_view::npos;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

void Pattern::append(PartKind kind, std::string_view text) {
  if (kind == PartKind::kLiteral) {
    if (text.empty()) return;
    if (!parts_.empty() && parts_.back().kind == PartKind::kLiteral) {
      parts_.back().text += text;
      return;
    }
  }
  if (kind == PartKind::kMany && !parts_.empty() && parts_.back().kind == PartKind::kMany) return;
  parts_.push_back({kind, std::string(text)});
}

void Pattern::append(const Pattern& other) {
  for (const Part& part : other.parts_) append(part.kind, part.text);
}

Pattern Pattern::literal(std::string_view text) {
  Pattern pattern;
  pattern.append(PartKind::kLiteral, text);
  return pattern;
}

Pattern Pattern::parse(std::string_view text) {
  Pattern pattern;
  pattern.parts_.reserve(3);  // as `contains` needs
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t special = std::min(text.find_first_of("\\*?", i), text.size());
    if (special > i) pattern.append(PartKind::kLiteral, text.substr(i, special - i));
    i = special;
    if (i == text.size()) break;
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && (next == '*' || next == '?' || next == '\\')) {
      pattern.append(PartKind::kLiteral, text.substr(i + 1, 1));
      ++i;
    } else if (c == '*') {
      pattern.append(PartKind::kMany);
    } else if (c == '?') {
      pattern.append(PartKind::kOne);
    } else {
      pattern.append(PartKind::kLiteral, text.substr(i, 1));
    }
    ++i;
  }
  return pattern;
}

bool Pattern::has_wildcard() const {
  for (const Part& part : parts_)
    if (part.kind == PartKind::kMany || part.kind == PartKind::kOne) return true;
  return false;
}

bool Pattern::is_literal() const {
  return parts_.empty() || (parts_.size() == 1 && parts_[0].kind == PartKind::kLiteral);
}

std::string Pattern::literal_text() const {
  std::string out;
  for (const Part& part : parts_) out += part.text;
  return out;
}

void Pattern::add_leading_many() {
  if (parts_.empty() || parts_.front().kind != PartKind::kMany)
    parts_.insert(parts_.begin(), {PartKind::kMany, {}});
}

void Pattern::add_trailing_many() { append(PartKind::kMany); }

void Pattern::make_windash() {
  Pattern out;
  for (const Part& part : parts_) {
    if (part.kind != PartKind::kLiteral) {
      out.append(part.kind);
      continue;
    }
    const std::string& text = part.text;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool dash = text[i] == '-' || text[i] == '/';
      const bool word_before = i > 0 && is_word(text[i - 1]);
      const bool word_after = i + 1 < text.size() && is_word(text[i + 1]);
      if (dash && !word_before && word_after)
        out.append(PartKind::kDash);
      else
        out.append(PartKind::kLiteral, std::string_view(text).substr(i, 1));
    }
  }
  *this = std::move(out);
}

Pattern Pattern::folded() const {
  Pattern out;
  out.parts_.reserve(parts_.size());
  for (const Part& part : parts_)
    out.parts_.push_back(
        {part.kind, part.text.empty() ? std::string() : tocsin::folded(part.text)});
  return out;
}

// The longest literal of the parts from `first` up to the next kMany, and how many bytes may stand
// before it.
Pattern::Anchor Pattern::anchor_behind(std::size_t first) const {
  Anchor anchor;
  std::size_t least = 0, most = 0;
  for (std::size_t i = first; i < parts_.size() && parts_[i].kind != PartKind::kMany; ++i) {
    const std::string& text = parts_[i].text;
    if (anchor.text.size() < text.size()) anchor = {text, least, most};
    least += parts_[i].kind == PartKind::kLiteral ? text.size() : 1;
    most += parts_[i].kind == PartKind::kLiteral ? text.size() : kCharacterMax;
  }
  // A `?` begins where a character does, so that places cannot be counted back from the anchor.
  if (first < parts_.size() && parts_[first].kind == PartKind::kOne) return {};
  return anchor;
}

// A place behind `at`, and before or at the first one there where what follows a kMany, from `part`
// on, fits.
std::size_t Pattern::next_start(std::string_view text, std::size_t part, const Anchor& anchor,
                                std::size_t at) const {
  if (!anchor.text.empty()) {
    const std::size_t found = find_bytes(text, anchor.text, at + 1 + anchor.least);
    if (found == std::string_view::npos) return found;
    return std::max(at + 1, found - std::min(found, anchor.most));
  }
  if (parts_[part].kind != PartKind::kDash) return at + character_size(text.substr(at));
  for (std::size_t next = at + 1; next < text.size(); ++next)
    if (dash_size(text.substr(next)) > 0) return next;
  return std::string_view::npos;
}

bool Pattern::matches(std::string_view text) const {
  std::size_t part = 0;
  std::size_t at = 0;
  // Where to resume when what follows the last kMany does not fit: further on.
  std::size_t resume_part = std::string_view::npos;
  std::size_t resume_at = 0;
  Anchor anchor;
  for (;;) {
    if (part == parts_.size() && at == text.size()) return true;
    if (part < parts_.size()) {
      if (parts_[part].kind == PartKind::kMany) {
        if (part + 1 == parts_.size()) return true;
        resume_part = ++part;
        resume_at = at;
        anchor = anchor_behind(part);
        continue;
      }
      const std::size_t taken = take(parts_[part], text.substr(at));
      if (taken != std::string_view::npos) {
        at += taken;
        ++part;
        continue;
      }
    }
    if (resume_part == std::string_view::npos || resume_at >= text.size()) return false;
    resume_at = next_start(text, resume_part, anchor, resume_at);
    if (resume_at == std::string_view::npos) return false;
    part = resume_part;
    at = resume_at;
  }
}

std::string Pattern::to_string() const {
  std::string out;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    switch (parts_[i].kind) {
      case PartKind::kMany:
        out.push_back('*');
        break;
      case PartKind::kOne:
        out.push_back('?');
        break;
      case PartKind::kDash:
        out += '[';
        for (const std::string_view dash : kDashes) out += dash;
        out += ']';
        break;
      case PartKind::kLiteral: {
        const std::string& text = parts_[i].text;
        for (std::size_t at = 0; at < text.size(); ++at) {
          const char c = text[at];
          // What follows decides whether a backslash would be read as an escape.
          const bool before_wildcard =
              at + 1 == text.size()
                  ? i + 1 < parts_.size()
                  : text[at + 1] == '\\' || text[at + 1] == '*' || text[at + 1] == '?';
          if (c == '*' || c == '?' || (c == '\\' && before_wildcard)) out.push_back('\\');
          out.push_back(c);
        }
      }
    }
  }
  return out;
}

}  // namespace tocsin::sigma
