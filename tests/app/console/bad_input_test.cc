// SPDX-License-Identifier: Apache-2.0
//
// Wrong, hostile and enormous requests: each has an answer of its kind, and the console goes on.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "console_world.h"

namespace tocsin::test {
namespace {

struct Row {
  const char* method;
  std::string path;
  std::string body;
  int status;
  const char* field;  // "": none is named
};

// A socket that is connected to the console.
int connected(const std::string& url) {
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

// Bytes as they are; what comes back until the other side closes or nothing comes for a while.
std::string raw_exchange(const std::string& url, const std::string& bytes) {
  const int fd = connected(url);
  timeval patience{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  std::string out;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::recv(fd, buffer, sizeof buffer, 0)) > 0)
    out.append(buffer, static_cast<std::size_t>(n));
  ::close(fd);
  return out;
}

}  // namespace

TEST_CASE("a table of wrong requests") {
  ConsoleWorld world;
  const std::string alert = "/alerts/" + world.alert_ids().front();
  const std::string rule = std::string("/rules/") + kShadowRule;
  const std::string long_text(5'000, 'x');
  const Row rows[] = {
      // parameters
      {"GET", "/alerts?nonsense=1", "", 400, "nonsense"},
      {"GET", "/topics?x=1", "", 400, "x"},
      {"GET", "/alerts?limit=0", "", 400, "limit"},
      {"GET", "/alerts?limit=501", "", 400, "limit"},
      {"GET", "/alerts?limit=abc", "", 400, "limit"},
      {"GET", "/alerts?limit=1.5", "", 400, "limit"},
      {"GET", "/alerts?limit=99999999999999999999", "", 400, "limit"},
      {"GET", "/alerts?limit=1&limit=2", "", 400, "limit"},
      {"GET", "/alerts?from=yesterday", "", 400, "from"},
      {"GET", "/alerts?from=-15x", "", 400, "from"},
      {"GET", "/alerts?from=-99999999999d", "", 400, "from"},
      {"GET", "/alerts?from=now&to=-24h", "", 400, "to"},
      {"GET", "/alerts?sort=password", "", 400, "sort"},
      {"GET", "/alerts?q=host:", "", 400, "q"},
      {"GET", "/alerts?q=%28%28%28", "", 400, "q"},
      {"GET", "/alerts?q=" + long_text, "", 400, "q"},
      {"GET", "/alerts?q=%ff%fe", "", 400, "q"},
      {"GET", "/alerts?level=enormous", "", 400, ""},
      {"GET", "/alerts?cursor=garbage", "", 400, ""},
      {"GET", "/alerts?cursor=%27%20OR%201%3D1%20--", "", 400, ""},
      {"GET", "/alerts/groups", "", 400, "by"},
      {"GET", "/alerts/groups?by=password", "", 400, "by"},
      {"GET", "/attack/navigator?what=all", "", 400, "what"},
      {"GET", "/rules?level=x", "", 400, "level"},
      {"GET", "/rules?tactic=x", "", 400, "tactic"},
      {"GET", "/rules?enabled=maybe", "", 400, "enabled"},
      {"GET", "/rules?sort=yaml", "", 400, "sort"},
      {"GET", "/traces?min_ms=-1", "", 400, "min_ms"},
      {"GET", "/topics/raw-events/messages?offset=1&from=end", "", 400, "from"},
      {"GET", "/topics/raw-events/messages?from=middle", "", 400, "from"},
      {"GET", "/topics/raw-events/messages?offset=-1", "", 400, "offset"},
      {"GET", "/topics/raw-events/messages?partition=99999999999", "", 400, "partition"},
      {"GET", "/topics/raw-events/messages?max_scan=0", "", 400, "max_scan"},
      {"GET", "/topics/raw-events/messages?cursor=b.1-2x", "", 400, "cursor"},
      {"GET", "/dead-letters?cursor=zzz", "", 400, "cursor"},
      // paths
      {"GET", "/alerts/none", "", 404, "alert_id"},
      {"GET", "/alerts/00000000-0000-0000-0000-000000000000", "", 404, "alert_id"},
      {"GET", "/traces/xyz", "", 400, ""},
      {"GET", "/traces/00112233445566778899aabbccddeeff", "", 404, "id"},
      {"GET", "/topics/..%2f..%2fetc%2fpasswd/messages", "", 404, ""},
      {"GET", "/topics/none/tail", "", 404, ""},
      {"GET", "/rules/..%2f..%2fetc%2fpasswd", "", 404, ""},
      {"GET", "/../../etc/passwd", "", 404, ""},
      {"GET", "/nothing", "", 404, ""},
      {"GET", "/alerts/", "", 404, ""},
      {"PUT", "/alerts", "{}", 405, ""},
      {"DELETE", "/rules", "", 405, ""},
      {"POST", "/overview", "{}", 405, ""},
      // bodies
      {"PATCH", alert + "/triage", "", 400, "status"},
      {"PATCH", alert + "/triage", "{}", 400, "status"},
      {"PATCH", alert + "/triage", "[]", 400, ""},
      {"PATCH", alert + "/triage", "{", 400, ""},
      {"PATCH", alert + "/triage", "null", 400, ""},
      {"PATCH", alert + "/triage", R"({"status":"done"})", 400, "status"},
      {"PATCH", alert + "/triage", R"({"status":7})", 400, "status"},
      {"PATCH", alert + "/triage", R"({"status":["new"]})", 400, "status"},
      {"PATCH", alert + "/triage", R"({"owner":"x"})", 400, "owner"},
      {"PATCH", alert + "/triage", R"({"status":"new","status":"closed"})", 400, "status"},
      {"PATCH", alert + "/triage", R"({"note":")" + long_text + R"("})", 413, "note"},
      {"PATCH", "/alerts/x/triage", R"({"status":"new"})", 404, "alert_id"},
      {"PATCH", "/alerts/00000000-0000-0000-0000-000000000000/triage", R"({"status":"new"})", 404,
       ""},
      {"POST", "/alerts/triage", R"({"status":"new"})", 400, "alert_ids"},
      {"POST", "/alerts/triage", R"({"alert_ids":[],"status":"new"})", 400, "alert_ids"},
      {"POST", "/alerts/triage", R"({"alert_ids":["x"],"status":"new"})", 400, "alert_ids"},
      {"POST", "/alerts/triage", R"({"alert_ids":[1],"status":"new"})", 400, "alert_ids"},
      {"POST", "/alerts/triage", R"({"alert_ids":"x","status":"new"})", 400, "alert_ids"},
      {"POST", alert + "/false-positive", R"({"fields":"x"})", 400, "fields"},
      {"POST", alert + "/false-positive", R"({"fields":[]})", 400, "fields"},
      {"PATCH", rule, R"({"level":"enormous"})", 400, "level"},
      {"PATCH", rule, R"({"enabled":"yes"})", 400, "enabled"},
      {"PATCH", rule, R"({"note":"only"})", 400, "enabled"},
      {"PATCH", "/rules/none", R"({"enabled":true})", 404, "id"},
      {"POST", "/rules/check", "{}", 400, "yaml"},
      {"POST", "/rules/test", R"({"yaml":"a","id":"b","event":{}})", 400, "yaml"},
      {"POST", "/rules/test", R"({"id":"none","event":{}})", 404, "id"},
      {"POST", "/rules", R"({"yaml":"title: x"})", 400, "yaml"},
      {"POST", "/dead-letters/replay", "{}", 400, "items"},
      {"POST", "/dead-letters/replay", R"({"all":false})", 400, "items"},
      {"POST", "/dead-letters/replay", R"({"all":true,"items":[{"partition":0,"offset":0}]})", 400,
       "items"},
      {"POST", "/dead-letters/replay", R"({"items":[{"partition":0}]})", 400, "items"},
      {"POST", "/dead-letters/replay", R"({"items":[{"partition":"0","offset":0}]})", 400, "items"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.path.substr(0, 120));
    CAPTURE(row.body.substr(0, 120));
    const Got got = world.send(row.method, row.path, row.body);
    CAPTURE(got.body.substr(0, 300));
    CHECK(got.status == row.status);
    CHECK(got.type == "application/json");
    CHECK(got.header("X-Content-Type-Options") == "nosniff");
    REQUIRE(got.json.has("/error/code"));
    CHECK_FALSE(got.json.text("/error/message").empty());
    if (*row.field != '\0') CHECK(got.json.text("/error/field") == row.field);
  }
  CHECK(world.get("/alerts").json.number("/total") == 2);  // nothing changed, nothing broke
  CHECK(world.get("/audit").status == 200);
}

TEST_CASE("SQL, markup and format strings in values are values") {
  ConsoleWorld world;
  for (const char* value : {"'%3B%20DROP%20TABLE%20alerts%3B--", "%22%20OR%20%221%22%3D%221",
                            "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%25s%25n%25x", "%7B%7D%7B0%7D",
                            "%00", "*", "alert_index%3A*", "NEAR(a%20b)"}) {
    CAPTURE(value);
    for (const char* param : {"host", "user", "rule", "assignee"}) {
      const Got got = world.get(fmt::format("/alerts?{}={}", param, value));
      CAPTURE(param);
      CHECK((got.status == 200 || got.status == 400));
      if (got.status == 200) CHECK(got.json.number("/total") == 0);
    }
    const Got q = world.get(fmt::format("/alerts?q=%22{}%22", value));
    CHECK((q.status == 200 || q.status == 400));
    CHECK(q.type == "application/json");
    const Got filter = world.get(fmt::format("/topics/raw-events/messages?filter={}", value));
    CHECK((filter.status == 200 || filter.status == 400));
  }
  CHECK(world.get("/alerts").json.number("/total") == 2);
}

TEST_CASE("bodies have a bound, also where they claim to have none") {
  ConsoleWorld world;
  const std::string big = R"({"yaml":")" + std::string(2 << 20, 'a') + R"("})";
  const Got got = world.post("/rules/check", big);
  CHECK(got.status == 413);
  CHECK(got.json.text("/error/code") == "too_large");
  const std::string head = "POST /api/v1/rules/check HTTP/1.1\r\nHost: localhost\r\n";
  CHECK(raw_exchange(world.console().url(), head + "Content-Length: 99999999999\r\n\r\n{}")
            .starts_with("HTTP/1.1 413"));
  CHECK(raw_exchange(world.console().url(), head + "Content-Length: -1\r\n\r\n{}").find(" 200 ") ==
        std::string::npos);
  CHECK(world.get("/healthz").status == 200);
}

TEST_CASE("a body where none belongs never becomes the next request") {
  ConsoleWorld world;
  const std::string hidden = "GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string answer = raw_exchange(
      world.console().url(),
      fmt::format("GET /api/v1/healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                  hidden.size(), hidden));
  CHECK(answer.starts_with("HTTP/1.1 400"));
  CHECK(answer.find("csrf") == std::string::npos);
  CHECK(answer.find("HTTP/1.1", 1) == std::string::npos);  // one answer, then the end
}

TEST_CASE("bytes that are no HTTP, paths and headers without end") {
  ConsoleWorld world;
  const std::string url = world.console().url();
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01", 6), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string(100'000, 'A'),
        "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /api/v1/" + std::string(4'000, 'b') + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'c') + "\r\n\r\n",
        std::string("GET /%zz%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1,0-1,0-1\r\n\r\n")}) {
    CAPTURE(bytes.substr(0, 60));
    const std::string answer = raw_exchange(url, bytes);
    CHECK(answer.find("Set-Cookie: a=b") == std::string::npos);
    CHECK(answer.find(" 500 ") == std::string::npos);
  }
  CHECK(world.get("/healthz").status == 200);
}

TEST_CASE("a range is left alone: an answer is whole and holds nothing else") {
  ConsoleWorld world;
  const std::string whole = world.get("/healthz").body;
  REQUIRE_FALSE(whole.empty());
  for (const char* range :
       {"0-3", "0-20000000", "5-4000", "999999-", "-5", "-99999999", "0-0,2-3"}) {
    CAPTURE(range);
    const std::string answer = raw_exchange(
        world.console().url(),
        fmt::format("GET /api/v1/healthz HTTP/1.1\r\nHost: localhost\r\nRange: bytes={}\r\n"
                    "Connection: close\r\n\r\n",
                    range));
    const std::size_t head = answer.find("\r\n\r\n");
    REQUIRE(head != std::string::npos);
    if (answer.starts_with("HTTP/1.1 200")) CHECK(answer.substr(head + 4) == whole);
    CHECK(answer.size() < 4'000);
    CHECK(answer.find(" 206 ") == std::string::npos);
  }
}

TEST_CASE("a body whose size nobody knows is refused") {
  ConsoleWorld world;
  const std::string head = "POST /api/v1/rules/check HTTP/1.1\r\nHost: localhost\r\n";
  for (const char* lines : {"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n",
                            "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"}) {
    CAPTURE(lines);
    const std::string answer = raw_exchange(world.console().url(), head + lines);
    CHECK(answer.starts_with("HTTP/1.1 400"));
    CHECK(answer.find("one piece") != std::string::npos);
  }
}

// Connections that each send a byte of a request every 100 ms and never all of it.
class SlowClients {
 public:
  SlowClients(const std::string& url, int count) {
    for (int i = 0; i < count; ++i) {
      const int fd = connected(url);
      const std::string half = "GET /api/v1/alerts HTTP/1.1\r\nHo";
      CHECK(::send(fd, half.data(), half.size(), MSG_NOSIGNAL) > 0);
      sockets_.push_back(fd);
    }
    thread_ = std::thread([this] {
      while (!stop_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        std::size_t gone = 0;
        for (const int fd : sockets_)
          if (::send(fd, "x", 1, MSG_NOSIGNAL) < 0) ++gone;
        gone_ = gone;
      }
    });
  }
  ~SlowClients() {
    stop_ = true;
    thread_.join();
    for (const int fd : sockets_) ::close(fd);
  }
  SlowClients(const SlowClients&) = delete;
  SlowClients& operator=(const SlowClients&) = delete;
  // Whether the console ends `count` of them within 20 s.
  [[nodiscard]] bool lose(std::size_t count) const {
    for (int i = 0; i < 200 && gone_ < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return gone_ >= count;
  }

 private:
  std::vector<int> sockets_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> gone_{0};
};

TEST_CASE("slow clients hold up nobody") {
  ConsoleWorld world;
  const SlowClients slow(world.console().url(), 40);  // more than any small pool would bear
  CHECK(world.get("/alerts").json.number("/total") == 2);
}

TEST_CASE("a request that does not end is ended, and one connection that is used is not") {
  ConsoleWorld world({.watch = {.first_answer = std::chrono::milliseconds(1'000)}});
  httplib::Client used = world.client();
  used.set_keep_alive(true);
  const SlowClients slow(world.console().url(), 3);
  CHECK(used.Get("/api/v1/healthz")->status == 200);
  CHECK(slow.lose(3));
  CHECK(used.Get("/api/v1/healthz")->status == 200);
}

TEST_CASE("as many slow clients as there are threads: they go, and others are answered") {
  ConsoleWorld world(
      {.streams_max = 1,
       .watch = {.waiting_of_address = 8, .crowded = std::chrono::milliseconds(500)}});
  const SlowClients slow(world.console().url(), 200);  // ServerOptions::threads_max is 128
  CHECK(world.get("/alerts").json.number("/total") == 2);
  CHECK(slow.lose(100));
}

TEST_CASE("a body without a length is refused at once") {
  ConsoleWorld world;
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    const std::string answer = raw_exchange(
        world.console().url(),
        std::string(method) + " /api/v1/rules/check HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 411"));
  }
}

}  // namespace tocsin::test
