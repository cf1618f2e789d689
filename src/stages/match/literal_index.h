// SPDX-License-Identifier: Apache-2.0
//
// LiteralIndex: all literals of one field, to the few that a value satisfies, in one pass over the
// value.
//
//   rules' literals --build()--> LiteralIndex --scan(value)--> payloads of those that hold
//
// Why: 3,000 rules hold 10,000 literals on CommandLine alone; testing one after the other costs
// more than all the rest of the program. Equality is a hash look-up, prefixes and suffixes walk a
// trie, and `contains` literals are found by their rarest four bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin::match {

enum class Anchor : std::uint8_t { kWhole, kStart, kEnd, kAnywhere };

// Ownership:  owns its literals.
// Threads:    immutable after build(); share freely.
// Cost:       scan() is O(bytes) plus the verifications; no allocation.
// Invariant:  scan() reports exactly the literals that hold, each at least once (kAnywhere: once
// for each place).
class LiteralIndex {
 public:
  // An empty literal is allowed: it holds everywhere (kWhole: for the empty value only).
  void add(Anchor anchor, std::string_view literal, std::uint32_t payload);
  void build();
  [[nodiscard]] bool empty() const { return literals_.empty(); }

  // Calls found(payload) for each literal that holds for `value`.
  template <class Found>
  void scan(std::string_view value, Found&& found) const {
    for (const std::uint32_t payload : always_) found(payload);
    scan_whole(value, found);
    if (prefixes_.used()) prefixes_.walk_forward(value, found);
    if (suffixes_.used()) suffixes_.walk_backward(value, found);
    scan_anywhere(value, found);
  }

 private:
  static constexpr std::size_t kGram = 4;
  static constexpr std::size_t kBitmapBits = 1u << 18;
  static constexpr std::size_t kShortBits = 1u << 17;

  struct Literal {
    std::string text;
    Anchor anchor;
    std::uint32_t payload;
  };

  // Edges in one open-addressing table: (node, byte) -> node.
  class Trie {
   public:
    [[nodiscard]] bool used() const { return payloads_.size() > 1; }
    void insert(std::string_view text, bool backward, std::uint32_t payload);
    void freeze();
    template <class Found>
    void walk_forward(std::string_view value, Found&& found) const {
      std::uint32_t node = 0;
      for (const char c : value) {
        node = next(node, static_cast<unsigned char>(c));
        if (node == 0) return;
        for (const std::uint32_t payload : payloads_[node]) found(payload);
      }
    }
    template <class Found>
    void walk_backward(std::string_view value, Found&& found) const {
      std::uint32_t node = 0;
      for (std::size_t i = value.size(); i > 0; --i) {
        node = next(node, static_cast<unsigned char>(value[i - 1]));
        if (node == 0) return;
        for (const std::uint32_t payload : payloads_[node]) found(payload);
      }
    }

