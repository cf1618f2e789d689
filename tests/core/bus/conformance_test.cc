// SPDX-License-Identifier: Apache-2.0
//
// What every bus must do. Linked with each lab, so the same cases run against both implementations.
#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "core/bus/embedded/partitioner.h"
#include "lab.h"

namespace tocsin::bus {
namespace {

std::vector<std::string> values(const std::vector<Copy>& copies) {
  std::vector<std::string> out;
  for (const Copy& copy : copies) out.push_back(copy.value);
  return out;
}

std::vector<std::string> numbers(int first, int count) {
  std::vector<std::string> out;
  for (int i = first; i < first + count; ++i) out.push_back(std::to_string(i));
  return out;
}

const GroupInfo* find_group(const std::vector<GroupInfo>& groups, const std::string& name) {
  const auto at = std::find_if(groups.begin(), groups.end(),
                               [&](const GroupInfo& group) { return group.name == name; });
  return at == groups.end() ? nullptr : &*at;
}

Record record(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value), .headers = {}, .timestamp_ms = 0};
}

TEST_CASE("bus: records of a key stay in order, in the partition that Kafka would choose") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 4);
  {
    const auto producer = need(bus->open_producer({}));
    for (int i = 0; i < 400; ++i)
      REQUIRE_OK(producer->send(topic, record(fmt::format("host-{}", i % 7), std::to_string(i))));
    REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  }
  const auto reader = need(bus->open_reader(topic, {}));
  const std::vector<Copy> copies = take(*reader, 400);
  REQUIRE(copies.size() == 400);
  std::map<std::string, int> last;
  std::map<std::int32_t, std::int64_t> next;
  for (const Copy& copy : copies) {
    CHECK(copy.partition == embedded::partition_of(copy.key, 4));
    CHECK(copy.offset == next[copy.partition]++);
    const int number = std::stoi(copy.value);
    if (last.contains(copy.key)) CHECK(number > last[copy.key]);
    last[copy.key] = number;
  }
}

TEST_CASE("bus: records without a key are spread over all partitions") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 4);
  for (int i = 0; i < 40; ++i) produce(*bus, topic, 5, "", i * 5);
  std::set<std::int32_t> used;
  const auto reader = need(bus->open_reader(topic, {}));
  for (const Copy& copy : take(*reader, 200)) used.insert(copy.partition);
  CHECK(used.size() == 4);
}

TEST_CASE("bus: key, value, headers and time stamp come back as they were, binary too") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  const std::string binary("\0\xff\n\x80", 4);
  const auto producer = need(bus->open_producer({}));
  REQUIRE_OK(producer->send(
      topic, {.key = "k" + binary,
              .value = binary + "v",
              .headers = {{"event_id", "1"}, {"bin", binary}, {"empty", ""}, {"event_id", "2"}},
              .timestamp_ms = 1'700'000'000'123}));
  REQUIRE_OK(producer->send(topic, record("", "")));
  REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  const auto reader = need(bus->open_reader(topic, {}));
  std::vector<Batch> batches;
  std::size_t count = 0;
  REQUIRE(until([&] {
    batches.push_back(need(reader->poll(1, Milliseconds(200))));
    count += batches.back().messages().size();
    return count == 2;
  }));
  std::vector<Message> messages;
  for (const Batch& batch : batches)
    messages.insert(messages.end(), batch.messages().begin(), batch.messages().end());
  const Message& m = messages[0];
  CHECK(m.topic == topic);
  CHECK(m.key == "k" + binary);
  CHECK(m.value == binary + "v");
  CHECK(m.timestamp_ms == 1'700'000'000'123);
  REQUIRE(m.headers.size() == 4);
  CHECK(m.header("bin") == binary);
  CHECK(m.header("event_id") == "2");
  CHECK(m.headers[0].second == "1");
  CHECK(m.header("absent").empty());
  CHECK(messages[1].value.empty());
  CHECK(messages[1].key.empty());
  const std::int64_t age_ms = now_ns() / 1'000'000 - messages[1].timestamp_ms;
  CHECK(age_ms >= 0);
  CHECK(age_ms < 60'000);
}

TEST_CASE("bus: every record is delivered once, with its token, at the offset where it is read") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 3);
  Deliveries deliveries;
  const auto producer = need(bus->open_producer(deliveries.options()));
  for (std::uint64_t i = 0; i < 500; ++i)
    REQUIRE_OK(producer->send(topic, record(std::to_string(i), std::to_string(i)), i + 1));
  REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  CHECK(producer->pending() == 0);
  std::map<std::pair<std::int32_t, std::int64_t>, std::uint64_t> token_at;
  for (const Delivery& delivery : deliveries.list()) {
    CHECK(!delivery.error);
    CHECK(delivery.where.topic == topic);
    CHECK(delivery.acknowledged_at > 0);
    token_at[{delivery.where.partition, delivery.offset}] = delivery.token;
  }
  CHECK(deliveries.list().size() == 500);
  const auto reader = need(bus->open_reader(topic, {}));
  const std::vector<Copy> copies = take(*reader, 500);
  REQUIRE(copies.size() == 500);
  for (const Copy& copy : copies)
    CHECK(token_at[{copy.partition, copy.offset}] == std::stoull(copy.value) + 1);
}

