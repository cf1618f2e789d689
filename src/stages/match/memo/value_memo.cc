// SPDX-License-Identifier: Apache-2.0
#include "stages/match/memo/value_memo.h"

#include <cstring>
#include <random>
#include <utility>

#include "base/bytes/small_bytes.h"

namespace tocsin::match {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

// Words of eight bytes, the last one overlapping the one before.
std::uint64_t ValueMemo::hash_bytes(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kA = 0xA0761D6478BD642FULL;
  constexpr std::uint64_t kB = 0xE7037ED1A0B428DBULL;
  std::uint64_t h = seed ^ kA;
  const char* at = text.data();
  const std::size_t size = text.size();
  if (size < 8) {
    std::uint64_t word = 0;
    if (size >= 4)
      word = (load<std::uint32_t>(at) << 32) | load<std::uint32_t>(at + size - 4);
    else if (size > 0)
      word = (static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16) |
             (static_cast<std::uint64_t>(static_cast<unsigned char>(at[size / 2])) << 8) |
             static_cast<unsigned char>(at[size - 1]);
    return mix(word ^ kB, h ^ size);
  }
  const char* const last = at + size - 8;
  for (; at + 16 <= last; at += 16)
    h = mix(load<std::uint64_t>(at) ^ kB, load<std::uint64_t>(at + 8) ^ h);
  for (; at < last; at += 8) h = mix(load<std::uint64_t>(at) ^ kB, h);
  return mix(load<std::uint64_t>(last) ^ kA, h ^ size);
}

// The seed differs from process to process, so that nobody can prepare colliding values.
ValueMemo::ValueMemo()
    : seed_(std::random_device{}()),
      memory_(kSlots * sizeof(Slot) + kTextBytesMax + 2 * sizeof(Entry) + kValueBytesMax),
      long_ones_(kLongOnes) {
  seed_ = (seed_ << 32) | std::random_device{}();
}

void ValueMemo::clear() {
  memory_.clear();
  end_ = sizeof(Entry);
  count_ = 0;
}

std::optional<SetId> ValueMemo::find(const Key& key) const {
  const Slot* const all = slots();
  for (std::size_t i = home(key);; i = (i + 1) % kSlots) {
    const Slot slot = all[i];
    if (slot.at == 0) return std::nullopt;
    if (slot.hash != static_cast<std::uint32_t>(key.hash)) continue;
    Entry entry;
    const char* const at = entries() + slot.at;
    std::memcpy(&entry, at, sizeof entry);
    if (entry.tag == key.tag && entry.size == key.value.size() &&
        equal_bytes(at + sizeof entry, key.value.data(), key.value.size()))
      return entry.set;
  }
}

// A wrong yes costs memory, a wrong no time.
bool ValueMemo::comes_again(const Key& key) {
  std::uint32_t& last = long_ones_[(key.hash >> 8) % kLongOnes];
  const auto part = static_cast<std::uint32_t>(key.hash >> 32);
  return std::exchange(last, part) == part;
}

void ValueMemo::insert(const Key& key, SetId set) {
  std::size_t i = home(key);
  while (slots()[i].at != 0) i = (i + 1) % kSlots;
  const Entry entry{key.tag, static_cast<std::uint32_t>(key.value.size()), set};
  char* const at = entries() + end_;
  std::memcpy(at, &entry, sizeof entry);
  key.value.copy(at + sizeof entry, key.value.size());
  slots()[i] = {static_cast<std::uint32_t>(key.hash), static_cast<std::uint32_t>(end_)};
  end_ += sizeof entry + key.value.size();
  ++count_;
}

}  // namespace tocsin::match
