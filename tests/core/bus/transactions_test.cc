// SPDX-License-Identifier: Apache-2.0
//
// Consume, transform, produce: what every bus must do so that a stage has exactly once.
#include <algorithm>
#include <set>
#include <thread>

#include "core/bus/embedded/partitioner.h"
#include "core/bus/oldest_waiting.h"
#include "lab.h"

namespace tocsin::bus {
namespace {

TransactionOptions transactions(const std::string& id = fresh_name("txn")) {
  return {.transactional_id = id, .client_id = "t", .timeout = Milliseconds(10'000)};
}

Record record(std::string value) {
  return {.key = "k", .value = std::move(value), .headers = {}, .timestamp_ms = 0};
}

std::vector<std::string> values_of(const std::vector<Copy>& copies) {
  std::vector<std::string> values;
  for (const Copy& copy : copies) values.push_back(copy.value);
  return values;
}

// All that a new reader finds.
std::vector<std::string> read_all(Bus& bus, const std::string& topic) {
  const auto reader = need(bus.open_reader(topic, {}));
  std::vector<Copy> copies;
  REQUIRE(until([&] {
    copy_to(copies, need(reader->poll(100, Milliseconds(50))));
    return reader->at_end();
  }));
  return values_of(copies);
}

// Kafka makes what was committed visible a moment later.
bool shows(Bus& bus, const std::string& topic, const std::vector<std::string>& values) {
  return until([&] { return read_all(bus, topic).size() >= values.size(); }) &&
         read_all(bus, topic) == values;
}

// Polls until `count` messages are in hand; gives their offsets.
Offsets poll_offsets(Consumer& consumer, std::size_t count, std::vector<Copy>& copies) {
  Offsets offsets;
  std::size_t got = 0;
  REQUIRE(until([&] {
    const Batch batch = need(consumer.poll(count - got, Milliseconds(200)));
    for (const auto& [where, offset] : offsets_after(batch)) offsets[where] = offset;
    copy_to(copies, batch);
    got += batch.messages().size();
    return got == count;
  }));
  return offsets;
}

std::int64_t lag_of(Bus& bus, const std::string& group) {
  for (const GroupInfo& info : need(bus.groups())) {
    std::int64_t lag = 0;
    for (const GroupPartition& partition : info.partitions) lag += partition.lag;
    if (info.name == group) return lag;
  }
  return -1;
}

TEST_CASE("transactions: records and offsets become visible together") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 2);
  const std::string group = fresh_name("g");
  produce(*bus, in, 30, "k");
  const auto consumer = join(*bus, group, in);
  const auto producer = need(consumer->open_transactional_producer(transactions()));
  std::vector<Copy> copies;
  const Offsets ten = poll_offsets(*consumer, 10, copies);
  for (const Copy& copy : copies) REQUIRE_OK(producer->send(out, record(copy.value)));
  CHECK(read_all(*bus, out).empty());
  REQUIRE_OK(producer->commit(ten));
  CHECK(shows(*bus, out, values_of(copies)));
  CHECK(lag_of(*bus, group) == 20);

  const Offsets twenty = poll_offsets(*consumer, 10, copies);
  REQUIRE_OK(producer->commit(twenty));  // offsets alone
  CHECK(lag_of(*bus, group) == 10);
  CHECK(read_all(*bus, out).size() == 10);
}

// The mark of a transaction takes an offset behind the last record. All of it waits in the client
// when the reader first asks, so one batch tells both.
TEST_CASE("transactions: a reader gets to the end behind the mark of the last one") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 1);
  produce(*bus, in, 20, "k");
  const auto consumer = join(*bus, fresh_name("g"), in);
  const auto producer = need(consumer->open_transactional_producer(transactions()));
  std::vector<Copy> copies;
  const Offsets offsets = poll_offsets(*consumer, 20, copies);
  for (const Copy& copy : copies) REQUIRE_OK(producer->send(out, record(copy.value)));
  REQUIRE_OK(producer->commit(offsets));
  REQUIRE(shows(*bus, out, values_of(copies)));
  const auto reader = need(bus->open_reader(out, {}));
  std::this_thread::sleep_for(Milliseconds(1'000));
  std::vector<Copy> got;
  REQUIRE(until([&] {
    copy_to(got, need(reader->poll(10'000, Milliseconds(50))));
    return reader->at_end();
  }));
  CHECK(values_of(got) == values_of(copies));
}

TEST_CASE("transactions: the first one is as quick as the others") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 2);
  produce(*bus, in, 10, "k");
  const auto consumer = join(*bus, fresh_name("g"), in);
  std::vector<Copy> copies;
  const Offsets ten = poll_offsets(*consumer, 10, copies);
  // Best of three: what is told is the library's pause, not the machine's.
  auto least = Milliseconds(10'000);
  for (int i = 0; i < 3; ++i) {
    const auto producer = need(consumer->open_transactional_producer(transactions()));
    const auto start = SteadyClock::now();
    REQUIRE_OK(producer->send(out, record("first")));
    REQUIRE_OK(producer->commit(ten));
    least = std::min(least, std::chrono::ceil<Milliseconds>(SteadyClock::now() - start));
  }
  CHECK(least < Milliseconds(400));
}

TEST_CASE("transactions: what was aborted is never seen, and comes again") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 1);
  const std::string group = fresh_name("g");
  produce(*bus, in, 20, "k");
  const auto consumer = join(*bus, group, in);
  const auto producer = need(consumer->open_transactional_producer(transactions()));
  std::vector<Copy> copies;
  REQUIRE_OK(producer->commit(poll_offsets(*consumer, 5, copies)));
  std::vector<Copy> undone;
  static_cast<void>(poll_offsets(*consumer, 10, undone));
  for (const Copy& copy : undone) REQUIRE_OK(producer->send(out, record("x" + copy.value)));
  producer->abort();
  REQUIRE_OK(consumer->rewind());
  CHECK(lag_of(*bus, group) == 15);

  std::vector<Copy> again;
  const Offsets offsets = poll_offsets(*consumer, 15, again);
  CHECK(again.front().value == "5");
  CHECK(again.back().value == "19");
  for (const Copy& copy : again) REQUIRE_OK(producer->send(out, record(copy.value)));
  REQUIRE_OK(producer->commit(offsets));
  CHECK(shows(*bus, out, values_of(again)));
  CHECK(lag_of(*bus, group) == 0);
  CHECK(need(consumer->poll(10, Milliseconds(300))).empty());
}

TEST_CASE("transactions: rewind before any commit goes back to where the member began") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 2);
  for (int i = 0; i < 20; ++i) produce(*bus, in, 1, std::to_string(i), i);
  const auto consumer = join(*bus, fresh_name("g"), in);
  for (int round = 0; round < 3; ++round) {
    std::vector<Copy> copies;
    static_cast<void>(poll_offsets(*consumer, 20, copies));
    std::set<std::string> distinct;
    for (const Copy& copy : copies) distinct.insert(copy.value);
    CHECK(distinct.size() == 20);
    REQUIRE_OK(consumer->rewind());
  }
}

