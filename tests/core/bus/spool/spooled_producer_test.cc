// SPDX-License-Identifier: Apache-2.0
//
// The producer that spools: a bus that goes and comes back, refuses, or is not there at all.
#include "core/bus/spool/spooled_producer.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "core/bus/spool/spool_folder.h"
#include "lab.h"

namespace tocsin::bus::spool {
namespace {

using Mood = FickleBus::Mood;

constexpr Milliseconds kPatience{100};

// What was told about each token, and what came from the spool.
struct Told {
  std::mutex mutex;
  std::map<std::uint64_t, std::string> of_token;
  std::vector<int> drained, recovered, refused;

  ProducerOptions producer_options() {
    ProducerOptions options;
    options.on_delivery = [this](const Delivery& delivery) {
      const std::lock_guard lock(mutex);
      of_token[delivery.token] += delivery.error     ? "failed;"
                                  : delivery.spooled ? "spooled;"
                                                     : "stored;";
    };
    return options;
  }
  SpooledProducerOptions options(const std::string& folder) {
    SpooledProducerOptions made;
    made.spool = {folder, 8U << 20};
    made.patience = kPatience;
    made.on_drained = [this](const SpooledRecord& record, const Delivery& delivery, bool recover) {
      const std::lock_guard lock(mutex);
      const int number = number_of(record.record);
      (delivery.error ? refused : recover ? recovered : drained).push_back(number);
    };
    return made;
  }
  std::string of(std::uint64_t token) {
    const std::lock_guard lock(mutex);
    return of_token[token];
  }
};

std::unique_ptr<SpooledProducer> opened(FickleBus& bus, Told& told,
                                        const SpooledProducerOptions& options) {
  auto producer = SpooledProducer::open(bus, told.producer_options(), options);
  if (!producer) FAIL(producer.error().message);
  return *std::move(producer);
}

void send(Producer& producer, int first, int end) {
  for (int n = first; n < end; ++n)
    REQUIRE(producer.send("t", numbered(n), static_cast<std::uint64_t>(n) + 1));
}

std::vector<int> range(int first, int end) {
  std::vector<int> numbers;
  for (int n = first; n < end; ++n) numbers.push_back(n);
  return numbers;
}

TEST_CASE("spooled producer: with the bus there nothing touches the disk") {
  const Folder folder;
  FickleBus bus;
  Told told;
  const auto producer = opened(bus, told, told.options(folder.root));
  send(*producer, 0, 500);
  REQUIRE(producer->flush(Milliseconds(5'000)));
  CHECK(bus.numbers() == range(0, 500));
  CHECK(told.of(1) == "stored;");
  CHECK(producer->stats().spooled == 0);
}

TEST_CASE("spooled producer: nobody waits for a record that was given back") {
  const Folder folder;
  FickleBus bus;
  Told told;
  const auto producer = opened(bus, told, told.options(folder.root));
  const Status refused = producer->send("t", numbered(0, 2'000), 1);  // too large for this bus
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalid);
  CHECK(producer->pending() == 0);
  CHECK(producer->flush(Milliseconds(0)));
  send(*producer, 1, 5);
  REQUIRE(producer->flush(Milliseconds(5'000)));
  CHECK(bus.numbers() == range(1, 5));
}

TEST_CASE("spooled producer: away, everything goes to disk; back, all arrives once and in order") {
  const Folder folder;
  FickleBus bus;
  Told told;
  const auto producer = opened(bus, told, told.options(folder.root));
  send(*producer, 0, 50);
  bus.turn(Mood::kAway);
  send(*producer, 50, 60);  // these are under way when the bus is missed
  REQUIRE(until([&] { return producer->stats().away; }));
  send(*producer, 60, 200);
  CHECK(told.of(1) == "stored;");
  CHECK(told.of(55) == "spooled;");
  CHECK(told.of(200) == "spooled;");
  CHECK(producer->stats().waiting == 150);
  CHECK(producer->stats().oldest > 0);
  const Status flushed = producer->flush(Milliseconds(100));
  REQUIRE_FALSE(flushed);
  CHECK(flushed.error().message.find("150 records") != std::string::npos);

  bus.turn(Mood::kThere);
  send(*producer, 200, 300);
  REQUIRE(producer->flush(Milliseconds(10'000)));
  CHECK(bus.numbers() == range(0, 300));
  CHECK(told.drained == range(50, 200));
  CHECK(told.of(300) == "stored;");
  CHECK(producer->stats().waiting == 0);
  CHECK(producer->stats().drained == 150);
}

TEST_CASE("spooled producer: what an earlier process left goes first") {
  const Folder folder;
  FickleBus bus;
  Told told;
  bus.turn(Mood::kAway);
  {
    const auto producer = opened(bus, told, told.options(folder.root));
    send(*producer, 0, 20);
    REQUIRE_FALSE(producer->flush(Milliseconds(400)));
  }
  CHECK(inspect_all(folder.root)->front().state.records == 20);
  bus.turn(Mood::kThere);
  Told later;
  {
    const auto producer = opened(bus, later, later.options(folder.root));
    send(*producer, 20, 30);
    REQUIRE(producer->flush(Milliseconds(10'000)));
    CHECK(producer->stats().recovered == 20);
  }
  CHECK(bus.numbers() == range(0, 30));
  CHECK(later.recovered == range(0, 20));
  CHECK(later.drained.empty());
  CHECK(inspect_all(folder.root)->empty());
}

TEST_CASE("spooled producer: a refusal for now is tried again, in order, on disk meanwhile") {
  const Folder folder;
  FickleBus bus;
  Told told;
  const auto producer = opened(bus, told, told.options(folder.root));
  bus.turn(Mood::kDenies);
  send(*producer, 0, 30);
  REQUIRE(until([&] { return producer->stats().away && producer->stats().retries > 1; }));
  send(*producer, 30, 40);
  bus.turn(Mood::kThere);
  REQUIRE(until([&] { return producer->flush(Milliseconds(1'000)).has_value(); }));
  CHECK(bus.numbers() == range(0, 40));
}

TEST_CASE("spooled producer: what is sent again is what was sent, whatever became of the record") {
  const Folder folder;
  FickleBus bus;
  Told told;
  const auto producer = opened(bus, told, told.options(folder.root));
  const auto send_all = [&](int first, int end) {
    Record record;
    for (int n = first; n < end; ++n) {
      record = numbered(n, static_cast<std::size_t>(n) * 50);
      REQUIRE(producer->send("t", record, static_cast<std::uint64_t>(n) + 1));
      record.key.assign(40, '-');
      record.value.assign(4'000, '-');
      for (Header& header : record.headers) header = {"-", std::string(100, '-')};
    }
  };
  send_all(0, 10);  // buffers of these serve the next
  REQUIRE(producer->flush(Milliseconds(1'000)).has_value());
  bus.turn(Mood::kDenies);
  send_all(10, 18);
  REQUIRE(until([&] { return producer->stats().away && producer->stats().retries > 1; }));
  bus.turn(Mood::kThere);
  REQUIRE(until([&] { return producer->flush(Milliseconds(1'000)).has_value(); }));
  REQUIRE(bus.numbers() == range(0, 18));
  const std::lock_guard lock(bus.mutex);
  for (int n = 0; n < 18; ++n) {
    const Record want = numbered(n, static_cast<std::size_t>(n) * 50);
    const Record& got = bus.records[static_cast<std::size_t>(n)];
    CHECK(got.key == want.key);
    CHECK(got.value == want.value);
    CHECK(got.timestamp_ms == want.timestamp_ms);
    REQUIRE(got.headers.size() == want.headers.size());
    for (std::size_t i = 0; i < want.headers.size(); ++i) {
      CHECK(got.headers[i].key == want.headers[i].key);
      CHECK(got.headers[i].value == want.headers[i].value);
    }
  }
}

TEST_CASE("spooled producer: what never fits is given back, before and after the spool") {
  const Folder folder;
  FickleBus bus;
  Told told;
  const auto producer = opened(bus, told, told.options(folder.root));
  const Status refused = producer->send("t", numbered(0, 2'000), 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalid);
  bus.turn(Mood::kAway);
  send(*producer, 1, 2);
  REQUIRE(until([&] { return producer->stats().away; }));
  REQUIRE(producer->send("t", numbered(2, 2'000), 3));
  send(*producer, 3, 5);
  bus.turn(Mood::kThere);
  REQUIRE(producer->flush(Milliseconds(10'000)));
  CHECK(bus.numbers() == std::vector<int>{1, 3, 4});
  CHECK(told.refused == std::vector<int>{2});
}

TEST_CASE("spooled producer: full, it waits and drops nothing; a stop ends the wait") {
  const Folder folder;
  FickleBus bus;
  Told told;
  std::atomic<bool> stop{false};
  SpooledProducerOptions options = told.options(folder.root);
  options.spool.bytes_max = 1U << 20;
  options.stop = [&] { return stop.load(); };
  const auto producer = opened(bus, told, options);
  bus.turn(Mood::kAway);
  std::atomic<int> sent{0};
  std::thread reader([&] {
    for (int n = 0; n < 3'000; ++n) {
      if (!producer->send("t", numbered(n, 900), static_cast<std::uint64_t>(n) + 1)) return;
      ++sent;
    }
  });
  REQUIRE(until([&] { return producer->stats().full; }));
  const int then = sent;
  std::this_thread::sleep_for(Milliseconds(150));
  CHECK(sent == then);
  bus.turn(Mood::kThere);
  REQUIRE(until([&] { return sent == 3'000; }));
  reader.join();
  REQUIRE(producer->flush(Milliseconds(10'000)));
  CHECK(bus.numbers() == range(0, 3'000));

  bus.turn(Mood::kAway);
  std::thread again([&] {
    for (int n = 0; producer->send("t", numbered(n, 900), 1); ++n) {
    }
  });
  REQUIRE(until([&] { return producer->stats().full; }));
  stop = true;
  again.join();
}

TEST_CASE("spooled producer: preparing is tried until it works; nothing is sent before") {
  const Folder folder;
  FickleBus bus;
  Told told;
  std::atomic<int> tries{0};
  SpooledProducerOptions options = told.options(folder.root);
  options.prepare = [&]() -> Status {
    if (++tries < 3) return fail(ErrorCode::kUnavailable, "no broker");
    return {};
  };
  const auto producer = opened(bus, told, options);
  send(*producer, 0, 10);
  CHECK(bus.numbers().empty());
  REQUIRE(until([&] { return producer->flush(Milliseconds(1'000)).has_value(); }));
  CHECK(bus.numbers() == range(0, 10));
  CHECK(tries == 3);
}

TEST_CASE("spooled producer: without a spool it goes on after a bus that was away from the start") {
  FickleBus bus;
  Told told;
  std::atomic<bool> there{false}, sent{false};
  SpooledProducerOptions options = told.options("");
  options.prepare = [&]() -> Status {
    if (!there) return fail(ErrorCode::kUnavailable, "no broker");
    return {};
  };
  const auto producer = opened(bus, told, options);
  std::thread sender([&] {
    for (int n = 0; n < 10; ++n) CHECK(producer->send("t", numbered(n), 1));
    sent = true;
  });
  REQUIRE(until([&] { return producer->stats().away; }));
  CHECK(bus.numbers().empty());
  there = true;
  const bool went_on = until([&] { return sent.load(); });
  CHECK(went_on);
  if (!went_on) std::abort();  // the sender waits for ever
  sender.join();
  REQUIRE(producer->flush(Milliseconds(10'000)));
  CHECK(bus.numbers() == range(0, 10));
  CHECK_FALSE(producer->stats().away);
}

}  // namespace
}  // namespace tocsin::bus::spool
