// SPDX-License-Identifier: Apache-2.0
#include "stages/match/value_memo.h"

#include <cstring>
#include <random>

namespace tocsin::match {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, size);
  return word;
}

std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kA = 0xA0761D6478BD642FULL;
  constexpr std::uint64_t kB = 0xE7037ED1A0B428DBULL;
  std::uint64_t h = seed ^ kA;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 16; at += 16, left -= 16) h = mix(load(at, 8) ^ kB, load(at + 8, 8) ^ h);
  if (left >= 8) {
    h = mix(load(at, 8) ^ kB, h);
    at += 8;
    left -= 8;
  }
  return mix(load(at, left) ^ kA, h ^ text.size());
}

}  // namespace

// The seed differs from process to process, so that nobody can prepare colliding values.
ValueMemo::ValueMemo() : seed_(std::random_device{}()), slots_(kSlots) {
  seed_ = (seed_ << 32) | std::random_device{}();
}

ValueMemo::Key ValueMemo::key(std::uint32_t field, std::string_view value) const {
  const std::uint64_t hash = hash_bytes(value, seed_ + field * 0x9E3779B97F4A7C15ULL);
  return {hash | 1, field, value};
}

std::optional<std::span<const std::uint32_t>> ValueMemo::find(const Key& key) const {
  for (std::size_t i = (key.hash >> 20) % kSlots;; i = (i + 1) % kSlots) {
    const Slot& slot = slots_[i];
    if (slot.hash == 0) return std::nullopt;
    if (slot.hash == key.hash && slot.field == key.field && slot.text_size == key.value.size() &&
        std::string_view(text_.data() + slot.text_at, slot.text_size) == key.value)
      return std::span(results_.data() + slot.result_at, slot.result_size);
  }
}

void ValueMemo::insert(const Key& key, std::span<const std::uint32_t> result) {
  if (key.value.size() > kValueBytesMax || result.size() > kResultsMax / 4) return;
  if (entries_ >= kEntriesMax || text_.size() + key.value.size() > kTextBytesMax ||
      results_.size() + result.size() > kResultsMax) {
    slots_.assign(kSlots, Slot{});
    entries_ = 0;
    text_.clear();
    results_.clear();
  }
  std::size_t i = (key.hash >> 20) % kSlots;
  while (slots_[i].hash != 0) i = (i + 1) % kSlots;
  slots_[i] = {key.hash,
               key.field,
               static_cast<std::uint32_t>(text_.size()),
               static_cast<std::uint32_t>(key.value.size()),
               static_cast<std::uint32_t>(results_.size()),
               static_cast<std::uint32_t>(result.size())};
  text_.insert(text_.end(), key.value.begin(), key.value.end());
  results_.insert(results_.end(), result.begin(), result.end());
  ++entries_;
}

}  // namespace tocsin::match