TEST_CASE("transactions: a member that lost its partition commits nothing") {
  const auto bus = lab_bus();
  const auto bus2 = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 1);
  const std::string group = fresh_name("g");
  produce(*bus, in, 10, "k");
  auto one = join(*bus, group, in, "one");
  const auto first = need(one->open_transactional_producer(transactions()));
  std::vector<Copy> copies;
  const Offsets offsets = poll_offsets(*one, 10, copies);
  for (const Copy& copy : copies) REQUIRE_OK(first->send(out, record("one" + copy.value)));
  one->close();  // as good as thrown out

  const auto two = join(*bus2, group, in, "two");
  const auto second = need(two->open_transactional_producer(transactions()));
  std::vector<Copy> again;
  const Offsets same = poll_offsets(*two, 10, again);
  const Status stale = first->commit(offsets);
  REQUIRE(!stale);
  CHECK(stale.error().code == ErrorCode::kStale);
  for (const Copy& copy : again) REQUIRE_OK(second->send(out, record(copy.value)));
  REQUIRE_OK(second->commit(same));
  CHECK(shows(*bus, out, values_of(again)));
}

TEST_CASE("transactions: a topic that is not there is told, and the next transaction works") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 1);
  produce(*bus, in, 4, "k");
  const auto consumer = join(*bus, fresh_name("g"), in);
  const auto producer = need(consumer->open_transactional_producer(transactions()));
  std::vector<Copy> copies;
  const Offsets offsets = poll_offsets(*consumer, 2, copies);
  const Status large = producer->send(out, record(std::string(bus->value_bytes_max() + 1, 'x')));
  REQUIRE(!large);
  CHECK(large.error().code == ErrorCode::kInvalid);
  producer->abort();
  REQUIRE_OK(consumer->rewind());
  copies.clear();
  const Offsets again = poll_offsets(*consumer, 4, copies);
  CHECK(copies.front().value == "0");
  REQUIRE_OK(producer->send(out, record("fine")));
  REQUIRE_OK(producer->commit(again));
  CHECK(shows(*bus, out, {"fine"}));
}

namespace {

// A topic with six records, written by three transactions.
std::string topic_of_transactions(Bus& bus) {
  const std::string in = new_topic(bus, 1);
  const std::string out = new_topic(bus, 1);
  produce(bus, in, 6, "k");
  const auto consumer = join(bus, fresh_name("g"), in);
  const auto producer = need(consumer->open_transactional_producer(transactions()));
  for (int i = 0; i < 3; ++i) {
    std::vector<Copy> copies;
    const Offsets offsets = poll_offsets(*consumer, 2, copies);
    for (const Copy& copy : copies) REQUIRE_OK(producer->send(out, record(copy.value)));
    REQUIRE_OK(producer->commit(offsets));
  }
  return out;
}

}  // namespace

