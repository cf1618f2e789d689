// SPDX-License-Identifier: Apache-2.0
//
// The spool on disk: order, bounds, what a crash leaves. TOCSIN_TEST_SEED repeats a run.
#include "core/bus/spool/spool.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "core/bus/spool/spool_folder.h"
#include "lab.h"
#include "seed.h"

namespace tocsin::bus::spool {
namespace {

std::unique_ptr<Spool> opened(const std::string& folder, std::uint64_t bytes_max = 64U << 20) {
  auto spool = Spool::open({folder, bytes_max});
  if (!spool) FAIL(spool.error().message);
  return *std::move(spool);
}

std::vector<int> read_all(Spool& spool, std::vector<Place>* places = nullptr) {
  std::vector<int> numbers;
  SpooledRecord record;
  Place behind;
  for (;;) {
    const auto got = spool.next(record, behind);
    REQUIRE(got);
    if (!*got) return numbers;
    numbers.push_back(number_of(record.record));
    if (places != nullptr) places->push_back(behind);
  }
}

std::vector<int> range(int first, int end) {
  std::vector<int> numbers;
  for (int n = first; n < end; ++n) numbers.push_back(n);
  return numbers;
}

std::string segment_in(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".seg") return entry.path().string();
  FAIL("no segment");
  return {};
}

TEST_CASE("spool: keeps records whole and in order over a restart; nothing left, no folder left") {
  const Folder folder;
  const std::string path = folder.root + "/1";
  {
    const auto spool = opened(path);
    for (int n = 0; n < 100; ++n) REQUIRE(spool->append("raw-events", numbered(n), 5));
  }
  {
    const auto spool = opened(path);
    CHECK(spool->state().records == 100);
    CHECK(spool->state().oldest == 5);
    SpooledRecord first;
    Place behind;
    REQUIRE(spool->next(first, behind).value());
    CHECK(first.topic == "raw-events");
    CHECK(first.record.key == "host0");
    CHECK(first.record.timestamp_ms == 1000);
    REQUIRE(first.record.headers.size() == 2);
    CHECK(first.record.headers[1].key == "empty");
    CHECK(first.record.headers[1].value.empty());
    std::vector<Place> places;
    CHECK(read_all(*spool, &places) == range(1, 100));
    spool->acknowledge(places[48], 50);
  }
  {
    const auto spool = opened(path);
    CHECK(spool->state().records == 50);
    std::vector<Place> places;
    CHECK(read_all(*spool, &places) == range(50, 100));
    spool->acknowledge(places.back(), 50);
    REQUIRE(spool->sync());
    CHECK(spool->state().bytes == 0);
    REQUIRE(spool->append("t", numbered(100), 6));
    CHECK(read_all(*spool, &places) == std::vector<int>{100});
    spool->acknowledge(places.back(), 1);
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("spool: full is said, and room comes back") {
  const Folder folder;
  const auto spool = opened(folder.root + "/1", 1U << 20);
  int count = 0;
  Result<Place> place;
  while ((place = spool->append("t", numbered(count, 10'000), 1))) ++count;
  CHECK(place.error().code == ErrorCode::kExhausted);
  CHECK(count > 90);
  CHECK(spool->state().bytes <= 1U << 20);
  std::vector<Place> places;
  CHECK(read_all(*spool, &places) == range(0, count));
  spool->acknowledge(places[static_cast<std::size_t>(count) / 2],
                     static_cast<std::uint64_t>(count) / 2 + 1);
  REQUIRE(spool->sync());
  CHECK(spool->append("t", numbered(count, 10'000), 1));
}

TEST_CASE("spool: one process at a time; the next takes over what was left, and has its own") {
  const Folder folder;
  const SpoolOptions options{folder.root, 1U << 20};
  {
    const auto first = claim(options);
    REQUIRE(first);
    REQUIRE(first->size() == 1);
    REQUIRE(first->back()->append("t", numbered(1), 1));
    const auto second = claim(options);
    REQUIRE(second);
    REQUIRE(second->size() == 1);
    CHECK(second->back()->folder() != first->back()->folder());
    CHECK(Spool::open({first->back()->folder(), 1U << 20}).error().code == ErrorCode::kStale);
    const auto reports = inspect_all(folder.root);
    REQUIRE(reports);
    REQUIRE(reports->size() == 2);
    CHECK(reports->front().owner == getpid());
    CHECK(reports->front().state.records == 1);
  }
  CHECK(inspect_all(folder.root)->front().owner == 0);
  const auto third = claim(options);
  REQUIRE(third);
  REQUIRE(third->size() == 2);
  CHECK(read_all(*third->front()) == std::vector<int>{1});
  CHECK(third->back()->state().records == 0);
}

TEST_CASE("spool: a torn end is cut off, damage is kept beside and told") {
  const Folder folder;
  const std::string path = folder.root + "/1";
  {
    const auto spool = opened(path);
    for (int n = 0; n < 10; ++n) REQUIRE(spool->append("t", numbered(n, 100), 1));
  }
  const std::string segment = segment_in(path);
  fs::resize_file(segment, fs::file_size(segment) - 7);
  {
    const auto spool = opened(path);
    CHECK(read_all(*spool) == range(0, 9));
    CHECK(spool->state().damaged_bytes == 0);
    REQUIRE(spool->append("t", numbered(9, 100), 1));
  }
  {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(segment) / 2));
    file.put('!');
  }
  const auto spool = opened(path);
  const std::vector<int> left = read_all(*spool);
  CHECK(left.size() >= 4);
  CHECK(left == range(0, static_cast<int>(left.size())));
  CHECK(spool->state().damaged_bytes > 0);
  CHECK(fs::exists(segment + ".damaged"));
}

// The child appends and acknowledges, and says what it has done; it dies at a random moment.
TEST_CASE("spool: kill -9 at any moment loses nothing that was appended") {
  const unsigned seed = tests::seed_wanted();
  INFO("TOCSIN_TEST_SEED=", seed);
  std::mt19937 dice(seed);
  const Folder folder;
  const std::string path = folder.root + "/1";
  struct Said {
    int appended = 0;
    int acknowledged = 0;
  } said;
  for (int round = 0; round < 12; ++round) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    const auto child_seed = dice();
    const pid_t child = fork();
    if (child == 0) {
      std::mt19937 own(child_seed);
      auto spool = Spool::open({path, 64U << 20});
      Said now = said;
      if (!spool) _exit(1);
      std::deque<Place> places;
      SpooledRecord record;
      Place behind;
      for (;;) {
        if (own() % 3 != 0) {
          if (!(*spool)->append("t", numbered(now.appended, own() % 3000), 1)) _exit(2);
          ++now.appended;
        } else if (auto got = (*spool)->next(record, behind); got && *got) {
          (*spool)->acknowledge(behind, 1);
          now.acknowledged = number_of(record.record) + 1;
          if (own() % 8 == 0 && !(*spool)->sync()) _exit(3);
        }
        if (write(pipe_ends[1], &now, sizeof now) != sizeof now) _exit(4);
      }
    }
    close(pipe_ends[1]);
    // It dies in the middle of its work: while the pipe is read, so that it does not stop at a full
    // one.
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(dice() % 20'000);
    Said now;
    bool killed = false;
    while (read(pipe_ends[0], &now, sizeof now) == sizeof now) {
      said = now;
      if (!killed && std::chrono::steady_clock::now() >= end) killed = kill(child, SIGKILL) == 0;
    }
    if (!killed) kill(child, SIGKILL);
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));

    const auto spool = opened(path);
    const std::vector<int> left = read_all(*spool);
    // Acknowledged ones may come again, and one append may be there that was not said.
    const int first = left.empty() ? said.appended : left.front();
    CHECK(first <= said.acknowledged + 1);
    const int last = first + static_cast<int>(left.size());
    CHECK(left == range(first, last));
    CHECK(last >= said.appended);
    CHECK(last <= said.appended + 1);
    said.appended = last;
    said.acknowledged = first;
  }
}

}  // namespace
}  // namespace tocsin::bus::spool
