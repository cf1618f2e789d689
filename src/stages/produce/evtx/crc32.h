// SPDX-License-Identifier: Apache-2.0
//
// CRC-32 (IEEE 802.3, reflected), with which Windows seals the records of a chunk.
#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin::produce::evtx {

[[nodiscard]] std::uint32_t crc32(std::string_view bytes);

}  // namespace tocsin::produce::evtx
