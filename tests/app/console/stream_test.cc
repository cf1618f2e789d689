// SPDX-License-Identifier: Apache-2.0
//
// Streams: what comes on a topic and in the pipeline arrives; their number is bounded; they leave
// threads to others and end with the console.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "console_world.h"

namespace tocsin::test {
namespace {

// A client in a thread of its own that collects what a stream says.
class Stream {
 public:
  Stream(const ConsoleWorld& world, const std::string& path)
      : client_(world.client()), headers_(world.headers), path_("/api/v1" + path) {
    thread_ = std::thread([this] { run(); });
  }
  ~Stream() {
    leaving_ = true;
    client_.stop();
    thread_.join();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Whether the text comes in time.
  bool says(const std::string& text, int seconds = 20) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(seconds), [&] {
      return text_.find(text) != std::string::npos || ended_;
    }) && text_.find(text) != std::string::npos;
  }
  bool ends(int seconds = 20) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(seconds), [&] { return ended_; });
  }
  int status() {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  std::string type() {
    const std::lock_guard lock(mutex_);
    return type_;
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  void run() {
    const auto result = client_.Get(
        path_, headers_,
        [this](const httplib::Response& response) {
          const std::lock_guard lock(mutex_);
          status_ = response.status;
          type_ = response.get_header_value("Content-Type");
          return true;
        },
        [this](const char* bytes, std::size_t size) {
          const std::lock_guard lock(mutex_);
          text_.append(bytes, size);
          changed_.notify_all();
          return !leaving_;
        });
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  httplib::Client client_;
  const httplib::Headers headers_;
  const std::string path_;
  std::atomic<bool> leaving_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_, type_;
  int status_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("tail: messages as they come, those that pass the filter") {
  ConsoleWorld world;
  Stream all(world, "/topics/raw-events/tail");
  Stream some(world, "/topics/raw-events/tail?filter=wanted");
  // A stream begins at the end, so something has to come until it has begun.
  bool arrived = false;
  for (int i = 0; i < 100 && !arrived; ++i) {
    world.publish("raw-events",
                  {{.key = "k", .value = fmt::format(R"({{"x":"wanted {}"}})", i), .headers = {}},
                   {.key = "k", .value = R"({"x":"other"})", .headers = {}}});
    arrived = all.says("wanted", 1) && all.says("other", 1) && some.says("wanted", 1);
  }
  CHECK(arrived);
  CHECK(all.type() == "text/event-stream");
  CHECK(all.text().find("event: message\ndata: {\"partition\":") != std::string::npos);
  CHECK(some.text().find("other") == std::string::npos);
}

TEST_CASE("live: figures at once, alerts when they come") {
  ConsoleWorld world;
  Stream live(world, "/live");
  CHECK(live.says("event: stats\ndata: {\"events_per_second\":"));
  bool arrived = false;
  for (int i = 0; i < 60 && !arrived; ++i) {
    world.add_events({attack_event(500 + i, fmt::format("vssadmin delete number{}", i))});
    arrived = live.says("event: alert\ndata: {\"alert_id\":", 1);
  }
  CHECK(arrived);
}

TEST_CASE("the number of streams is bounded, and others get their answers") {
  ConsoleWorld world({.streams_max = 3});
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(std::make_unique<Stream>(world, "/live"));
    REQUIRE(streams.back()->says("event: stats"));
  }
  const Got refused = world.get("/live");
  CHECK(refused.status == 429);
  CHECK(refused.json.text("/error/code") == "rate_limited");
  CHECK(world.get("/alerts").status == 200);
  // Who leaves makes room.
  streams.clear();
  bool room = false;
  for (int i = 0; i < 100 && !room; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Stream next(world, "/live");
    room = next.says("event: stats", 5);
  }
  CHECK(room);
}

TEST_CASE("the console's end is the end of its streams") {
  ConsoleWorld world;
  Stream live(world, "/live");
  Stream tail(world, "/topics/raw-events/tail");
  REQUIRE(live.says("event: stats"));
  world.stop();
  CHECK(live.ends());
  CHECK(tail.ends());
}

}  // namespace tocsin::test
