// SPDX-License-Identifier: Apache-2.0
//
// Sessions: who has logged in, by the digest of the token in the cookie. Lost at a restart.
//
//   login -> open() -> token for the cookie -> find() at each request -> close()
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "app/console/http/call.h"

namespace tocsin::console {

// Threads: thread-safe. Memory: `kSessionsMax` sessions; then the one not used for longest goes.
class Sessions {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kSessionsMax = 1'000;
  static constexpr std::chrono::hours kIdle{2};
  static constexpr std::chrono::hours kLongest{12};

  // The token; kept here is its digest only.
  [[nodiscard]] std::string open(const std::string& user, Role role);
  [[nodiscard]] std::optional<Identity> find(std::string_view token);
  void close(const std::string& key);

 private:
  struct Session {
    Identity identity;
    Clock::time_point began, used;
  };
  std::mutex mutex_;
  std::map<std::string, Session> sessions_;
};

}  // namespace tocsin::console
