// SPDX-License-Identifier: Apache-2.0
#include "stages/match/value_memo.h"

#include <cstring>
#include <random>

#include "base/small_bytes.h"

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

constexpr std::size_t kHead = 2 * sizeof(std::uint32_t);

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
ValueMemo::ValueMemo() : seed_(std::random_device{}()), slots_(kSlots) {
  seed_ = (seed_ << 32) | std::random_device{}();
}

void ValueMemo::clear() {
  slots_.assign(kSlots, Slot{});
  text_.reset();
  text_bytes_ = 0;
  entries_ = 0;
}

std::optional<SetId> ValueMemo::find(const Key& key) const {
  for (std::size_t i = home(key);; i = (i + 1) % kSlots) {
    const Slot& slot = slots_[i];
    if (slot.hash == 0) return std::nullopt;
    if (slot.hash != key.hash) continue;
    const char* const at = slot.text;
    if (load<std::uint32_t>(at) == key.tag && load<std::uint32_t>(at + 4) == key.value.size() &&
        equal_bytes(at + kHead, key.value.data(), key.value.size()))
      return slot.set;
  }
}

void ValueMemo::insert(const Key& key, SetId set) {
  if (key.value.size() > kValueBytesMax || full()) return;
  std::size_t i = home(key);
  while (slots_[i].hash != 0) i = (i + 1) % kSlots;
  const std::uint32_t head[2] = {key.tag, static_cast<std::uint32_t>(key.value.size())};
  char* const text = text_.allocate(kHead + key.value.size());
  std::memcpy(text, head, kHead);
  key.value.copy(text + kHead, key.value.size());
  text_bytes_ += kHead + key.value.size();
  slots_[i] = {key.hash, text, set};
  ++entries_;
}

}  // namespace tocsin::match
