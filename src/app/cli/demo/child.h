// SPDX-License-Identifier: Apache-2.0
//
// Child: another process of this same program, as the demo runs producers and detectors.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tocsin::cli {

// Ownership: owns the process; one that still runs is told to stop (SIGTERM) and waited for at
// destruction. Threads:   one thread.
class Child {
 public:
  // Runs this program with `arguments`; what it says on stdout and stderr goes to the end of
  // `log_path`.
  [[nodiscard]] static Result<Child> start(const std::vector<std::string>& arguments,
                                           const std::string& log_path);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  // The exit status once it has ended (128 + signal when killed).
  [[nodiscard]] std::optional<int> poll();
  void stop();

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace tocsin::cli
