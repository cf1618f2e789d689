// SPDX-License-Identifier: Apache-2.0
//
// Arena: bytes that live until reset(), without an allocation each.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace tocsin {

// Ownership: owns its chunks; reset() keeps the first for reuse.
// Threads:   one thread.
class Arena {
 public:
  // `size` writable bytes, valid until reset().
  [[nodiscard]] char* allocate(std::size_t size) {
    if (size > left_) grow(size);
    char* const at = next_;
    next_ += size;
    left_ -= size;
    return at;
  }

  [[nodiscard]] std::string_view copy(std::string_view text) {
    char* const at = allocate(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }

  void reset() {
    if (chunks_.empty()) return;
    chunks_.resize(1);
    next_ = chunks_.front().bytes.get();
    left_ = chunks_.front().size;
  }

 private:
  static constexpr std::size_t kChunk = 64 * 1024;
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };

  void grow(std::size_t size) {
    const std::size_t chunk = size > kChunk ? size : kChunk;
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(chunk), chunk});
    next_ = chunks_.back().bytes.get();
    left_ = chunk;
  }

  std::vector<Chunk> chunks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace tocsin
