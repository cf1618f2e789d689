// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus when its processes die: child processes are killed at random moments. The seed
// is printed; TOCSIN_SEED repeats a run.
#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "lab.h"

namespace tocsin::bus {
namespace {

constexpr int kRounds = 20;

unsigned seed() {
  const char* const given = std::getenv("TOCSIN_SEED");
  const unsigned value =
      given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  std::fprintf(stderr, "bus crash test: TOCSIN_SEED=%u\n", value);
  return value;
}

struct Folder {
  std::string path =
      (std::filesystem::temp_directory_path() / fresh_name("tocsin-bus-crash")).string();
  [[nodiscard]] std::string url() const { return "embedded:" + path; }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

// A process that runs `body` with the writing end of a pipe. Nothing of the bus may be open at the
// fork.
class Child {
 public:
  template <class Body>
  explicit Child(Body&& body) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      close(ends[0]);
      body(ends[1]);
      _exit(0);
    }
    close(ends[1]);
    out_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) end(SIGKILL);
    close(out_);
  }
  // Sends the signal and waits for the end; the wait status.
  int end(int signal) {
    int status = 0;
    if (signal != 0) kill(pid_, signal);
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The next entry that the child wrote whole; false at the end.
  template <class Entry>
  bool read_entry(Entry& entry) {
    std::size_t have = 0;
    while (have < sizeof entry) {
      const ssize_t got = ::read(out_, reinterpret_cast<char*>(&entry) + have, sizeof entry - have);
      if (got <= 0) return false;
      have += static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

template <class Entry>
void write_entry(int to, const Entry& entry) {
  if (::write(to, &entry, sizeof entry) != static_cast<ssize_t>(sizeof entry)) _exit(9);
}

struct Acknowledged {
  std::uint64_t token;
  std::int64_t partition;
  std::int64_t offset;
};

// Sends numbers from `first` on, as fast as it can, and writes what was acknowledged.
void produce_for_ever(const std::string& url, std::uint64_t first, int to) {
  fcntl(to, F_SETPIPE_SZ, 1 << 20);
  auto bus = open(url);
  if (!bus) _exit(2);
  ProducerOptions options;
  options.linger = Milliseconds(1);
  options.queue_records_max = 500;
  options.on_delivery = [to](const Delivery& d) {
    if (d.error) _exit(3);
    write_entry(to, Acknowledged{d.token, d.where.partition, d.offset});
  };
  auto producer = (*bus)->open_producer(options);
  if (!producer) _exit(4);
  for (std::uint64_t i = first;; ++i) {
    Record record{.key = "",
                  .value = std::to_string(i) + std::string(i % 3000, '.'),
                  .headers = {},
                  .timestamp_ms = 0};
    if (!(*producer)->send("t", std::move(record), i)) _exit(5);
  }
}

TEST_CASE("embedded bus: killed producers lose nothing that was acknowledged") {
  const Folder folder;
  std::mt19937 random(seed());
  REQUIRE_OK(need(open(folder.url()))->create_topic("t", {.partitions = 3}));
  std::map<std::pair<std::int64_t, std::int64_t>, std::uint64_t> acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    // Two at once, so that one dies while the other writes.
    const auto base = static_cast<std::uint64_t>(round) * 20'000'000;
    Child one([&](int to) { produce_for_ever(folder.url(), base, to); });
    Child two([&](int to) { produce_for_ever(folder.url(), base + 10'000'000, to); });
    // Drains both pipes while they run.
    std::vector<Acknowledged> lists[2];
    std::thread drains[2];
    Child* const children[2] = {&one, &two};
    for (int i = 0; i < 2; ++i)
      drains[i] = std::thread([&, i] {
        Acknowledged entry{};
        while (children[i]->read_entry(entry)) lists[i].push_back(entry);
      });
    std::this_thread::sleep_for(std::chrono::microseconds(10'000 + random() % 60'000));
    for (Child* child : children) {
      const int status = child->end(SIGKILL);
      CHECK(WIFSIGNALED(status));
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
    }
    for (std::thread& drain : drains) drain.join();
    for (const auto& list : lists)
      for (const Acknowledged& entry : list) {
        const bool fresh =
            acknowledged.emplace(std::pair{entry.partition, entry.offset}, entry.token).second;
        CHECK_MESSAGE(fresh, "offset ", entry.offset, " was given out twice");
      }
  }
  REQUIRE(acknowledged.size() > 100);

  const auto bus = need(open(folder.url()));
  const auto reader = need(bus->open_reader("t", {}));
  std::map<std::int32_t, std::int64_t> next;
  std::set<std::uint64_t> values;
  std::size_t found = 0;
  while (!reader->at_end()) {
    const Batch batch = need(reader->poll(1'000, Milliseconds(100)));
    for (const Message& m : batch.messages()) {
      REQUIRE(m.offset == next[m.partition]++);
      const std::uint64_t number = std::stoull(std::string(m.value));
      REQUIRE(values.insert(number).second);
      REQUIRE(m.value.size() == std::to_string(number).size() + number % 3000);
      const auto at = acknowledged.find({m.partition, m.offset});
      if (at == acknowledged.end()) continue;
      REQUIRE(at->second == number);
      ++found;
    }
  }
  CHECK(found == acknowledged.size());
}

// Polls, tells what it has processed, commits.
void consume_for_ever(const std::string& url, int to) {
  auto bus = open(url);
  if (!bus) _exit(2);
  auto consumer = (*bus)->open_consumer({.group = "g",
                                         .topics = {"t"},
                                         .client_id = "child",
                                         .start = StartAt::kEarliest,
                                         .session_timeout = Milliseconds(300)});
  if (!consumer) _exit(3);
  while (true) {
    const auto batch = (*consumer)->poll(50, Milliseconds(100));
    if (!batch) continue;
    for (const Message& m : batch->messages())
      write_entry(to, static_cast<std::int64_t>(std::stoll(std::string(m.value))));
    static_cast<void>((*consumer)->commit(*batch));
  }
}

TEST_CASE("embedded bus: killed consumers skip nothing, and their partitions go to the living") {
  constexpr int kRecords = 20'000;
  const Folder folder;
  std::mt19937 random(seed());
  {
    const auto bus = need(open(folder.url()));
    REQUIRE_OK(bus->create_topic("t", {.partitions = 4}));
    produce(*bus, "t", kRecords);
  }
  std::set<std::int64_t> processed;
  for (int round = 0; round < 8; ++round) {
    Child child([&](int to) { consume_for_ever(folder.url(), to); });
    std::this_thread::sleep_for(Milliseconds(30 + random() % 40));
    // The pipe's 64 KiB bound what it can process before we look.
    CHECK(WIFSIGNALED(child.end(SIGKILL)));
    std::int64_t number = 0;
    while (child.read_entry(number)) processed.insert(number);
  }
  const auto bus = need(open(folder.url()));
  const auto consumer = join(*bus, "g", "t");
  std::size_t read = 0;
  REQUIRE(until([&] {
    const Batch batch = need(consumer->poll(1'000, Milliseconds(100)));
    for (const Message& m : batch.messages()) processed.insert(std::stoll(std::string(m.value)));
    read += batch.messages().size();
    REQUIRE_OK(consumer->commit(batch));
    return processed.size() == kRecords;
  }));
  CHECK(read <= kRecords);
  CHECK(consumer->assignment().size() == 4);
}

TEST_CASE("embedded bus: a member that stopped loses its partitions and cannot commit") {
  const Folder folder;
  {
    const auto bus = need(open(folder.url()));
    REQUIRE_OK(bus->create_topic("t", {.partitions = 1}));
    produce(*bus, "t", 10);
  }
  Child child([&](int to) {
    auto bus = open(folder.url());
    if (!bus) _exit(2);
    auto consumer = (*bus)->open_consumer({.group = "g",
                                           .topics = {"t"},
                                           .client_id = "frozen",
                                           .start = StartAt::kEarliest,
                                           .session_timeout = Milliseconds(400)});
    if (!consumer) _exit(3);
    const auto batch = (*consumer)->poll(10, Milliseconds(5'000));
    if (!batch || batch->messages().size() != 10) _exit(4);
    write_entry(to, std::int64_t{1});
    raise(SIGSTOP);
    const Status status = (*consumer)->commit(*batch);
    _exit(!status && status.error().code == ErrorCode::kStale ? 42 : 5);
  });
  std::int64_t ready = 0;
  REQUIRE(child.read_entry(ready));
  {
    const auto bus = need(open(folder.url()));
    const auto consumer = join(*bus, "g", "t", "living");
    const Batch batch = need(consumer->poll(10, Milliseconds(10'000)));
    CHECK(batch.messages().size() == 10);
    REQUIRE_OK(consumer->commit(batch));
    kill(child.pid(), SIGCONT);
    const int status = child.end(0);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 42);
  }
}

}  // namespace
}  // namespace tocsin::bus
