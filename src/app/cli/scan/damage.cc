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

std::string message_of(const produce::Problem& problem) {
  const std::string& path = problem.origin.path;
  if (path.empty() || problem.message.starts_with(path)) return problem.message;
  return path + ": " + problem.message;
}

// Whoever names a file wants it read; in a folder there may be anything.
bool Damage::is_lost(const produce::Problem& problem) const {
  return !problem.skipped_only ||
         (problem.code == "file.not_a_log" && named_.contains(problem.origin.path));
}

bool Damage::add(const produce::Problem& problem, std::uint64_t count) {
  const bool lost = is_lost(problem);
  if (problem.code == "file.not_a_log" && !lost && !promised_a_log(problem.origin.path)) {
    ++passed_over_;
    return false;
  }
  if (lost) {
    problems_ += count;
    troubled_[problem.origin.path] |= problem.code == "file.unreadable";
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
                   without_name(problem.message, problem.origin.path), count, 0, lost});
  return lost;
}

void Damage::add_events(std::string_view file, std::uint64_t count) {
  const auto found = events_.find(file);
  if (found != events_.end())
    found->second += count;
  else
    events_.emplace(file, count);
}

// From the file itself and, when it is an archive, from its members.
std::uint64_t Damage::events_of(const std::string& file) const {
  const auto own = events_.find(file);
  std::uint64_t count = own == events_.end() ? 0 : own->second;
  const std::string inside = file + '!';
  for (auto at = events_.lower_bound(inside); at != events_.end() && at->first.starts_with(inside);
       ++at)
    count += at->second;
  return count;
}

void Damage::finish_file() {
  for (const auto& [key, at] : index_) rows_[at].events = events_of(rows_[at].file);
  for (const auto& [file, lost] : troubled_) lost_files_ += lost || events_of(file) == 0;
  index_.clear();
  events_.clear();
  troubled_.clear();
}

}  // namespace tocsin::cli::scan
