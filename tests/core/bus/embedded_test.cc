// SPDX-License-Identifier: Apache-2.0
//
// What only the embedded bus has: retention, a file that fills up or is damaged, its properties.
#include <filesystem>
#include <fstream>
#include <thread>

#include "lab.h"

namespace tocsin::bus {
namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / fresh_name("tocsin-bus")).string();
  [[nodiscard]] std::string url() const { return "embedded:" + path; }
  [[nodiscard]] std::string file() const { return path + "/bus.db"; }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

Record record(std::string value, std::int64_t timestamp_ms = 0) {
  return {.key = "k", .value = std::move(value), .headers = {}, .timestamp_ms = timestamp_ms};
}

PartitionInfo only_partition(Bus& bus) {
  const std::vector<TopicInfo> topics = need(bus.topics());
  REQUIRE(topics.size() == 1);
  REQUIRE(topics[0].partitions.size() == 1);
  return topics[0].partitions[0];
}

TEST_CASE("embedded bus: retention by age takes the old and moves readers to the oldest left") {
  const Folder folder;
  const auto bus = need(open(folder.url(), {{"retention.check.ms", "0"}}));
  REQUIRE_OK(bus->create_topic("t", {.partitions = 1, .retention_ms = 60'000}));
  std::vector<Loss> losses;
  const auto consumer =
      need(bus->open_consumer({.group = "g", .topics = {"t"}, .on_loss = [&](const Loss& loss) {
                                 losses.push_back(loss);
                               }}));
  REQUIRE(until([&] {
    CHECK(need(consumer->poll(1, Milliseconds(20))).empty());
    return !consumer->assignment().empty();
  }));
  const auto producer = need(bus->open_producer({}));
  const std::int64_t now_ms = now_ns() / 1'000'000;
  REQUIRE_OK(producer->send("t", record("old", now_ms - 120'000)));
  REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  REQUIRE_OK(producer->send("t", record("new", now_ms)));
  REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  REQUIRE(until([&] { return only_partition(*bus).first_offset == 1; }));
  CHECK(only_partition(*bus).end_offset == 2);
  const std::vector<Copy> copies = take(*consumer, 1);
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].value == "new");
  CHECK(copies[0].offset == 1);
  // Whoever was about to read the old one is told; so is a group that comes back too late.
  REQUIRE(losses.size() == 1);
  CHECK(losses[0].where == TopicPartition{"t", 0});
  CHECK(losses[0].first_missing == 0);
  CHECK(losses[0].first_available == 1);
}

TEST_CASE("embedded bus: retention by size keeps the newest") {
  const Folder folder;
  const auto bus = need(open(folder.url(), {{"retention.check.ms", "0"}}));
  REQUIRE_OK(bus->create_topic("t", {.partitions = 1, .retention_bytes = 50'000}));
  const auto producer = need(bus->open_producer({}));
  for (int i = 0; i < 20; ++i) {
    REQUIRE_OK(producer->send("t", record(std::string(10'000, static_cast<char>('a' + i)))));
    REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  }
  REQUIRE(until([&] { return only_partition(*bus).first_offset >= 15; }));
  const PartitionInfo info = only_partition(*bus);
  CHECK(info.end_offset == 20);
  CHECK(info.first_offset <= 16);
  const auto reader = need(bus->open_reader("t", {}));
  const std::vector<Copy> copies = take(*reader, static_cast<std::size_t>(20 - info.first_offset));
  REQUIRE(!copies.empty());
  CHECK(copies.back().value == std::string(10'000, 't'));
}

TEST_CASE(
    "embedded bus: a full file keeps records queued and says so; with room they are written") {
  const Folder folder;
  const auto roomy = need(open(folder.url()));
  REQUIRE_OK(roomy->create_topic("filler", {.partitions = 1}));
  REQUIRE_OK(roomy->create_topic("t", {.partitions = 1}));
  {
    const auto filler = need(roomy->open_producer({}));
    for (int i = 0; i < 20; ++i)
      REQUIRE_OK(filler->send("filler", record(std::string(50'000, 'f'))));
    REQUIRE_OK(filler->flush(Milliseconds(5'000)));
  }
  const auto bus = need(open(folder.url(), {{"page.count.max", "330"}}));  // 2.7 MB
  Deliveries deliveries;
  const auto producer = need(bus->open_producer(deliveries.options()));
  for (int i = 0; i < 40; ++i)
    REQUIRE_OK(producer->send("t", record(std::string(50'000, static_cast<char>('A' + i)))));
  const Status full = producer->flush(Milliseconds(500));
  REQUIRE(!full);
  CHECK(full.error().code == ErrorCode::kExhausted);
  CHECK(full.error().message.find("full") != std::string::npos);
  CHECK(producer->pending() > 0);

  REQUIRE_OK(roomy->delete_topic("filler"));
  REQUIRE_OK(producer->flush(Milliseconds(10'000)));
  const std::vector<Delivery> list = deliveries.list();
  REQUIRE(list.size() == 40);
  for (std::size_t i = 0; i < list.size(); ++i) {
    CHECK(!list[i].error);
    CHECK(list[i].offset == static_cast<std::int64_t>(i));
  }
}

TEST_CASE("embedded bus: records that cannot be written before the end are reported") {
  const Folder folder;
  REQUIRE_OK(need(open(folder.url()))->create_topic("t", {.partitions = 1}));
  Deliveries deliveries;
  {
    const auto bus = need(open(folder.url(), {{"page.count.max", "40"}}));
    const auto producer = need(bus->open_producer(deliveries.options()));
    REQUIRE_OK(producer->send("t", record(std::string(2'000'000, 'x')), 7));
  }
  REQUIRE(deliveries.list().size() == 1);
  CHECK(deliveries.list()[0].token == 7);
  REQUIRE(deliveries.list()[0].error);
  CHECK(deliveries.list()[0].error->code == ErrorCode::kExhausted);
}

TEST_CASE(
    "embedded bus: a topic deleted under a producer fails its records, a new one takes them") {
  const Folder folder;
  const auto bus = need(open(folder.url()));
  REQUIRE_OK(bus->create_topic("t", {.partitions = 1}));
  Deliveries deliveries;
  const auto producer = need(bus->open_producer(deliveries.options()));
  REQUIRE_OK(producer->send("t", record("first")));
  REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  REQUIRE_OK(bus->delete_topic("t"));
  REQUIRE_OK(producer->send("t", record("lost")));
  REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  REQUIRE(deliveries.list().size() == 2);
  REQUIRE(deliveries.list()[1].error);
  CHECK(deliveries.list()[1].error->code == ErrorCode::kNotFound);
  REQUIRE_OK(bus->create_topic("t", {.partitions = 1}));
  REQUIRE_OK(producer->send("t", record("again")));
  REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  CHECK(only_partition(*bus).end_offset == 1);
}

TEST_CASE("embedded bus: a file that is no bus, or damaged, is told as such") {
  const Folder folder;
  std::filesystem::create_directories(folder.path);
  std::ofstream(folder.file()) << std::string(20'000, 'x');
  const auto garbage = open(folder.url());
  REQUIRE(!garbage);
  CHECK(garbage.error().code == ErrorCode::kCorrupt);
  CHECK(garbage.error().message.find(folder.file()) != std::string::npos);

  std::filesystem::remove(folder.file());
  {
    const auto bus = need(open(folder.url()));
    REQUIRE_OK(bus->create_topic("t", {.partitions = 1}));
    const auto producer = need(bus->open_producer({}));
    for (int i = 0; i < 100; ++i) REQUIRE_OK(producer->send("t", record(std::string(5'000, 'v'))));
    REQUIRE_OK(producer->flush(Milliseconds(5'000)));
  }
  {
    std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(folder.file()) / 2));
    file << "damage";
  }
  const auto bus = need(open(folder.url()));
  const auto reader = need(bus->open_reader("t", {}));
  const auto batch = reader->poll(1'000, Milliseconds(100));
  REQUIRE(!batch);
  CHECK(batch.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("embedded bus: a topic that is created later is read by who waits for it") {
  const Folder folder;
  const auto bus = need(open(folder.url()));
  const auto consumer = join(*bus, "g", "later");
  CHECK(need(consumer->poll(1, Milliseconds(50))).empty());
  REQUIRE_OK(bus->create_topic("later", {.partitions = 2}));
  produce(*bus, "later", 5);
  CHECK(take(*consumer, 5).size() == 5);
}

TEST_CASE("embedded bus: wrong addresses and properties are refused") {
  struct Case {
    std::string_view name;
    std::string url;
    std::map<std::string, std::string> properties;
  };
  const Folder folder;
  const Case cases[] = {
      {"no folder", "embedded:", {}},
      {"no such bus", "carrier-pigeon:coop", {}},
      {"no number", folder.url(), {{"value.bytes.max", "many"}}},
      {"trailing text", folder.url(), {{"page.count.max", "10k"}}},
      {"unknown word", folder.url(), {{"synchronous", "maybe"}}},
      {"password in the address", "kafka://me:secret@host:9092", {}},
      {"unknown property", "kafka://host:9092", {{"no.such.property", "1"}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto bus = open(c.url, c.properties);
    REQUIRE(!bus);
    CHECK(bus.error().code == ErrorCode::kInvalid);
    CHECK(bus.error().message.find("secret") == std::string::npos);
  }
  const auto small = need(open(folder.url(), {{"value.bytes.max", "10"}, {"synchronous", "full"}}));
  CHECK(small->value_bytes_max() == 10);
}

}  // namespace
}  // namespace tocsin::bus
