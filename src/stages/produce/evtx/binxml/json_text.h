// SPDX-License-Identifier: Apache-2.0
//
// JsonText: the buffer that one event's JSON grows in, and the text encodings of EVTX escaped into
// it.
//
//   UTF-16, ANSI and UTF-8 text -> JsonText -> the bytes between the quotes of a JSON string
//
// Why not std::string: most of an event is short pieces and UTF-16; writing them behind one
// capacity check is several times faster than appending.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace tocsin::produce::evtx {

// Ownership: owns its buffer, which is kept by clear().
// Threads:   one thread.
class JsonText {
 public:
  void clear() { size_ = 0; }
  // Forgets what was written after `size`.
  void cut(std::size_t size) { size_ = size; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {buffer_.get(), size_}; }

  // Room for `size` more bytes. Write them at the returned place, then say how many with advance().
  char* room(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return buffer_.get() + size_;
  }
  void advance(const char* end) { size_ = static_cast<std::size_t>(end - buffer_.get()); }

  void put(char byte) {
    *room(1) = byte;
    ++size_;
  }
  void raw(std::string_view text) {
    std::memcpy(room(text.size() + 1), text.data(), text.size());
    size_ += text.size();
  }

  // Each appends the text escaped, without quotes.
  void utf16(std::string_view bytes);    // little endian; an unpaired surrogate becomes U+FFFD
  void ansi(std::string_view bytes);     // Windows-1252
  void code_point(char32_t code_point);  // one that cannot be written becomes U+FFFD

 private:
  void grow(std::size_t size);

  std::unique_ptr<char[]> buffer_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Without what follows the first NUL: Windows stores C strings, and renders them so.
[[nodiscard]] std::string_view until_nul_utf16(std::string_view bytes);
[[nodiscard]] std::string_view until_nul(std::string_view bytes);

}  // namespace tocsin::produce::evtx
