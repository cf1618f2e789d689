// SPDX-License-Identifier: Apache-2.0
//
// RuleDesk: the rules as their files are now, and as overrides make them; loaded again when a file
// changes, by a thread of its own.
//
//   RuleSources -> RuleDesk -> current() -> /rules, /alerts/{id} (why)
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "app/pipeline/reload/rule_library.h"
#include "base/result.h"
#include "core/sigma/rule_set.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::console {

// One load. Immutable.
struct RuleView {
  std::vector<sigma::Rule> rules;  // with overrides; disabled ones, too
  std::vector<bool> enabled;       // of each
  std::vector<sigma::Diagnostic> diagnostics;
  std::shared_ptr<const sigma::Taxonomy> taxonomy;
  std::unordered_map<std::string, std::size_t> by_id;

  [[nodiscard]] const sigma::Rule* find(const std::string& id) const;
};

// Threads: thread-safe.
class RuleDesk {
 public:
  RuleDesk(pipeline::RuleSources sources, std::vector<std::string> watched);
  ~RuleDesk();
  RuleDesk(const RuleDesk&) = delete;
  RuleDesk& operator=(const RuleDesk&) = delete;

  // The last set that could be loaded; else why there is none. Waits for the first load.
  [[nodiscard]] Result<std::shared_ptr<const RuleView>> current() const;
  // Loads now; for whoever has just changed a file.
  [[nodiscard]] Status reload();

 private:
  void run();

  const pipeline::RuleSources sources_;
  const std::vector<std::string> watched_;
  std::mutex loading_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const RuleView> view_;
  std::optional<Error> trouble_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tocsin::console
