// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/damage.h"

#include "stages/produce/files/input.h"

namespace tocsin::cli::scan {
namespace {

// Messages begin with the file's name, which has a column of its own.
std::string without_name(std::string_view message, std::string_view file) {
  if (message.starts_with(file)) {
    message.remove_prefix(file.size());
    if (message.starts_with(": ")) message.remove_prefix(2);
    if (message.starts_with(':')) {
      message.remove_prefix(1);
      return "line " + std::string(message);
    }
    if (message.starts_with(' ')) message.remove_prefix(1);
    if (message.starts_with(file)) return without_name(message, file);
  }
  return std::string(message);
}

// By its name, which is worth a word when its content is something else.
bool promised_a_log(std::string_view path) {
  const std::size_t slash = path.find_last_of("/!");
  const std::string_view base = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return produce::has_log_extension(path) && !base.starts_with("._") &&
         path.find("__MACOSX/") == std::string_view::npos;
}

}  // namespace

bool Damage::add(const produce::Problem& problem, std::uint64_t count) {
  if (problem.code == "file.not_a_log" && !promised_a_log(problem.origin.path)) {
    ++passed_over_;
    return false;
  }
  if (!problem.skipped_only) {
    problems_ += count;
    unreadable_ += problem.code == "file.unreadable";
  }
  const std::string key = problem.origin.path + '\n' + problem.code;
  const auto found = index_.find(key);
  if (found != index_.end()) {
    DamageRow& row = rows_[found->second];
    const bool tell = row.count < kToldMax && row.lost;
    row.count += count;
    return tell;
  }
  if (rows_.size() >= kRowsMax) {
    ++more_;
    return false;
  }
  index_.emplace(key, rows_.size());
  rows_.push_back({problem.origin.path, problem.code,
                   without_name(problem.message, problem.origin.path), count, 0,
                   !problem.skipped_only});
  return !problem.skipped_only;
}

void Damage::add_events(std::string_view file, std::uint64_t count) {
  const auto found = events_.find(file);
  if (found != events_.end())
    found->second += count;
  else
    events_.emplace(file, count);
}

void Damage::finish_file() {
  for (const auto& [key, at] : index_) {
    const auto events = events_.find(rows_[at].file);
    if (events != events_.end()) rows_[at].events = events->second;
  }
  index_.clear();
  events_.clear();
}

}  // namespace tocsin::cli::scan
