// SPDX-License-Identifier: Apache-2.0
//
// The parts of the embedded bus: partitioner, chunks, sharing out.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "core/bus/embedded/membership.h"
#include "core/bus/embedded/partitioner.h"
#include "core/bus/embedded/store/chunk.h"

namespace tocsin::bus::embedded {
namespace {

TEST_CASE("partitioner: murmur2 gives the figures that Kafka's clients give") {
  struct Case {
    std::string_view key;
    std::uint32_t want;
  };
  constexpr Case kCases[] = {{"kafka", 0xd067cf64},
                             {"giberish123456789", 0x8f552b0c},
                             {"1234", 0x9fc97b14},
                             {"234", 0xe7c009ca},
                             {"34", 0x873930da},
                             {"4", 0x5a4b5ca1},
                             {"PreAmbleWillBeRemoved,ThePrePartThatIs", 0x78424f1c},
                             {"reAmbleWillBeRemoved,ThePrePartThatIs", 0x4a62b377},
                             {"", 0x106e08d9}};
  for (const Case& c : kCases) {
    CAPTURE(c.key);
    CHECK(murmur2(c.key) == c.want);
  }
}

std::string encoded() {
  ChunkWriter writer;
  writer.append({.key = "k", .value = "first", .headers = {{"a", "b"}}, .timestamp_ms = 0}, 7);
  writer.append({.key = "", .value = "second", .headers = {}, .timestamp_ms = 0}, 5);
  CHECK(writer.records() == 2);
  CHECK(writer.max_timestamp() == 7);
  return std::string(writer.finish());
}

Result<std::shared_ptr<const Chunk>> decoded(std::string_view blob) {
  return Chunk::decode(std::make_shared<const std::string>("t"), 3, 11, blob);
}

TEST_CASE("chunk: gives back its records with offsets counted back from the last") {
  const auto chunk = decoded(encoded());
  REQUIRE(chunk);
  const auto& messages = (*chunk)->messages();
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].offset == 10);
  CHECK(messages[0].partition == 3);
  CHECK(messages[0].timestamp_ms == 7);
  CHECK(messages[0].headers[0].second == "b");
  CHECK(messages[1].offset == 11);
  CHECK(messages[1].value == "second");
}

TEST_CASE("chunk: any damaged byte and any cut is noticed") {
  const std::string good = encoded();
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    // Bytes 12 to 15 are reserved and mean nothing.
    CHECK(decoded(bad).has_value() == (i >= 12 && i < 16));
    CHECK(!decoded(std::string_view(good).substr(0, i)));
  }
}

TEST_CASE("membership: partitions are shared out evenly, each to one member that wants the topic") {
  std::vector<SharedPartition> partitions;
  for (std::int32_t i = 0; i < 5; ++i) partitions.push_back({i, "a", i});
  for (std::int32_t i = 0; i < 3; ++i) partitions.push_back({10 + i, "b", i});
  const std::vector<MemberRow> members = {{4, {"a"}}, {2, {"a", "b"}}, {9, {"a", "b"}}};
  std::map<PartitionId, std::int64_t> owner;
  std::map<std::int64_t, std::size_t> share;
  for (const MemberRow& member : members) {
    for (const SharedPartition& p : share_out(partitions, members, member.id)) {
      CHECK(!owner.contains(p.id));
      owner[p.id] = member.id;
      share[member.id] += 1;
    }
  }
  CHECK(owner.size() == partitions.size());
  for (std::int64_t id = 10; id < 13; ++id) CHECK(owner[id] != 4);
  for (const MemberRow& member : members) CHECK(share[member.id] >= 2);
  CHECK(share_out(partitions, {{1, {"c"}}}, 1).empty());
}

}  // namespace
}  // namespace tocsin::bus::embedded
