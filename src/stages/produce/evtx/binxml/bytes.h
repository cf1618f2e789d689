// SPDX-License-Identifier: Apache-2.0
//
// Reader: little-endian numbers out of one chunk, never outside it.
//
//   chunk bytes -> Reader -> offsets, sizes, tokens
//
// An offset in EVTX is relative to its chunk, so a Reader always sees the whole chunk and moves a
// position in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tocsin::produce::evtx {

// Ownership: borrows the bytes.
// Errors:    reading past `end` gives zeros and makes ok() false for good: check once, after a
// group of reads.
class Reader {
 public:
  Reader(std::string_view bytes, std::size_t position, std::size_t end)
      : bytes_(bytes), position_(position), end_(end < bytes.size() ? end : bytes.size()) {
    if (position_ > end_) fail();
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return position_ >= end_; }
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] std::size_t left() const { return end_ - position_; }

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }

  // The next `size` bytes; empty when there are not that many.
  std::string_view take(std::size_t size) {
    if (size > left()) {
      fail();
      return {};
    }
    const std::string_view taken = bytes_.substr(position_, size);
    position_ += size;
    return taken;
  }
  void skip(std::size_t size) { static_cast<void>(take(size)); }

  [[nodiscard]] std::uint8_t peek() const {
    return at_end() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes_[position_]);
  }
  void move_to(std::size_t position) {
    if (position > end_) return fail();
    position_ = position;
  }
  void fail() {
    ok_ = false;
    position_ = end_;
  }

 private:
  template <class T>
  T number() {
    if (sizeof(T) > left()) {
      fail();
      return 0;
    }
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  std::string_view bytes_;
  std::size_t position_;
  std::size_t end_;
  bool ok_ = true;
};

// The number at `offset`, which the caller knows to be inside.
template <class T>
[[nodiscard]] T load(std::string_view bytes, std::size_t offset = 0) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace tocsin::produce::evtx
