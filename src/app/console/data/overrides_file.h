// SPDX-License-Identifier: Apache-2.0
//
// OverridesFile: the part of an overrides file (docs/tuning.md) that the console writes. It is the
// last document of the file, behind a line of its own; what a person wrote above it is never
// touched.
//
//   change(rule, enabled?, level?) -> FILE, whole or not at all -> detect takes it over
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/event/level.h"

namespace tocsin::console {

struct RuleChange {
  std::optional<bool> enabled;
  std::optional<Level> level;
  std::string comment;
};

// Threads: thread-safe within a process; of two processes the later wins.
class OverridesFile {
 public:
  explicit OverridesFile(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  // Adds to what was said of the rule before. The result is read back before it replaces the file:
  // kInvalid when a person's part of it is wrong.
  [[nodiscard]] Status change(const std::string& rule_id, const RuleChange& change);

 private:
  const std::string path_;
  std::mutex mutex_;
};

// Writes a file as a whole: a reader sees the old one or the new one. Makes its folder.
[[nodiscard]] Status replace_file(const std::string& path, const std::string& text);

}  // namespace tocsin::console
