// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/endpoint.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/metrics/exposition.h"

namespace tocsin::metrics {
namespace {

// Two scrapers, two probes, and somebody with a browser.
constexpr std::size_t kThreads = 4;
constexpr std::size_t kRequestBytesMax = 4'096;
constexpr int kSecondsMax = 5;

void answer_lines(httplib::Response& response, const std::vector<std::string>& troubles) {
  std::string text;
  for (const std::string& line : troubles) text += line + "\n";
  response.status = troubles.empty() ? 200 : 503;
  response.set_content(troubles.empty() ? "ok\n" : text, "text/plain; charset=utf-8");
}

}  // namespace

struct Endpoint::Server {
  httplib::Server http;
  std::thread thread;
};

Endpoint::Endpoint() : server_(std::make_unique<Server>()) {}

Endpoint::~Endpoint() {
  server_->http.stop();
  if (server_->thread.joinable()) server_->thread.join();
}

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}': an IPv6 address stands in brackets, [::1]:9464", text));
  }
  Address address{std::string(host.empty() ? "127.0.0.1" : host), 0};
  const auto [end, error] = std::from_chars(port.begin(), port.end(), address.port);
  if (port.empty() || error != std::errc() || end != port.end())
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is no address: HOST:PORT or PORT is wanted", text));
  return address;
}

Result<std::unique_ptr<Endpoint>> Endpoint::open(const Address& address, const Registry& registry,
                                                 const Health& health) {
  std::unique_ptr<Endpoint> endpoint(new Endpoint);
  httplib::Server& http = endpoint->server_->http;
  http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  http.set_read_timeout(kSecondsMax);
  http.set_write_timeout(kSecondsMax);
  http.set_keep_alive_timeout(1);
  http.set_payload_max_length(kRequestBytesMax);
  // The library's own choice, SO_REUSEPORT, would let two stages share a port and its scrapes.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  http.Get("/metrics", [&registry](const httplib::Request& request, httplib::Response& response) {
    const Format format = format_wanted(request.get_header_value("Accept"));
    response.set_content(to_text(registry.scrape(), format), std::string(content_type(format)));
  });
  http.Get("/healthz", [&health](const httplib::Request&, httplib::Response& response) {
    answer_lines(response, health.stalled());
  });
  http.Get("/readyz", [&health](const httplib::Request&, httplib::Response& response) {
    answer_lines(response, health.unmet());
  });
  http.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("/metrics /healthz /readyz\n", "text/plain; charset=utf-8");
  });

  errno = 0;
  int port = address.port;
  if (port == 0)
    port = http.bind_to_any_port(address.host);
  else if (!http.bind_to_port(address.host, port))
    port = -1;
  const bool ipv6 = address.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + address.host + "]" : address.host;
  if (port < 0)
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot listen on {}:{}: {}", host, address.port,
                            errno != 0 ? std::strerror(errno) : "no such address"));
  endpoint->url_ = fmt::format("http://{}:{}", host, port);
  endpoint->server_->thread = std::thread([&http] { http.listen_after_bind(); });
  // stop() does nothing before the loop runs. Callers may connect from here on: the port is open.
  while (!http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return endpoint;
}

}  // namespace tocsin::metrics
