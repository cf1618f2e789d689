// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/crc32.h"

#include <array>
#include <cstddef>

#include "stages/produce/evtx/binxml/bytes.h"

namespace tocsin::produce::evtx {
namespace {

// kTables[k][b]: what byte b does to the sum when k more bytes follow ("slicing by 8").
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr Tables kTables = [] {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xEDB88320u : 0u);
    tables[0][byte] = sum;
  }
  for (std::size_t k = 1; k < tables.size(); ++k)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xFF];
  return tables;
}();

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t sum = 0xFFFFFFFFu;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    const std::uint64_t word = load<std::uint64_t>(bytes, at) ^ sum;
    sum = kTables[7][word & 0xFF] ^ kTables[6][word >> 8 & 0xFF] ^ kTables[5][word >> 16 & 0xFF] ^
          kTables[4][word >> 24 & 0xFF] ^ kTables[3][word >> 32 & 0xFF] ^
          kTables[2][word >> 40 & 0xFF] ^ kTables[1][word >> 48 & 0xFF] ^ kTables[0][word >> 56];
  }
  for (; at < bytes.size(); ++at)
    sum = sum >> 8 ^ kTables[0][(sum ^ static_cast<unsigned char>(bytes[at])) & 0xFF];
  return ~sum;
}

}  // namespace tocsin::produce::evtx
