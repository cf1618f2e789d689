// SPDX-License-Identifier: Apache-2.0
//
// What only the Kafka bus has: brokers that are away, secrets, fences, records that are deleted.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "lab.h"

namespace tocsin::bus {
namespace {

TEST_CASE("kafka bus: without a broker everything opens, says so, and queues") {
  const auto bus = need(open("kafka://127.0.0.1:1"));
  const auto topics = bus->topics();
  REQUIRE(!topics);
  CHECK(topics.error().code == ErrorCode::kUnavailable);
  CHECK(topics.error().message.find("kafka://127.0.0.1:1") != std::string::npos);

  const auto consumer = need(
      bus->open_consumer({.group = "g", .topics = {"t"}, .session_timeout = Milliseconds(6'000)}));
  CHECK(until([&] {
    const auto batch = consumer->poll(1, Milliseconds(200));
    return !batch && batch.error().code == ErrorCode::kUnavailable;
  }));

  Deliveries deliveries;
  {
    const auto producer = need(bus->open_producer(deliveries.options()));
    REQUIRE_OK(producer->send("t", {.key = "", .value = "v", .headers = {}, .timestamp_ms = 0}, 9));
    const Status status = producer->flush(Milliseconds(300));
    REQUIRE(!status);
    CHECK(status.error().code == ErrorCode::kUnavailable);
    CHECK(producer->pending() == 1);
  }
  REQUIRE(deliveries.list().size() == 1);
  CHECK(deliveries.list()[0].token == 9);
  CHECK(deliveries.list()[0].error.has_value());
}

TEST_CASE("kafka bus: no message holds a secret") {
  const std::string secret = "hunter2";
  const auto bus = need(open("kafka://127.0.0.1:1", {{"security.protocol", "SASL_PLAINTEXT"},
                                                     {"sasl.mechanisms", "PLAIN"},
                                                     {"sasl.username", "me"},
                                                     {"sasl.password", secret}}));
  CHECK(bus->describe() == "kafka://127.0.0.1:1");
  const auto topics = bus->topics();
  REQUIRE(!topics);
  CHECK(topics.error().message.find(secret) == std::string::npos);
}

TEST_CASE(
    "kafka bus: of two producers with one transactional id the older is fenced, and comes back") {
  const auto bus = lab_bus();
  const std::string in = new_topic(*bus, 1);
  const std::string out = new_topic(*bus, 1);
  const std::string group = fresh_name("g");
  const TransactionOptions same{.transactional_id = fresh_name("txn")};
  produce(*bus, in, 4, "k");
  const auto consumer = join(*bus, group, in);
  const auto older = need(consumer->open_transactional_producer(same));
  std::vector<Batch> batches;
  Offsets offsets;
  REQUIRE(until([&] {
    batches.push_back(need(consumer->poll(4, Milliseconds(200))));
    for (const auto& [where, offset] : offsets_after(batches.back())) offsets[where] = offset;
    return !offsets.empty() && offsets.begin()->second == 4;
  }));
  const Record record{.key = "k", .value = "older", .headers = {}, .timestamp_ms = 0};
  REQUIRE_OK(older->send(out, record));
  const auto other = join(*bus, fresh_name("g"), in);
  const auto newer = need(other->open_transactional_producer(same));
  const Status fenced = older->commit(offsets);
  REQUIRE(!fenced);
  CHECK(fenced.error().code == ErrorCode::kStale);

  // Without a restart: it takes the id back, and does the batch again.
  REQUIRE_OK(consumer->rewind());
  CHECK(take(*consumer, 4).size() == 4);
  REQUIRE_OK(older->send(out, record));
  REQUIRE_OK(older->commit(offsets));
  const auto reader = join(*bus, fresh_name("g"), out);
  CHECK(take(*reader, 1).size() == 1);
  CHECK(need(reader->poll(10, Milliseconds(500))).empty());
}

// As retention does it, but at once.
void delete_records(const std::string& topic, std::int64_t before) {
  char reason[256];
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", std::getenv("TOCSIN_KAFKA"), reason, sizeof reason);
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  REQUIRE(client != nullptr);
  rd_kafka_topic_partition_list_t* const list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = before;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list);
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(client);
  rd_kafka_DeleteRecords(client, &request, 1, nullptr, queue);
  rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, 10'000);
  REQUIRE(event != nullptr);
  CHECK(rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(request);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
}

TEST_CASE("kafka bus: what was deleted before it was read is told with its offsets") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 1);
  const std::string group = fresh_name("g");
  produce(*bus, topic, 100, "k");
  std::vector<Loss> losses;
  ConsumerOptions options{.group = group, .topics = {topic}};
  options.session_timeout = Milliseconds(6'000);
  options.on_loss = [&](const Loss& loss) { losses.push_back(loss); };
  {
    const auto consumer = need(bus->open_consumer(options));
    REQUIRE(until([&] {
      const Batch batch = need(consumer->poll(20, Milliseconds(200)));
      if (batch.empty()) return false;
      REQUIRE_OK(consumer->commit(Offsets{{{topic, 0}, 20}}));
      return true;
    }));
  }
  delete_records(topic, 60);
  const auto consumer = need(bus->open_consumer(options));
  const std::vector<Copy> rest = take(*consumer, 40);
  REQUIRE(rest.size() == 40);
  CHECK(rest.front().offset == 60);
  REQUIRE(losses.size() == 1);
  CHECK(losses[0].where == TopicPartition{topic, 0});
  CHECK(losses[0].first_missing == 20);
  CHECK(losses[0].first_available == 60);
  CHECK(losses[0].records() == 40);
}

TEST_CASE("kafka bus: a static member has its partitions again without a rebalance") {
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, 2);
  for (int i = 0; i < 20; ++i) produce(*bus, topic, 1, std::to_string(i), i);
  ConsumerOptions options{.group = fresh_name("g"), .topics = {topic}};
  options.session_timeout = Milliseconds(30'000);
  std::map<std::string, std::vector<TopicPartition>> before;
  std::vector<std::unique_ptr<Consumer>> members;
  for (const char* name : {"a", "b"}) {
    options.instance_id = name;
    members.push_back(need(bus->open_consumer(options)));
  }
  const auto poll_both = [&] {
    for (const auto& member : members) static_cast<void>(member->poll(1, Milliseconds(50)));
    return members[0]->assignment().size() == 1 && members[1]->assignment().size() == 1;
  };
  REQUIRE(until(poll_both));
  const auto had = members[0]->assignment();
  const auto start = SteadyClock::now();
  members[0].reset();
  options.instance_id = "a";
  members[0] = need(bus->open_consumer(options));
  REQUIRE(until(poll_both));
  CHECK(members[0]->assignment() == had);
  CHECK(SteadyClock::now() - start < Milliseconds(10'000));  // nobody waited for the session
}

// Somebody else's transactions, with offsets of a group in them.
class ForeignTransactions {
 public:
  explicit ForeignTransactions(std::string group) : group_(std::move(group)) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    for (const auto& [name, value] :
         {std::pair<const char*, std::string>{"bootstrap.servers", std::getenv("TOCSIN_KAFKA")},
          {"transactional.id", fresh_name("foreign")}})
      REQUIRE(rd_kafka_conf_set(conf, name, value.c_str(), nullptr, 0) == RD_KAFKA_CONF_OK);
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    REQUIRE(client_ != nullptr);
    need(rd_kafka_init_transactions(client_, kWait));
  }
  ForeignTransactions(const ForeignTransactions&) = delete;
  ForeignTransactions& operator=(const ForeignTransactions&) = delete;
  ~ForeignTransactions() { rd_kafka_destroy(client_); }

  // In a transaction that stays open.
  void send(const std::string& topic, std::int32_t partitions, std::int64_t offset) {
    need(rd_kafka_begin_transaction(client_));
    rd_kafka_topic_partition_list_t* const list = rd_kafka_topic_partition_list_new(partitions);
    for (std::int32_t i = 0; i < partitions; ++i)
      rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = offset;
    rd_kafka_consumer_group_metadata_t* const group =
        rd_kafka_consumer_group_metadata_new(group_.c_str());
    need(rd_kafka_send_offsets_to_transaction(client_, list, group, kWait));
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
  }
  void commit() { need(rd_kafka_commit_transaction(client_, kWait)); }

 private:
  static constexpr int kWait = 10'000;
  static void need(rd_kafka_error_t* error) {
    if (error != nullptr) FAIL(rd_kafka_error_string(error));
  }

  const std::string group_;
  rd_kafka_t* client_ = nullptr;
};

// librdkafka forgets that it must ask again for an offset in an open transaction when a rebalance
// comes between, and says that there is none.
TEST_CASE("kafka bus: offsets in an open transaction are waited for, also while partitions move") {
  constexpr std::int32_t kPartitions = 4;
  constexpr std::int64_t kDone = 5;
  constexpr int kRecords = 80;
  const auto bus = lab_bus();
  const std::string topic = new_topic(*bus, kPartitions);
  const std::string group = fresh_name("g");
  for (int i = 0; i < kRecords; ++i) produce(*bus, topic, 1, std::to_string(i), i);
  ForeignTransactions foreign(group);
  foreign.send(topic, kPartitions, kDone - 2);
  foreign.commit();
  foreign.send(topic, kPartitions, kDone);
  std::vector<std::unique_ptr<Consumer>> members;
  std::vector<Copy> copies;
  const auto poll_all = [&] {
    for (const auto& member : members)
      copy_to(copies, need(member->poll(kRecords, Milliseconds(50))));
  };
  members.push_back(join(*bus, group, topic));
  REQUIRE(until([&] {
    poll_all();
    return members[0]->assignment().size() == kPartitions;
  }));
  members.push_back(join(*bus, group, topic));
  REQUIRE(until([&] {
    poll_all();
    return members[0]->assignment().size() == 2 && members[1]->assignment().size() == 2;
  }));
  const auto end = SteadyClock::now() + std::chrono::seconds(2);
  REQUIRE(until([&] {
    poll_all();
    return SteadyClock::now() >= end;
  }));
  CHECK(copies.empty());
  foreign.commit();
  constexpr std::size_t kLeft = kRecords - kPartitions * kDone;
  REQUIRE(until([&] {
    poll_all();
    return copies.size() >= kLeft;
  }));
  CHECK(copies.size() == kLeft);
  CHECK(std::all_of(copies.begin(), copies.end(),
                    [](const Copy& copy) { return copy.offset >= kDone; }));
}

}  // namespace
}  // namespace tocsin::bus
