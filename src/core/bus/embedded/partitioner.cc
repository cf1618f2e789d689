// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/partitioner.h"

#include <cstring>

namespace tocsin::bus::embedded {

std::uint32_t murmur2(std::string_view bytes) {
  constexpr std::uint32_t kFactor = 0x5bd1e995;
  std::uint32_t hash = 0x9747b28cU ^ static_cast<std::uint32_t>(bytes.size());
  while (bytes.size() >= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data(), 4);
    word *= kFactor;
    word ^= word >> 24;
    word *= kFactor;
    hash = (hash * kFactor) ^ word;
    bytes.remove_prefix(4);
  }
  if (!bytes.empty()) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      hash ^= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    hash *= kFactor;
  }
  hash ^= hash >> 13;
  hash *= kFactor;
  return hash ^ (hash >> 15);
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffffU) % partitions;
}

}  // namespace tocsin::bus::embedded