TEST_CASE("bus: a group goes on after what it committed, and only that") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  const std::string group = fresh_name("g");
  produce(*bus, topic, 30, "k");
  {
    const auto consumer = join(*bus, group, topic);
    std::size_t committed = 0;
    REQUIRE(until([&] {
      const Batch batch = need(consumer->poll(10 - committed, Milliseconds(200)));
      REQUIRE_OK(consumer->commit(batch));
      committed += batch.messages().size();
      return committed == 10;
    }));
    CHECK(take(*consumer, 5).size() == 5);  // not committed
    consumer->close();
  }
  const auto consumer = join(*bus, group, topic);
  CHECK(values(take(*consumer, 20)) == numbers(10, 20));
  const auto other = join(*bus, fresh_name("other"), topic);
  CHECK(values(take(*other, 30)) == numbers(0, 30));
}

TEST_CASE("bus: a group that starts at the latest sees only what comes") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  produce(*bus, topic, 10, "k");
  const auto consumer = join(*bus, fresh_name("g"), topic, "c", StartAt::kLatest);
  REQUIRE(until([&] {
    CHECK(need(consumer->poll(10, Milliseconds(100))).empty());
    return consumer->assignment().size() == 1;
  }));
  CHECK(need(consumer->poll(10, Milliseconds(500))).empty());
  produce(*bus, topic, 5, "k", 10);
  CHECK(values(take(*consumer, 5)) == numbers(10, 5));
}

// Polls both and commits, until each has its share.
bool shared(Consumer& one, Consumer& two, std::size_t partitions,
            std::map<std::string, int>& seen) {
  return until([&] {
    for (Consumer* consumer : {&one, &two}) {
      const Batch batch = need(consumer->poll(100, Milliseconds(50)));
      for (const Message& m : batch.messages()) seen[std::string(m.value)] += 1;
      REQUIRE_OK(consumer->commit(batch));
    }
    return one.assignment().size() == partitions / 2 && two.assignment().size() == partitions / 2;
  });
}

TEST_CASE("bus: two members share the partitions; when one leaves the other takes all") {
  const auto bus = lab_bus();
  const auto bus2 = lab_bus();
  const std::string topic = new_topic(*bus, 4);
  const std::string group = fresh_name("g");
  std::map<std::string, int> seen;
  const auto one = join(*bus, group, topic, "one");
  REQUIRE(until([&] {
    const Batch batch = need(one->poll(100, Milliseconds(50)));
    return one->assignment().size() == 4;
  }));
  auto two = join(*bus2, group, topic, "two");
  REQUIRE(shared(*one, *two, 4, seen));
  std::set<TopicPartition> together;
  for (Consumer* consumer : {one.get(), two.get()})
    for (const TopicPartition& where : consumer->assignment()) together.insert(where);
  CHECK(together.size() == 4);

  produce(*bus, topic, 100);
  REQUIRE(until([&] { return shared(*one, *two, 4, seen) && seen.size() == 100; }));
  for (const auto& [value, times] : seen) {
    CAPTURE(value);
    CHECK(times == 1);
  }

  two->close();
  produce(*bus, topic, 100, "", 100);
  REQUIRE(until([&] {
    const Batch batch = need(one->poll(100, Milliseconds(50)));
    for (const Message& m : batch.messages()) seen[std::string(m.value)] += 1;
    REQUIRE_OK(one->commit(batch));
    return seen.size() == 200 && one->assignment().size() == 4;
  }));
}

