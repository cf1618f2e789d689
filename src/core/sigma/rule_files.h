// SPDX-License-Identifier: Apache-2.0
//
// Rule files: which files below a path are rules, and their text.
//
//   paths -> files in a stable order, each once, however many links lead to it
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tocsin::sigma {

struct RuleFiles {
  std::vector<std::string> files;
  std::vector<Error> unreadable;  // folders that could not be listed
};

// *.yml and *.yaml in letters of any case, but not *.test.yml (test cases).
[[nodiscard]] bool is_rule_file(std::string_view name);

// Walks folders; hidden ones are left out, links are followed, circles end.
// Threads: one thread.
class RuleFileFinder {
 public:
  // Files below `root` that were not found before. A root that is not there is an error.
  [[nodiscard]] Result<RuleFiles> find(const std::string& root);

 private:
  using Inode = std::pair<unsigned long, unsigned long>;
  bool is_new(const std::string& path);
  void walk(const std::string& folder, int depth, RuleFiles& out);
  std::set<Inode> seen_;
};

// The whole file, unless it has more than `bytes_max`.
[[nodiscard]] Result<std::string> read_rule_file(const std::string& path, std::size_t bytes_max);

}  // namespace tocsin::sigma
