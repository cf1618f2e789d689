// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literal_index.h"

#include <algorithm>
#include <bit>
#include <map>

namespace tocsin::match {

void LiteralIndex::add(Anchor anchor, std::string_view literal, std::uint32_t payload) {
  if (literal.empty() && anchor != Anchor::kWhole) always_.push_back(payload);
  literals_.push_back({std::string(literal), anchor, payload});
}

void LiteralIndex::Trie::insert(std::string_view text, bool backward, std::uint32_t payload) {
  std::uint32_t node = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(backward ? text[text.size() - 1 - i] : text[i]);
    const std::uint64_t key = (static_cast<std::uint64_t>(node) << 8) | byte;
    const auto [edge, is_new] =
        building_.try_emplace(key, static_cast<std::uint32_t>(payloads_.size()));
    if (is_new) payloads_.emplace_back();
    node = edge->second;
  }
  payloads_[node].push_back(payload);
}

void LiteralIndex::Trie::freeze() {
  edges_.assign(std::bit_ceil(building_.size() * 2 + 2), Edge{});
  mask_ = edges_.size() - 1;
  for (const auto& [key, to] : building_) {
    std::size_t i = slot(key) & mask_;
    while (edges_[i].key != UINT64_MAX) i = (i + 1) & mask_;
    edges_[i] = {key, to};
  }
  building_.clear();
}

void LiteralIndex::build() {
  std::vector<std::uint32_t> long_literals;
  for (std::uint32_t i = 0; i < literals_.size(); ++i) {
    const Literal& literal = literals_[i];
    if (literal.text.empty() && literal.anchor != Anchor::kWhole) continue;
    switch (literal.anchor) {
      case Anchor::kWhole:
        whole_[literal.text].push_back(literal.payload);
        break;
      case Anchor::kStart:
        prefixes_.insert(literal.text, false, literal.payload);
        break;
      case Anchor::kEnd:
        suffixes_.insert(literal.text, true, literal.payload);
        break;
      case Anchor::kAnywhere:
        (literal.text.size() >= kGram ? long_literals
         : literal.text.size() == 1   ? single_
                                      : short_)
            .push_back(i);
        break;
    }
  }
  prefixes_.freeze();
  suffixes_.freeze();
  index_short();
  choose_grams(long_literals);
}

void LiteralIndex::index_short() {
  if (short_.empty()) return;
  short_bits_.assign(kShortBits / 64, 0);
  for (const std::uint32_t index : short_) {
    const std::string& text = literals_[index].text;
    short_by_first_[static_cast<unsigned char>(text[0])].push_back(index);
    for (unsigned third = 0; third < 256; ++third) {  // a literal of two bytes: whatever follows
      const char bytes[kGram] = {text[0], text[1],
                                 text.size() > 2 ? text[2] : static_cast<char>(third), 0};
      const std::size_t bit = short_bit(load_gram(bytes));
      short_bits_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
      if (text.size() > 2) break;
    }
  }
}

// Each literal is filed under that one of its grams which the fewest literals hold, so that common
// text
// (".exe", "powe") leads to no verification.
void LiteralIndex::choose_grams(const std::vector<std::uint32_t>& long_literals) {
  if (long_literals.empty()) return;
  std::unordered_map<std::uint32_t, std::uint32_t> uses;
  for (const std::uint32_t i : long_literals) {
    const std::string& text = literals_[i].text;
    for (std::size_t at = 0; at + kGram <= text.size(); ++at) ++uses[load_gram(text.data() + at)];
  }
  std::map<std::uint32_t, std::vector<GramEntry>> filed;
  for (const std::uint32_t i : long_literals) {
    const std::string& text = literals_[i].text;
    std::size_t best = 0;
    for (std::size_t at = 1; at + kGram <= text.size(); ++at)
      if (uses[load_gram(text.data() + at)] < uses[load_gram(text.data() + best)]) best = at;
    filed[load_gram(text.data() + best)].push_back({i, static_cast<std::uint32_t>(best)});
  }
  bitmap_.assign(kBitmapBits / 64, 0);
  gram_slots_.assign(std::bit_ceil(filed.size() * 2 + 2), GramSlot{});
  gram_mask_ = gram_slots_.size() - 1;
  for (const auto& [gram, entries] : filed) {
    const std::size_t bit = gram_bit(gram);
    bitmap_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    std::size_t s = bit & gram_mask_;
    while (gram_slots_[s].count != 0) s = (s + 1) & gram_mask_;
    gram_slots_[s] = {gram, static_cast<std::uint32_t>(gram_entries_.size()),
                      static_cast<std::uint32_t>(entries.size())};
    gram_entries_.insert(gram_entries_.end(), entries.begin(), entries.end());
  }
}

}  // namespace tocsin::match
