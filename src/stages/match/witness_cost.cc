// SPDX-License-Identifier: Apache-2.0
#include "stages/match/witness_cost.h"

#include <algorithm>
#include <cstring>

namespace tocsin::match {
namespace {

// A word of a few that a field may hold ("SetValue", "true"), not a name or a path.
bool is_choice(const sigma::Predicate& p) {
  return p.op == sigma::Op::kEquals && p.text.size() < 16 &&
         p.text.find_first_of(".\\/ ") == std::string::npos;
}

bool is_of_frame(const sigma::Predicate& p) {
  return p.field == "EventID" || p.field == "Channel" || p.field == "Provider_Name";
}

std::size_t slot_of(const char* at) {
  std::uint32_t piece = 0;
  std::memcpy(&piece, at, sizeof piece);
  return (piece * 0x9E3779B1u) >> 16;
}

}  // namespace

void WitnessCost::add(std::string_view literal) {
  for (std::size_t at = 0; at + kPiece <= literal.size(); ++at) {
    std::uint16_t& count = counts_[slot_of(literal.data() + at)];
    if (count != UINT16_MAX) ++count;
  }
}

double WitnessCost::of_literal(const sigma::Predicate& p, std::string_view literal,
                               std::size_t uses) const {
  double cost = 1.0 + 0.5 * static_cast<double>(uses);
  std::uint16_t least = UINT16_MAX;
  for (std::size_t at = 0; at + kPiece <= literal.size(); ++at)
    least = std::min(least, counts_[slot_of(literal.data() + at)]);
  if (literal.size() >= kPiece) cost += 0.5 * least;
  if (literal.size() < 6) cost += 400.0 / static_cast<double>(1 + literal.size() * literal.size());
  if (is_choice(p)) cost += 50;
  if (is_of_frame(p)) cost += 500;
  return cost;
}

double WitnessCost::of_other(const sigma::Predicate& p, std::size_t uses) const {
  return 1.0 + 0.5 * static_cast<double>(uses) + (p.op == sigma::Op::kRegex ? 20 : 50);
}

}  // namespace tocsin::match
