// SPDX-License-Identifier: Apache-2.0
#include "stages/match/filing.h"

#include <cstddef>
#include <span>
#include <string_view>

#include "base/utf8.h"

namespace tocsin::match {

using sigma::Op;
using sigma::Part;
using sigma::PartKind;

namespace {

// A piece with n dashes is filed under 5 to the n literals.
constexpr std::size_t kDashesMax = 2;

bool is_wildcard(const Part& part) {
  return part.kind == PartKind::kMany || part.kind == PartKind::kOne;
}

// Parts [begin, end) of a pattern: literals and dashes.
struct Piece {
  std::size_t begin = 0, end = 0, bytes = 0;
};

Piece longest_piece(std::span<const Part> parts) {
  Piece best;
  for (std::size_t begin = 0; begin < parts.size(); ++begin) {
    Piece piece{begin, begin, 0};
    std::size_t dashes = 0;
    for (; piece.end < parts.size() && !is_wildcard(parts[piece.end]); ++piece.end) {
      const bool dash = parts[piece.end].kind == PartKind::kDash;
      if (dash && ++dashes > kDashesMax) break;
      piece.bytes += dash ? 1 : parts[piece.end].text.size();
    }
    if (piece.bytes > best.bytes) best = piece;
  }
  return best;
}

std::vector<std::string> readings(std::span<const Part> piece) {
  std::vector<std::string> out{""};
  for (const Part& part : piece) {
    if (part.kind == PartKind::kLiteral) {
      for (std::string& text : out) text += part.text;
      continue;
    }
    std::vector<std::string> longer;
    for (const std::string& text : out)
      for (const std::string_view dash : sigma::kDashes) longer.push_back(text + std::string(dash));
    out = std::move(longer);
  }
  return out;
}

Filed file_pattern(std::span<const Part> parts) {
  const Piece piece = longest_piece(parts);
  if (piece.bytes == 0) return {Anchor::kAnywhere, {""}, false};
  const bool at_start = piece.begin == 0, at_end = piece.end == parts.size();
  const auto only_many = [&](std::size_t part) { return parts[part].kind == PartKind::kMany; };
  Filed out;
  out.anchor = at_start && at_end ? Anchor::kWhole
               : at_start         ? Anchor::kStart
               : at_end           ? Anchor::kEnd
                                  : Anchor::kAnywhere;
  out.literals = readings(parts.subspan(piece.begin, piece.end - piece.begin));
  out.exact = (at_start || (piece.begin == 1 && only_many(0))) &&
              (at_end || (piece.end + 1 == parts.size() && only_many(piece.end)));
  return out;
}

Anchor anchor_of(Op op) {
  switch (op) {
    case Op::kEquals:
      return Anchor::kWhole;
    case Op::kPrefix:
      return Anchor::kStart;
    case Op::kSuffix:
      return Anchor::kEnd;
    default:
      return Anchor::kAnywhere;
  }
}

}  // namespace

bool has_literal(const sigma::Predicate& p) {
  return p.op == Op::kEquals || p.op == Op::kPrefix || p.op == Op::kSuffix ||
         p.op == Op::kContains || p.op == Op::kWildcard;
}

Filed file_under(const sigma::Predicate& p) {
  Filed out = p.op == Op::kWildcard ? file_pattern(p.pattern.parts())
                                    : Filed{anchor_of(p.op), {p.text}, true};
  if (!p.cased) return out;
  out.exact = false;
  for (std::string& literal : out.literals) literal = folded(literal);
  return out;
}

}  // namespace tocsin::match
