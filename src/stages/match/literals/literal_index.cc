// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/literal_index.h"

#include <algorithm>
#include <array>
#include <bit>

namespace tocsin::match {
namespace {

constexpr std::size_t kUses = 1u << 15;

// How many bits a byte tells: about the logarithm of how seldom folded text of logs holds it.
constexpr std::array<std::uint8_t, 256> kBitsOfByte = [] {
  std::array<std::uint8_t, 256> bits{};
  bits.fill(8);
  for (unsigned byte = 'a'; byte <= 'z'; ++byte) bits[byte] = 5;
  for (unsigned byte = '0'; byte <= '9'; ++byte) bits[byte] = 6;
  for (const char c : std::string_view("jqxzkvwy")) bits[static_cast<unsigned char>(c)] = 7;
  for (const char c : std::string_view("etaoinsr")) bits[static_cast<unsigned char>(c)] = 4;
  for (const char c : std::string_view(" .-\\")) bits[static_cast<unsigned char>(c)] = 5;
  return bits;
}();

std::size_t use_slot(std::uint64_t window) { return (window * 0x9E3779B97F4A7C15ULL) >> 49; }

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
    for (WindowTable* table : {&tables->whole, &tables->start, &tables->end, &tables->longs,
                               &tables->middles, &tables->quads, &tables->pairs})
      table->build();
  uses_ = {};
}

// How many times each piece of four bytes stands in literals that may stand anywhere.
void LiteralIndex::count_windows() {
  uses_.assign(kUses, 0);
  for (const Literal& literal : literals_) {
    if (literal.anchor != Anchor::kAnywhere) continue;
    const std::string_view text = text_of(literal);
    for (std::size_t at = 0; at + kNarrow <= text.size(); ++at) {
      std::uint16_t& uses = uses_[use_slot(load<std::uint32_t>(text.data() + at))];
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
    const std::size_t first = rarest(text, width, windows);
    if (windows == 1 && ++tables.near <= kPrintsMax)
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
    add(tables.quads, kNarrow, 1);
  else if (text.size() >= kPair)
    add(tables.pairs, kPair, 1);
  else
    tables.singles.push_back(index);
}

// Where the `windows` neighbouring windows begin of which the most common one is rarest.
std::size_t LiteralIndex::rarest(std::string_view text, std::size_t width,
                                 std::size_t windows) const {
  std::size_t best = 0;
  int best_rarity = -1;
  std::array<int, kStride> last{};  // of the last windows, by place modulo kStride
  for (std::size_t at = 0; at + width <= text.size(); ++at) {
    last[at % kStride] = rarity(text, at, width);
    if (at + 1 < windows) continue;
    const int least =
        windows == 1 ? last[at % kStride] : *std::min_element(last.begin(), last.end());
    if (least <= best_rarity) continue;
    best_rarity = least;
    best = at + 1 - windows;
  }
  return best;
}

// In bits: what its bytes tell, less what other literals hold of it ("\windows\", ".exe").
int LiteralIndex::rarity(std::string_view text, std::size_t at, std::size_t width) const {
  int bits = 0;
  for (std::size_t i = at; i < at + width; ++i)
    bits += kBitsOfByte[static_cast<unsigned char>(text[i])];
  for (std::size_t i = at; i + kNarrow <= at + width; i += kNarrow) {
    const unsigned uses = uses_[use_slot(load<std::uint32_t>(text.data() + i))];
    bits -= 2 * static_cast<int>(std::bit_width(uses));
  }
  return bits;
}

}  // namespace tocsin::match
