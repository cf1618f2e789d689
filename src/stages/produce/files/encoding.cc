// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/encoding.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/utf8.h"

namespace tocsin::produce {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

// Cuts the input only between code points: an odd byte and a high surrogate wait for what follows.
class Utf16Stream final : public ByteStream {
 public:
  Utf16Stream(InputBuffer raw, bool big_endian) : raw_(std::move(raw)), big_endian_(big_endian) {}

  Result<std::size_t> read(std::span<char> into) override {
    while (ready_.empty()) {
      TOCSIN_TRY(const bool more, raw_.fill());
      convert(!more);
      if (!more && ready_.empty()) return std::size_t{0};
    }
    const std::size_t size = std::min(into.size(), ready_.size() - taken_);
    std::memcpy(into.data(), ready_.data() + taken_, size);
    taken_ += size;
    if (taken_ == ready_.size()) {
      ready_.clear();
      taken_ = 0;
    }
    return size;
  }

 private:
  void convert(bool at_end) {
    std::string_view have = raw_.unread();
    have = have.substr(0, have.size() & ~std::size_t{1});
    if (!at_end && have.size() >= 2) {
      const std::size_t high = have.size() - (big_endian_ ? 2 : 1);
      if ((static_cast<unsigned char>(have[high]) & 0xFCu) == 0xD8u) have.remove_suffix(2);
    }
    if (big_endian_) {
      swapped_.assign(have);
      for (std::size_t i = 0; i + 1 < swapped_.size(); i += 2)
        std::swap(swapped_[i], swapped_[i + 1]);
      append_utf16le(ready_, swapped_);
    } else {
      append_utf16le(ready_, have);
    }
    raw_.consume(have.size());
  }

  InputBuffer raw_;
  const bool big_endian_;
  std::string swapped_;
  std::string ready_;
  std::size_t taken_ = 0;
};

bool opens_json(char c) { return c == '{' || c == '['; }

}  // namespace

Encoding encoding_of(std::string_view first_bytes) {
  if (first_bytes.starts_with("\xFF\xFE")) return Encoding::kUtf16Le;
  if (first_bytes.starts_with("\xFE\xFF")) return Encoding::kUtf16Be;
  if (first_bytes.size() < 4) return Encoding::kUtf8;
  if (opens_json(first_bytes[0]) && first_bytes[1] == '\0' && first_bytes[2] != '\0')
    return Encoding::kUtf16Le;
  if (first_bytes[0] == '\0' && opens_json(first_bytes[1]) && first_bytes[2] == '\0')
    return Encoding::kUtf16Be;
  return Encoding::kUtf8;
}

InputBuffer to_utf8(InputBuffer raw, Encoding encoding) {
  if (encoding == Encoding::kUtf8) {
    if (raw.unread().starts_with(kUtf8Mark)) raw.consume(kUtf8Mark.size());
    return raw;
  }
  const std::string_view first = raw.unread();
  if (first.starts_with("\xFF\xFE") || first.starts_with("\xFE\xFF")) raw.consume(2);
  return InputBuffer(std::make_unique<Utf16Stream>(std::move(raw), encoding == Encoding::kUtf16Be));
}

}  // namespace tocsin::produce
