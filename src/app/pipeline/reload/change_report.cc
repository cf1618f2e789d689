// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/reload/change_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace tocsin::pipeline {
namespace {

std::size_t count_of(const RuleChanges& changes, ChangeKind kind) {
  return static_cast<std::size_t>(
      std::count_if(changes.changes.begin(), changes.changes.end(),
                    [kind](const RuleChange& change) { return change.kind == kind; }));
}

std::string line_of(const RuleChange& change) {
  const char* what = "";
  switch (change.kind) {
    case ChangeKind::kAdded:
      what = "added";
      break;
    case ChangeKind::kChanged:
      what = "changed";
      break;
    case ChangeKind::kRemoved:
      what = "removed";
      break;
    case ChangeKind::kDisabled:
      what = "disabled by an override";
      break;
    case ChangeKind::kKept:
      what = "its file is broken, the last good version stays";
      break;
  }
  return fmt::format("rule {} '{}': {}{} ({})", change.id, change.title, what,
                     change.tuning.empty() ? "" : "; overrides: " + change.tuning, change.path);
}

}  // namespace

std::string summary_of(const RuleChanges& changes) {
  std::string out = fmt::format("{} in force", changes.in_force);
  const std::pair<const char*, std::size_t> parts[] = {
      {"added", count_of(changes, ChangeKind::kAdded)},
      {"changed", count_of(changes, ChangeKind::kChanged)},
      {"removed", count_of(changes, ChangeKind::kRemoved)},
      {"broken and kept as they were", changes.kept},
      {"rejected", changes.rejected},
      {"disabled by overrides", changes.disabled},
      {"changed by overrides", changes.tuned}};
  std::string list;
  for (const auto& [name, count] : parts)
    if (count != 0) list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, name);
  return list.empty() ? out : fmt::format("{} ({})", out, list);
}

void log_changes(const RuleChanges& changes) {
  for (std::size_t i = 0; i < changes.new_problems.size(); ++i) {
    const std::string text = to_text(changes.new_problems[i]);
    i < kNamedMax ? log_warning("{}", text) : log_debug("{}", text);
  }
  if (changes.new_problems.size() > kNamedMax)
    log_warning("and {} more problems of rules; `tocsin rules check` lists all",
                changes.new_problems.size() - kNamedMax);
  std::size_t of_kind = 0;
  for (std::size_t i = 0; i < changes.changes.size(); ++i) {
    const RuleChange& change = changes.changes[i];
    of_kind = i > 0 && changes.changes[i - 1].kind == change.kind ? of_kind + 1 : 1;
    const LogLevel usual = change.kind == ChangeKind::kKept ? LogLevel::kWarning : LogLevel::kInfo;
    const LogLevel level = of_kind <= kNamedMax ? usual : LogLevel::kDebug;
    if (log_enabled(level)) log_line(level, line_of(change));
  }
}

}  // namespace tocsin::pipeline
