// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/literal_index.h"

#include <algorithm>
#include <bit>

#include "stages/match/literals/commonness.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kUsesMin = 64, kUsesMax = 1u << 15;
constexpr std::size_t kUsesEach = 16;  // slots for each window: few share one

// `slots` is a power of two.
std::size_t use_slot(std::uint64_t window, std::size_t slots) {
  return (window * 0x9E3779B97F4A7C15ULL) >> (64 - std::countr_zero(slots));
}

}  // namespace

bool LiteralIndex::is_ascii(std::string_view text) {
  std::uint64_t all = 0;
  std::size_t at = 0;
  for (; at + sizeof all <= text.size(); at += sizeof all)
    all |= load<std::uint64_t>(text.data() + at);
  for (; at < text.size(); ++at) all |= static_cast<unsigned char>(text[at]);
  return (all & 0x8080'8080'8080'8080ULL) == 0;
}

void LiteralIndex::add(Anchor anchor, std::string_view literal, std::uint32_t payload) {
  if (literal.empty() && anchor != Anchor::kWhole) always_.push_back(payload);
  literals_.push_back({static_cast<std::uint32_t>(text_.size()),
                       static_cast<std::uint32_t>(literal.size()), payload, anchor});
  text_ += literal;
}

void LiteralIndex::build() {
  if (literals_.empty()) return;
  count_windows();
  for (std::uint32_t i = 0; i < literals_.size(); ++i)
    if (literals_[i].size != 0 || literals_[i].anchor == Anchor::kWhole) file(i);
  for (Tables* tables : {&ascii_, &other_})
    for (WindowTable* table :
         {&tables->whole, &tables->start, &tables->end, &tables->longs, &tables->middles,
          &tables->near.quads, &tables->near.triples, &tables->near.pairs})
      table->build();
  uses_ = {};
}

// How many times each piece of four bytes stands in literals that may stand anywhere.
void LiteralIndex::count_windows() {
  std::size_t windows = 0;
  for (const Literal& literal : literals_)
    if (literal.anchor == Anchor::kAnywhere) windows += literal.size;
  uses_.assign(std::clamp(std::bit_ceil(windows * kUsesEach), kUsesMin, kUsesMax), 0);
  for (const Literal& literal : literals_) {
    if (literal.anchor != Anchor::kAnywhere) continue;
    const std::string_view text = text_of(literal);
    for (std::size_t at = 0; at + kNarrow <= text.size(); ++at) {
      std::uint16_t& uses = uses_[use_slot(load<std::uint32_t>(text.data() + at), uses_.size())];
      if (uses != UINT16_MAX) ++uses;
    }
  }
}

void LiteralIndex::file(std::uint32_t index) {
  const std::string_view text = text_of(literals_[index]);
  Tables& tables = is_ascii(text) ? ascii_ : other_;
  tables.used = true;
  const std::size_t width = std::min(text.size(), kWide);
  switch (literals_[index].anchor) {
    case Anchor::kWhole:
      tables.whole.add(whole_window(text), {index, 0});
      break;
    case Anchor::kStart:
      tables.start.add(load_window(text.substr(0, width)), {index, 0});
      tables.start_widths |= 1u << width;
      break;
    case Anchor::kEnd: {
      const std::size_t at = text.size() - width;
      tables.end.add(load_window(text.substr(at)), {index, static_cast<std::uint32_t>(at)});
      tables.end_widths |= 1u << width;
      break;
    }
    case Anchor::kAnywhere:
      file_anywhere(tables, index);
      break;
  }
}

void LiteralIndex::file_anywhere(Tables& tables, std::uint32_t index) {
  const std::string_view text = text_of(literals_[index]);
  const auto add = [&](WindowTable& table, std::size_t width, std::size_t windows) {
    const std::size_t first = rarest_windows(text.size() + 1 - width, windows, [&](std::size_t at) {
      return rarity(text.substr(at, width));
    });
    if (windows == 1 && ++tables.near_count <= kPrintsMax)
      tables.prints.add(text.substr(first, Fingerprints::kBytes), false);
    for (std::size_t at = first; at < first + windows; ++at) {
      std::uint64_t window = 0;
      std::memcpy(&window, text.data() + at, width);
      table.add(window, {index, static_cast<std::uint32_t>(at)});
    }
  };
  if (text.size() >= kLong)
    add(tables.longs, kWide, kStride);
  else if (text.size() >= kMiddle)
    add(tables.middles, kNarrow, kStride);
  else if (text.size() >= kNarrow)
    add(tables.near.quads, kNarrow, 1);
  else if (text.size() == kTriple)
    add(tables.near.triples, kTriple, 1);
  else if (text.size() == kPair)
    add(tables.near.pairs, kPair, 1);
  else
    tables.singles.push_back(index);
}

// In bits: what its bytes tell, less what other literals hold of it ("\windows\", ".exe").
int LiteralIndex::rarity(std::string_view window) const {
  int bits = bits_of(window);
  for (std::size_t at = 0; at + kNarrow <= window.size(); at += kNarrow) {
    const unsigned uses = uses_[use_slot(load<std::uint32_t>(window.data() + at), uses_.size())];
    bits -= 2 * static_cast<int>(std::bit_width(uses));
  }
  return bits;
}

}  // namespace tocsin::match
