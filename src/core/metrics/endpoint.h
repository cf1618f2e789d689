// SPDX-License-Identifier: Apache-2.0
//
// Endpoint: the HTTP server that a Prometheus scrapes and an orchestrator asks.
//
//   GET /metrics -> Registry::scrape() as text
//   GET /healthz -> 200, or 503 and the loops that are stalled
//   GET /readyz  -> 200, or 503 and what is waited for
//
// Plain HTTP without a login, as exporters are: what it tells are numbers and names of topics,
// sinks and rules' levels, nothing of events but the trace ids of exemplars. Bind it to loopback or
// to a network of one's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/metrics/health.h"
#include "core/metrics/registry.h"

namespace tocsin::metrics {

struct Address {
  std::string host;  // an IP address or a name; IPv6 without brackets
  std::uint16_t port = 0;
};

// "HOST:PORT", "[IPV6]:PORT", or ":PORT" and "PORT" for loopback.
[[nodiscard]] Result<Address> parse_address(std::string_view text);

// Ownership: borrows registry and health, which must outlive it.
// Threads:   answers in threads of its own, a few at a time; a slow client is cut off.
class Endpoint {
 public:
  // Listens before it returns. Port 0: a free one is taken, see url(). kInvalid: the address cannot
  // be used.
  [[nodiscard]] static Result<std::unique_ptr<Endpoint>> open(const Address& address,
                                                              const Registry& registry,
                                                              const Health& health);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // "http://127.0.0.1:9464"
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  Endpoint();
  struct Server;
  std::unique_ptr<Server> server_;
  std::string url_;
};

}  // namespace tocsin::metrics
