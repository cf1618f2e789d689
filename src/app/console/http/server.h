// SPDX-License-Identifier: Apache-2.0
//
// Server: the socket, HTTP and TLS of the console. What an answer is decides `serve`.
//
//   connection -> httplib -> Call -> serve(call) -> Reply -> bytes, gzip where wanted; or a stream
//
// Every answer carries the security headers. Requests that httplib would read wrongly (a body where
// none belongs) are refused and their connection closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "app/console/http/call.h"
#include "app/console/http/connection_watch.h"
#include "app/console/http/reply.h"
#include "base/result.h"

namespace tocsin::console {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;         // 0: a free one
  std::string tls_cert, tls_key;  // PEM files; empty: plain HTTP
  std::size_t body_bytes_max = 1 << 20;
  std::size_t streams_max = 32;   // server-sent events at the same time
  std::size_t threads_max = 128;  // more than streams_max by what other requests need
  WatchLimits watch;
};

// Threads:   answers in threads of its own; `serve` is called from all of them.
// Ownership: owns socket and threads; they end with it. Streams end within half a second.
class Server {
 public:
  using Serve = std::function<Reply(Call&)>;

  // Listens before it returns. kInvalid: the address or the certificate cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(const ServerOptions& options,
                                                            Serve serve);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t streams() const { return streams_; }
  // From now on streams end; new requests are not taken.
  void stop();

 private:
  Server(ServerOptions options, Serve serve);
  struct Http;
  void set_up();
  void answer(const void* request, void* response);
  void send_stream(Reply reply, const std::string& peer, void* response);

  const ServerOptions options_;
  const Serve serve_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<ConnectionWatch> watch_;
  std::string url_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> streams_{0};
};

}  // namespace tocsin::console
