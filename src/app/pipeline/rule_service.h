// SPDX-License-Identifier: Apache-2.0
//
// RuleService: keeps the rules of a running detector up to date.
//
//   files changed, or asked to -> RuleLibrary::load() -> RuleSwitch::publish() -> log lines
//
// It runs in a thread of its own, which yields to those that match.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/reload/file_watch.h"
#include "app/pipeline/reload/rule_library.h"
#include "app/pipeline/rule_switch.h"

namespace tocsin::pipeline {

struct RuleServiceOptions {
  std::vector<std::string> watched;  // files and folders; empty: only when asked
  std::function<bool()> asked;       // true once for each request to reload; may be empty
  // What became of each reload: null when it failed. May be empty.
  std::function<void(const RuleChanges*)> on_reload;
};

// Ownership: borrows the library and the switch.
// Threads:   one thread calls turn().
class RuleService {
 public:
  RuleService(RuleLibrary& library, RuleSwitch& rules, RuleServiceOptions options);

  // Waits up to `patience` for a reason to reload, and does it.
  void turn(FileWatch::Milliseconds patience);

  [[nodiscard]] std::uint64_t reloads() const { return reloads_; }

 private:
  void reload(const char* reason);
  void tell_pause();

  RuleLibrary& library_;
  RuleSwitch& rules_;
  RuleServiceOptions options_;
  std::unique_ptr<FileWatch> watch_;
  std::string told_trouble_;
  std::uint64_t reloads_ = 0;
  bool handing_over_ = false;  // published, and not every worker has taken it
};

// The calling thread gives way to all others of the process.
void yield_to_matching();

}  // namespace tocsin::pipeline
