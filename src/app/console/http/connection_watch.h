// SPDX-License-Identifier: Apache-2.0
//
// ConnectionWatch: ends connections that hold a thread and send no request: a head that comes a
// byte at a time ("slow loris"), or a body.
//
//   sockets of this process on the console's port -> how long without an answer -> shutdown()
//
// httplib bounds each read, not the whole request, and hands out no sockets; so they are looked for
// among the process's descriptors, by the inode, which no other socket has while it lives.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/result.h"

namespace tocsin::console {

struct WatchLimits {
  std::chrono::milliseconds first_answer{15'000};  // from accepting to the first answer's begin
  std::chrono::milliseconds next_answer{60'000};   // from an answer to the next; also its sending
  // So many connections of one address may wait for their first request; when there are more, those
  // that wait longer than `crowded` go.
  std::size_t waiting_of_address = 64;
  std::chrono::milliseconds crowded{2'000};
};

// Threads: thread-safe. Owns a thread that looks every half a second.
class ConnectionWatch {
 public:
  using Clock = std::chrono::steady_clock;

  ConnectionWatch(std::uint16_t port, WatchLimits limits);
  ~ConnectionWatch();
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;

  // "ADDRESS PORT" of the other side; between begin() and end() the connection is left alone.
  void begin(const std::string& peer);
  void end(const std::string& peer);

  [[nodiscard]] static std::string peer_of(const std::string& address, int port);

 private:
  struct Connection {
    std::string peer, address;
    Clock::time_point since;
    int descriptor = -1;
  };
  struct Served {
    int answers = 0;  // that are being made or sent
    Clock::time_point last;
  };
  using Inode = std::uint64_t;

  void run();
  void look();
  void find_sockets(std::map<Inode, Connection>& found) const;
  [[nodiscard]] std::set<Inode> overdue(Clock::time_point now);

  const std::uint16_t port_;
  const WatchLimits limits_;
  std::map<Inode, Connection> connections_;  // of the watching thread only

  std::mutex mutex_;
  std::map<std::string, Served> served_;  // by peer
  bool stopping_ = false;
  std::condition_variable stop_;
  std::thread thread_;
};

}  // namespace tocsin::console
