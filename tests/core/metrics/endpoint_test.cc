// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/endpoint.h"

#include <doctest/doctest.h>
#include <httplib.h>

#include <array>
#include <chrono>
#include <thread>

#include "core/metrics/exposition.h"

using namespace tocsin;
using namespace tocsin::metrics;
using namespace std::chrono_literals;

namespace {

constexpr Family kEvents{"t_events_total", Kind::kCounter, "Events.", {}};
constexpr std::array kAll = {&kEvents};

}  // namespace

TEST_CASE("address: host and port, with loopback for a port alone") {
  struct Case {
    const char* text;
    const char* host;
    int port;  // -1: refused
  };
  for (const auto& [text, host, port] : {
           Case{"127.0.0.1:9464", "127.0.0.1", 9464},
           Case{":0", "127.0.0.1", 0},
           Case{"9464", "127.0.0.1", 9464},
           Case{"[::1]:80", "::1", 80},
           Case{"metrics.example:1", "metrics.example", 1},
           Case{"", "", -1},
           Case{"host", "", -1},
           Case{"host:", "", -1},
           Case{"host:65536", "", -1},
           Case{"host:-1", "", -1},
           Case{"host:80x", "", -1},
           Case{"::1:80", "", -1},
       }) {
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE(address.has_value() == (port >= 0));
    if (!address) continue;
    CHECK(address->host == host);
    CHECK(address->port == port);
  }
}

TEST_CASE("health: a loop that stops, a condition that fails, a check") {
  Health health(50ms);
  Pulse& pulse = health.pulse("worker 1");
  CHECK(health.stalled().empty());  // not watched before its first turn
  pulse.turn();
  CHECK(health.stalled().empty());
  std::this_thread::sleep_for(80ms);
  REQUIRE(health.stalled().size() == 1);
  CHECK(health.stalled()[0].starts_with("worker 1 has not come round"));
  pulse.turn();
  CHECK(health.stalled().empty());
  pulse.rest();
  std::this_thread::sleep_for(80ms);
  CHECK(health.stalled().empty());

  Condition& rules = health.condition("rules are being loaded");
  CHECK(health.unmet() == std::vector<std::string>{"rules are being loaded (for 0 s)"});
  rules.meet();
  CHECK(health.unmet().empty());
  rules.fail("no rules");
  CHECK(health.unmet() == std::vector<std::string>{"no rules (for 0 s)"});
  rules.meet();
  std::string why = "the bus is silent";
  health.check([&why] { return why; });
  CHECK(health.unmet() == std::vector<std::string>{"the bus is silent"});
  why.clear();
  CHECK(health.unmet().empty());
}

TEST_CASE("endpoint: metrics in the format asked for, health and readiness as status codes") {
  Registry registry;
  registry.declare(kAll);
  registry.counter(kEvents).add(7);
  Health health(60s);
  Condition& ready = health.condition("the bus is away");
  auto endpoint = Endpoint::open({"127.0.0.1", 0}, registry, health);
  REQUIRE(endpoint);
  httplib::Client client((*endpoint)->url());

  const auto plain = client.Get("/metrics");
  REQUIRE(plain);
  CHECK(plain->status == 200);
  CHECK(plain->get_header_value("Content-Type") == content_type(Format::kPrometheus));
  CHECK(plain->body.find("\nt_events_total 7\n") != std::string::npos);
  CHECK(plain->body.find("# EOF") == std::string::npos);
  const auto open = client.Get("/metrics", {{"Accept", "application/openmetrics-text"}});
  REQUIRE(open);
  CHECK(open->get_header_value("Content-Type") == content_type(Format::kOpenMetrics));
  CHECK(open->body.ends_with("# EOF\n"));

  CHECK(client.Get("/healthz")->status == 200);
  CHECK(client.Get("/readyz")->status == 503);
  CHECK(client.Get("/readyz")->body == "the bus is away (for 0 s)\n");
  ready.meet();
  CHECK(client.Get("/readyz")->status == 200);
  CHECK(client.Get("/readyz")->body == "ok\n");
  CHECK(client.Get("/nothing")->status == 404);
  CHECK(client.Post("/metrics")->status == 404);
}

TEST_CASE("endpoint: a port that is taken is said, not shared") {
  Registry registry;
  Health health(60s);
  const auto first = Endpoint::open({"127.0.0.1", 0}, registry, health);
  REQUIRE(first);
  const std::string url = (*first)->url();
  const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  const auto second = Endpoint::open({"127.0.0.1", port}, registry, health);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kInvalid);
  CHECK(second.error().message.find("cannot listen on 127.0.0.1:") == 0);
  CHECK(second.error().message.find("in use") != std::string::npos);
  const auto nowhere = Endpoint::open({"no-such-host.invalid", 1}, registry, health);
  CHECK_FALSE(nowhere);
}

TEST_CASE("endpoint: ends at once, whether anybody asked or not") {
  Registry registry;
  Health health(60s);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) {
    const auto endpoint = Endpoint::open({"127.0.0.1", 0}, registry, health);
    REQUIRE(endpoint);
  }
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}