TEST_CASE("bus: a commit for a lost partition is stale") {
  const auto bus = lab_bus();
  const auto bus2 = lab_bus();
  const std::string topic = new_topic(*bus, 2);
  const std::string group = fresh_name("g");
  for (int i = 0; i < 20; ++i)
    produce(*bus, topic, 2, std::to_string(i), 2 * i);  // both partitions
  const ConsumerOptions options{.group = group,
                                .topics = {topic},
                                .client_id = "slow",
                                .start = StartAt::kEarliest,
                                .session_timeout = Milliseconds(6'000)};
  const auto one = need(bus->open_consumer(options));
  std::vector<Batch> batches;
  std::size_t held = 0;
  REQUIRE(until([&] {
    batches.push_back(need(one->poll(100, Milliseconds(50))));
    held += batches.back().messages().size();
    return held == 40;
  }));
  const auto two = need(bus2->open_consumer(options));
  std::vector<Copy> again;
  REQUIRE(until([&] {
    static_cast<void>(one->poll(1, Milliseconds(50)));
    copy_to(again, need(two->poll(100, Milliseconds(50))));
    return one->assignment().size() == 1 && two->assignment().size() == 1 && !again.empty();
  }));
  const std::int32_t lost = two->assignment()[0].partition;
  bool stale = false;
  for (const Batch& batch : batches) {
    const bool touches = std::any_of(batch.messages().begin(), batch.messages().end(),
                                     [&](const Message& m) { return m.partition == lost; });
    const Status status = one->commit(batch);
    CHECK(status.has_value() == !touches);
    if (!status) {
      CHECK(status.error().code == ErrorCode::kStale);
      stale = true;
    }
  }
  CHECK(stale);
  CHECK(
      std::all_of(again.begin(), again.end(), [&](const Copy& c) { return c.partition == lost; }));
}

TEST_CASE("bus: groups tell what is committed, what lags and who reads") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  const std::string group = fresh_name("g");
  produce(*bus, topic, 10, "k");
  auto consumer = join(*bus, group, topic, "reader-7");
  std::size_t committed = 0;
  REQUIRE(until([&] {
    const Batch batch = need(consumer->poll(4 - committed, Milliseconds(200)));
    REQUIRE_OK(consumer->commit(batch));
    committed += batch.messages().size();
    return committed == 4;
  }));
  std::vector<GroupInfo> groups = need(bus->groups());
  const GroupInfo* info = find_group(groups, group);
  REQUIRE(info != nullptr);
  CHECK(info->members == 1);
  REQUIRE(info->partitions.size() == 1);
  CHECK(info->partitions[0].where == TopicPartition{topic, 0});
  CHECK(info->partitions[0].committed == 4);
  CHECK(info->partitions[0].end_offset == 10);
  CHECK(info->partitions[0].lag == 6);
  CHECK(info->partitions[0].member == "reader-7");

  consumer->close();
  REQUIRE(until([&] {
    groups = need(bus->groups());
    info = find_group(groups, group);
    return info != nullptr && info->members == 0;
  }));
  REQUIRE(info->partitions.size() == 1);
  CHECK(info->partitions[0].lag == 6);
  CHECK(info->partitions[0].member.empty());
}

TEST_CASE("bus: a reader begins where it is told") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 2);
  // Partition by key: find one key for each.
  std::map<std::int32_t, std::string> key;
  for (int i = 0; key.size() < 2; ++i)
    key.emplace(embedded::partition_of(std::to_string(i), 2), std::to_string(i));
  const std::int64_t base_ms = now_ns() / 1'000'000 - 100'000;
  {
    const auto producer = need(bus->open_producer({}));
    for (int i = 0; i < 20; ++i)
      REQUIRE_OK(producer->send(topic, {.key = key[i % 2],
                                        .value = std::to_string(i),
                                        .headers = {},
                                        .timestamp_ms = base_ms + i * 1'000}));
    REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  }
  using Kind = ReadFrom::Kind;
  struct Case {
    std::string_view name;
    ReadFrom from;
    std::set<std::string> want;
  };
  const Case cases[] = {
      {"tail", {Kind::kTail, 2, {}}, {"16", "17", "18", "19"}},
      {"tail longer than the log",
       {Kind::kTail, 1'000, 0},
       {"0", "2", "4", "6", "8", "10", "12", "14", "16", "18"}},
      {"offset", {Kind::kOffset, 8, {}}, {"16", "17", "18", "19"}},
      {"one partition", {Kind::kOffset, 8, 1}, {"17", "19"}},
      {"time", {Kind::kTime, base_ms + 15'500, {}}, {"16", "17", "18", "19"}},
      {"time, exactly", {Kind::kTime, base_ms + 18'000, {}}, {"18", "19"}},
      {"time past the end", {Kind::kTime, base_ms + 50'000, {}}, {}},
      {"latest", {Kind::kLatest, 0, {}}, {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto reader = need(bus->open_reader(topic, c.from));
    std::set<std::string> got;
    REQUIRE(until([&] {
      const Batch batch = need(reader->poll(100, Milliseconds(50)));
      for (const Message& m : batch.messages()) got.emplace(m.value);
      return reader->at_end();
    }));
    CHECK(got == c.want);
  }
  // "latest" follows what comes later.
  const auto reader = need(bus->open_reader(topic, {Kind::kLatest, 0, {}}));
  CHECK(need(reader->poll(10, Milliseconds(50))).empty());
  produce(*bus, topic, 3, key[1], 20);
  CHECK(values(take(*reader, 3)) == numbers(20, 3));

  const auto none = bus->open_reader(fresh_name("absent"), {});
  REQUIRE(!none);
  CHECK(none.error().code == ErrorCode::kNotFound);
}

TEST_CASE("bus: large values pass whole, too large ones are refused at once") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  Deliveries deliveries;
  const auto producer = need(bus->open_producer(deliveries.options()));
  std::string large(std::min<std::size_t>(bus->value_bytes_max(), 5'000'000), 'x');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>(i % 251);
  REQUIRE_OK(producer->send(topic, record("k", large)));
  const Status refused =
      producer->send(topic, record("k", std::string(bus->value_bytes_max() + 1, 'y')));
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::kInvalid);
  REQUIRE_OK(producer->send(topic, record("k", "after")));
  REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  CHECK(deliveries.list().size() == 2);
  const auto reader = need(bus->open_reader(topic, {}));
  const std::vector<Copy> copies = take(*reader, 2);
  REQUIRE(copies.size() == 2);
  CHECK(copies[0].value == large);
  CHECK(copies[1].value == "after");
}

TEST_CASE("bus: topics are created once, listed, deleted") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 3);
  REQUIRE_OK(bus->create_topic(topic, {.partitions = 5}));  // exists: no error, no change
  produce(*bus, topic, 7, "k");
  const auto find = [&](const std::vector<TopicInfo>& topics) {
    return std::find_if(topics.begin(), topics.end(),
                        [&](const TopicInfo& info) { return info.name == topic; });
  };
  std::vector<TopicInfo> topics = need(bus->topics());
  const auto info = find(topics);
  REQUIRE(info != topics.end());
  REQUIRE(info->partitions.size() == 3);
  std::int64_t records = 0;
  for (const PartitionInfo& partition : info->partitions)
    records += partition.end_offset - partition.first_offset;
  CHECK(records == 7);

  REQUIRE_OK(bus->delete_topic(topic));
  CHECK(until([&] {
    topics = need(bus->topics());
    return find(topics) == topics.end();
  }));
  const Status again = bus->delete_topic(topic);
  REQUIRE(!again);
  CHECK(again.error().code == ErrorCode::kNotFound);
  const Status bad = bus->create_topic("no/such name", {});
  REQUIRE(!bad);
  CHECK(bad.error().code == ErrorCode::kInvalid);
  const auto producer = need(bus->open_producer({}));
  const Status unknown = producer->send(fresh_name("absent"), record("", "x"));
  REQUIRE(!unknown);
  CHECK(unknown.error().code == ErrorCode::kNotFound);
}

TEST_CASE("bus: a batch outlives the polls after it and its consumer") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  produce(*bus, topic, 200, "k");
  std::vector<Batch> batches;
  {
    const auto consumer = join(*bus, fresh_name("g"), topic);
    std::size_t count = 0;
    REQUIRE(until([&] {
      batches.push_back(need(consumer->poll(17, Milliseconds(200))));
      CHECK(batches.back().messages().size() <= 17);
      count += batches.back().messages().size();
      return count == 200;
    }));
  }
  std::vector<Copy> copies;
  for (const Batch& batch : batches) copy_to(copies, batch);
  CHECK(values(copies) == numbers(0, 200));
}

TEST_CASE("bus: an idle poll waits, and a record ends the wait") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  const auto consumer = join(*bus, fresh_name("g"), topic);
  REQUIRE(until([&] {
    CHECK(need(consumer->poll(1, Milliseconds(100))).empty());
    return !consumer->assignment().empty();
  }));
  const auto begin = SteadyClock::now();
  CHECK(need(consumer->poll(1, Milliseconds(300))).empty());
  CHECK(SteadyClock::now() - begin >= Milliseconds(290));
  std::thread later([&] {
    std::this_thread::sleep_for(Milliseconds(100));
    produce(*lab_bus(), topic, 1, "k");
  });
  const auto again = SteadyClock::now();
  const Batch batch = need(consumer->poll(1, Milliseconds(10'000)));
  CHECK(batch.messages().size() == 1);
  CHECK(SteadyClock::now() - again < Milliseconds(5'000));
  later.join();
}

TEST_CASE("bus: a full queue makes send() wait, and loses nothing") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 2);
  Deliveries deliveries;
  ProducerOptions options = deliveries.options();
  options.queue_records_max = 10;
  {
    const auto producer = need(bus->open_producer(options));
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i)
          REQUIRE_OK(producer->send(topic, record("", fmt::format("{}-{}", t, i))));
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(producer->pending() <= 10);
    REQUIRE_OK(producer->flush(Milliseconds(20'000)));
  }
  CHECK(deliveries.list().size() == 300);
  const auto reader = need(bus->open_reader(topic, {}));
  std::set<std::string> seen;
  for (const Copy& copy : take(*reader, 300)) seen.insert(copy.value);
  CHECK(seen.size() == 300);
}

}  // namespace
}  // namespace tocsin::bus