   private:
    struct Edge {
      std::uint64_t key = UINT64_MAX;
      std::uint32_t to = 0;
    };
    [[nodiscard]] static std::size_t slot(std::uint64_t key) {
      return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32);
    }
    [[nodiscard]] std::uint32_t next(std::uint32_t node, unsigned char byte) const {
      const std::uint64_t key = (static_cast<std::uint64_t>(node) << 8) | byte;
      for (std::size_t i = slot(key) & mask_;; i = (i + 1) & mask_) {
        if (edges_[i].key == key) return edges_[i].to;
        if (edges_[i].key == UINT64_MAX) return 0;
      }
    }
    std::unordered_map<std::uint64_t, std::uint32_t> building_;
    std::vector<Edge> edges_;
    std::size_t mask_ = 0;
    std::vector<std::vector<std::uint32_t>> payloads_{1};  // by node; 0 is the root
  };

  struct GramEntry {
    std::uint32_t literal;
    std::uint32_t offset;  // of the gram in the literal
  };

  static std::uint32_t load_gram(const char* at) {
    std::uint32_t gram;
    __builtin_memcpy(&gram, at, sizeof gram);
    return gram;
  }
  static std::size_t gram_bit(std::uint32_t gram) {
    return static_cast<std::size_t>((gram * 0x9E3779B1u) >> 14);
  }
  void index_short();
  // Of the first three bytes of a gram.
  static std::size_t short_bit(std::uint32_t gram) {
    return static_cast<std::size_t>(((gram << 8) * 0x9E3779B1u) >> 15);
  }
  void choose_grams(const std::vector<std::uint32_t>& long_literals);

  template <class Found>
  void scan_whole(std::string_view value, Found&& found) const {
    if (whole_.empty()) return;
    const auto hit = whole_.find(value);
    if (hit == whole_.end()) return;
    for (const std::uint32_t payload : hit->second) found(payload);
  }

  // All `contains` literals but those of one byte in one pass: at each place one bit says whether a
  // gram can be there, another whether a literal of two or three bytes can.
  template <class Found>
  void scan_anywhere(std::string_view value, Found&& found) const {
    for (const std::uint32_t index : single_)
      if (value.find(literals_[index].text[0]) != std::string_view::npos)
        found(literals_[index].payload);
    if (bitmap_.empty() && short_bits_.empty()) return;
    if (short_bits_.empty())
      scan_places<true, false>(value, found);
    else if (bitmap_.empty())
      scan_places<false, true>(value, found);
    else
      scan_places<true, true>(value, found);
  }

  template <bool Long, bool Short, class Found>
  void scan_places(std::string_view value, Found&& found) const {
    // Copies, so that the compiler need not load them again behind each call of found().
    const char* const data = value.data();
    const std::uint64_t* const longs = bitmap_.data();
    const std::uint64_t* const shorts = short_bits_.data();
    const std::size_t size = value.size();
    std::size_t i = 0;
    for (; i + kGram <= size; ++i) {
      const std::uint32_t gram = load_gram(data + i);
      if constexpr (Long) {
        const std::size_t bit = gram_bit(gram);
        if ((longs[bit >> 6] >> (bit & 63) & 1) != 0) [[unlikely]]
          verify(value, i, gram, found);
      }
      if constexpr (Short) {
        const std::size_t bit = short_bit(gram);
        if ((shorts[bit >> 6] >> (bit & 63) & 1) != 0) [[unlikely]]
          verify_short(value, i, found);
      }
    }
    if constexpr (Short)
      for (; i < value.size(); ++i) verify_short(value, i, found);
  }

  template <class Found>
  __attribute__((noinline)) void verify_short(std::string_view value, std::size_t at,
                                              Found&& found) const {
    for (const std::uint32_t index : short_by_first_[static_cast<unsigned char>(value[at])])
      if (value.substr(at).starts_with(literals_[index].text)) found(literals_[index].payload);
  }

  template <class Found>
  __attribute__((noinline)) void verify(std::string_view value, std::size_t at, std::uint32_t gram,
                                        Found&& found) const {
    for (std::size_t s = gram_bit(gram) & gram_mask_; gram_slots_[s].count != 0;
         s = (s + 1) & gram_mask_) {
      const GramSlot& slot = gram_slots_[s];
      if (slot.gram != gram) continue;
      for (std::uint32_t e = slot.first; e < slot.first + slot.count; ++e) {
        const Literal& literal = literals_[gram_entries_[e].literal];
        const std::size_t offset = gram_entries_[e].offset;
        if (offset <= at && value.substr(at - offset).starts_with(literal.text))
          found(literal.payload);
      }
      return;
    }
  }

  struct GramSlot {
    std::uint32_t gram = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;  // 0: free
  };

  std::vector<Literal> literals_;
  std::vector<std::uint32_t> always_;
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> whole_;
  Trie prefixes_, suffixes_;
  std::vector<std::uint32_t> single_;  // kAnywhere literals of one byte
  std::vector<std::uint32_t> short_;   // of two or three
  std::array<std::vector<std::uint32_t>, 256> short_by_first_;
  std::vector<std::uint64_t> short_bits_;  // by short_bit(): a short literal can start so
  std::vector<std::uint64_t> bitmap_;
  std::vector<GramSlot> gram_slots_;
  std::size_t gram_mask_ = 0;
  std::vector<GramEntry> gram_entries_;
};

}  // namespace tocsin::match
