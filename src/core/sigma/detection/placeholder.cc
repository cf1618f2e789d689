// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/placeholder.h"

#include <fmt/format.h>

#include <optional>

namespace tocsin::sigma {
namespace {

struct Piece {
  std::string text;
  bool placeholder = false;
};

// The name of the placeholder that begins at the percent sign `at`.
std::optional<std::string_view> name_at(std::string_view text, std::size_t at) {
  const std::size_t close = text.find('%', at + 1);
  if (close == std::string_view::npos || close == at + 1) return std::nullopt;
  const std::string_view name = text.substr(at + 1, close - at - 1);
  if (name.find('\\') != std::string_view::npos) return std::nullopt;
  return name;
}

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '%') {
      if (const auto name = name_at(text, at)) {
        if (!plain.empty()) pieces.push_back({std::move(plain), false});
        plain.clear();
        pieces.push_back({std::string(*name), true});
        at += name->size() + 2;
        continue;
      }
    } else if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '%' &&
               !name_at(text, at + 1)) {
      ++at;
    }
    plain.push_back(text[at++]);
  }
  if (!plain.empty()) pieces.push_back({std::move(plain), false});
  return pieces;
}

Result<const std::vector<std::string>*> values_of(const std::string& name,
                                                  const Placeholders& placeholders) {
  const auto found = placeholders.find(name);
  if (found == placeholders.end() || found->second.empty())
    return fail(ErrorCode::kNotFound, fmt::format("no value for the placeholder %{}%", name));
  return &found->second;
}

std::size_t size_of(const std::string& text) { return text.size(); }
std::size_t size_of(const Pattern& pattern) {
  std::size_t size = 0;
  for (const Part& part : pattern.parts()) size += part.text.size() + 1;
  return size;
}

void append(std::string& text, const std::string& value) { text += value; }
void append(Pattern& pattern, const std::string& value) { pattern.append(Pattern::parse(value)); }

// Every text so far followed by every value, within the limits.
template <class Text>
Status multiply(std::vector<Text>& texts, const std::vector<std::string>& values) {
  std::size_t bytes = 0;
  for (const Text& text : texts) bytes += size_of(text);
  std::size_t added = 0;
  for (const std::string& value : values) added += value.size() + 1;
  if (texts.size() * values.size() > kExpansionsMax ||
      bytes * values.size() + added * texts.size() > kExpansionBytesMax)
    return fail(ErrorCode::kExhausted,
                "the placeholders expand to more than 10,000 values or 4 MiB");
  std::vector<Text> grown;
  grown.reserve(texts.size() * values.size());
  for (const Text& text : texts)
    for (const std::string& value : values) append(grown.emplace_back(text), value);
  texts = std::move(grown);
  return {};
}

}  // namespace

Result<std::vector<Pattern>> expand(const Pattern& pattern, const Placeholders& placeholders) {
  std::vector<Pattern> done{Pattern()};
  for (const Part& part : pattern.parts()) {
    if (part.kind != PartKind::kLiteral) {
      for (Pattern& text : done) text.append(part.kind);
      continue;
    }
    for (const Piece& piece : pieces_of(part.text)) {
      if (!piece.placeholder) {
        for (Pattern& text : done) text.append(PartKind::kLiteral, piece.text);
        continue;
      }
      TOCSIN_TRY(const auto* values, values_of(piece.text, placeholders));
      TOCSIN_TRY_STATUS(multiply(done, *values));
    }
  }
  return done;
}

Result<std::vector<std::string>> expand(std::string_view regex, const Placeholders& placeholders) {
  std::vector<std::string> done{""};
  for (const Piece& piece : pieces_of(regex)) {
    if (!piece.placeholder) {
      for (std::string& text : done) text += piece.text;
      continue;
    }
    TOCSIN_TRY(const auto* values, values_of(piece.text, placeholders));
    TOCSIN_TRY_STATUS(multiply(done, *values));
  }
  return done;
}

}  // namespace tocsin::sigma
