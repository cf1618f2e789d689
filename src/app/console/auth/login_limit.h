// SPDX-License-Identifier: Apache-2.0
//
// LoginLimit: how often somebody may guess. Failures are counted by address and by user name, and
// forgotten after a minute.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace tocsin::console {

// Threads: thread-safe. Memory: `kKeysMax` keys; when more guess at once, everybody waits.
class LoginLimit {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kFailuresMax = 5;  // within kWindow
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::size_t kKeysMax = 10'000;

  // False: not now. True counts as a failure until succeeded() says otherwise, which also forgets
  // the user's earlier ones, but not those of the address.
  [[nodiscard]] bool admit(const std::string& address, const std::string& user);
  void succeeded(const std::string& address, const std::string& user);

 private:
  struct Count {
    int failures = 0;
    Clock::time_point first;
  };
  std::mutex mutex_;
  std::map<std::string, Count> counts_;
};

}  // namespace tocsin::console
