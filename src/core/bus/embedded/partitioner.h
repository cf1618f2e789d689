// SPDX-License-Identifier: Apache-2.0
//
// Which partition a key belongs to: murmur2 as Kafka's Java client (and librdkafka's
// "murmur2_random") computes it, so that a host's events are in the same partition on both buses.
#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin::bus::embedded {

[[nodiscard]] std::uint32_t murmur2(std::string_view bytes);

// Requires partitions > 0.
[[nodiscard]] std::int32_t partition_of(std::string_view key, std::int32_t partitions);

}  // namespace tocsin::bus::embedded
