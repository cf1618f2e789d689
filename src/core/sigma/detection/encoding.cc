// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/encoding.h"

#include <cstddef>
#include <cstdint>

namespace tocsin::sigma {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void append_unit(std::string& out, std::uint32_t unit, bool big_endian) {
  const char high = static_cast<char>(unit >> 8);
  const char low = static_cast<char>(unit & 0xFF);
  out.push_back(big_endian ? high : low);
  out.push_back(big_endian ? low : high);
}

// The rule text is valid UTF-8 (libyaml checks it).
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = byte(at++);
  if (lead < 0x80) return lead;
  const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  std::uint32_t value = lead & (0x3Fu >> extra);
  for (int i = 0; i < extra && at < text.size(); ++i) value = (value << 6) | (byte(at++) & 0x3F);
  return value;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out.push_back(kAlphabet[(bits >> (held - 6)) & 63]);
  }
  if (held > 0) out.push_back(kAlphabet[(bits << (6 - held)) & 63]);
  while (out.size() % 4 != 0) out.push_back('=');
  return out;
}

std::array<std::string, 3> base64_offsets(std::string_view bytes) {
  // Characters at the start that hold bits of what stands before, and at the end of what follows.
  static constexpr std::array<std::size_t, 3> kStart = {0, 2, 3};
  static constexpr std::array<std::size_t, 3> kEnd = {0, 3, 2};
  std::array<std::string, 3> out;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const std::string whole = base64(std::string(offset, ' ') + std::string(bytes));
    const std::size_t cut = kEnd[(bytes.size() + offset) % 3];
    out[offset] = whole.substr(kStart[offset], whole.size() - kStart[offset] - cut);
  }
  return out;
}

std::string to_utf16(std::string_view utf8, bool big_endian) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const std::uint32_t c = next_code_point(utf8, at);
    if (c < 0x10000) {
      append_unit(out, c, big_endian);
    } else {
      append_unit(out, 0xD800 + ((c - 0x10000) >> 10), big_endian);
      append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), big_endian);
    }
  }
  return out;
}

}  // namespace tocsin::sigma