TEST_CASE("transactions: a group that has read all that they wrote has no lag") {
  const auto bus = lab_bus();
  const std::string out = topic_of_transactions(*bus);
  const std::string group = fresh_name("next");
  const auto next = join(*bus, group, out);
  std::size_t seen = 0;
  REQUIRE(until([&] {
    const Batch batch = need(next->poll(4, Milliseconds(100)));
    seen += batch.messages().size();
    REQUIRE_OK(next->commit(batch));
    return seen == 6 && lag_of(*bus, group) == 0;
  }));
}

TEST_CASE("transactions: nor has a group whose new member finds nothing but their marks") {
  const auto bus = lab_bus();
  const std::string out = topic_of_transactions(*bus);
  const std::string group = fresh_name("next");
  {
    const auto first = join(*bus, group, out);
    std::vector<Copy> copies;
    REQUIRE_OK(first->commit(poll_offsets(*first, 6, copies)));
    first->close();
  }
  const auto second = join(*bus, group, out);
  REQUIRE(until([&] {
    CHECK(need(second->poll(4, Milliseconds(100))).empty());
    return lag_of(*bus, group) == 0;
  }));
}

TEST_CASE("bus: a topic that is deleted and created anew is read from its beginning") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  produce(*bus, topic, 50, "k");
  const auto consumer = join(*bus, fresh_name("g"), topic);
  std::vector<Copy> copies;
  REQUIRE_OK(consumer->commit(poll_offsets(*consumer, 50, copies)));
  REQUIRE_OK(bus->delete_topic(topic));
  REQUIRE(until([&] {
    static_cast<void>(consumer->poll(1, Milliseconds(50)));
    return bus->create_topic(topic, {.partitions = 1}).has_value() &&
           need(bus->topics()).size() > 0;
  }));
  produce(*bus, topic, 20, "k", 100);
  std::vector<std::string> values;
  REQUIRE(until([&] {
    const auto batch = consumer->poll(100, Milliseconds(200));
    if (!batch) return false;
    for (const Message& message : batch->messages()) values.emplace_back(message.value);
    return values.size() >= 20;
  }));
  CHECK(values.size() == 20);
  CHECK(values.front() == "100");
}

TEST_CASE("bus: how old the oldest record is that a group has not done") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 2);
  std::map<std::int32_t, std::string> key;
  for (int i = 0; key.size() < 2; ++i)
    key.emplace(embedded::partition_of(std::to_string(i), 2), std::to_string(i));
  const std::int64_t base_ms = now_ns() / 1'000'000 - 100'000;
  const auto producer = need(bus->open_producer({}));
  for (int i = 0; i < 10; ++i)
    REQUIRE_OK(producer->send(
        topic, {.key = key[0], .value = "v", .headers = {}, .timestamp_ms = base_ms + i * 1'000}));
  REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  const Offsets found = need(bus->timestamps_at({{{topic, 0}, 3}, {{topic, 1}, 0}}));
  CHECK(found == Offsets{{{topic, 0}, base_ms + 3'000}});
}

TEST_CASE("bus: how far each group is behind, when many partitions hold much") {
  constexpr std::int32_t kPartitions = 8;
  constexpr int kRecords = 5'000;
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, kPartitions);
  const std::int64_t base_ms = now_ns() / 1'000'000 - 100'000;
  const auto producer = need(bus->open_producer({}));
  const std::string value(200, 'v');
  for (std::int32_t p = 0, key = 0; p < kPartitions; ++key) {
    if (embedded::partition_of(std::to_string(key), kPartitions) != p) continue;
    for (int i = 0; i < kRecords; ++i)
      REQUIRE_OK(producer->send(topic, {.key = std::to_string(key),
                                        .value = value,
                                        .headers = {},
                                        .timestamp_ms = base_ms + i}));
    ++p;
  }
  REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  // The first group has done nothing, the second some of each, the third all but one of one.
  std::vector<GroupInfo> groups(3);
  std::vector<Offsets> wanted(3);
  for (std::int32_t p = 0; p < kPartitions; ++p) {
    const std::int64_t done[] = {0, 7 + p, p == 3 ? kRecords - 1 : kRecords};
    for (int g = 0; g < 3; ++g) {
      const TopicPartition where{topic, p};
      groups[g].partitions.push_back({.where = where,
                                      .committed = done[g],
                                      .end_offset = kRecords,
                                      .lag = kRecords - done[g],
                                      .member = {}});
      if (done[g] < kRecords) wanted[g][where] = base_ms + done[g];
    }
  }
  CHECK(need(oldest_waiting(*bus, groups)) == wanted);
}

TEST_CASE("bus: what differs in a topic that exists") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 3);
  CHECK(need(bus->compare_topic(topic, {.partitions = 3})).empty());
  const auto differences =
      need(bus->compare_topic(topic, {.partitions = 5, .retention_ms = 60'000}));
  REQUIRE(differences.size() == 2);
  CHECK(differences[0].setting == "partitions");
  CHECK(differences[0].actual == "3");
  CHECK(differences[0].wanted == "5");
  CHECK(differences[1].setting == "retention.ms");
  CHECK(differences[1].wanted == "60000");
  const auto absent = bus->compare_topic(fresh_name("absent"), {});
  REQUIRE(!absent);
  CHECK(absent.error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tocsin::bus
