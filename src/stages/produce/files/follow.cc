// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/follow.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "stages/produce/files/folder.h"
#include "stages/produce/files/tail.h"

namespace tocsin::produce {
namespace {

using namespace std::chrono_literals;

constexpr Tail::Clock::duration kLookPause = 200ms;
constexpr Tail::Clock::duration kLookEvery = 1s;

// Tells that something happened in a watched folder; what, is found out by looking.
class Wakener {
 public:
  Wakener() : descriptor_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
  Wakener(const Wakener&) = delete;
  Wakener& operator=(const Wakener&) = delete;
  ~Wakener() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void watch(const std::string& folder) {
    if (descriptor_ < 0 || !watched_.insert(folder).second) return;
    constexpr std::uint32_t kWhat =
        IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE;
    ::inotify_add_watch(descriptor_, folder.c_str(), kWhat);
  }

  [[nodiscard]] bool woken() {
    if (descriptor_ < 0) return false;
    alignas(inotify_event) std::array<char, 16384> events;
    bool any = false;
    while (::read(descriptor_, events.data(), events.size()) > 0) any = true;
    return any;
  }

 private:
  const int descriptor_;
  std::set<std::string> watched_;
};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class FollowSource final : public Source {
 public:
  FollowSource(std::vector<std::string> roots, FilesOptions options)
      : roots_(std::move(roots)), options_(options) {}

  Next next(RawEvent& event, Problem& problem) override {
    for (;;) {
      if (!problems_.empty()) {
        problem = std::move(problems_.front());
        problems_.pop_front();
        return Next::kProblem;
      }
      if (!awake_) {
        wake();
        if (!awake_) return Next::kIdle;
        continue;
      }
      if (const Next what = read_tails(event, problem); what != Next::kIdle) return what;
      awake_ = false;
    }
  }

  SourceProgress progress() const override {
    SourceProgress sum;
    for (const auto& tail : retired_) sum.bytes_done += tail->bytes_done();
    for (const auto& [path, tail] : tails_) sum.bytes_done += tail->bytes_done();
    return sum;
  }

 private:
  // What the retired files still hold comes before what their successors have.
  Next read_tails(RawEvent& event, Problem& problem) {
    for (auto it = retired_.begin(); it != retired_.end();) {
      const Next what = (*it)->next(event, problem);
      if (what == Next::kEvent || what == Next::kProblem) return what;
      it = what == Next::kEnd ? retired_.erase(it) : std::next(it);
    }
    // The file that last gave an event goes on, so that busy files are read in long runs; then the
    // others.
    auto it = tails_.lower_bound(current_);
    for (std::size_t tried = 0; tried < tails_.size(); ++tried) {
      if (it == tails_.end()) it = tails_.begin();
      const Next what = it->second->next(event, problem);
      if (what == Next::kEvent || what == Next::kProblem) {
        current_ = it->first;
        return what;
      }
      ++it;
    }
    return Next::kIdle;
  }

  // Reading a growing file needs a sign of life; looking for new and rotated ones is dearer, and
  // rarer.
  void wake() {
    if (wakener_.woken()) awake_ = look_wanted_ = true;
    const auto since = Tail::Clock::now() - looked_;
    if (since < (look_wanted_ ? kLookPause : kLookEvery)) return;
    look();
    awake_ = true;
  }

  void look() {
    looked_ = Tail::Clock::now();
    look_wanted_ = false;
    std::set<std::string> seen;
    for (const std::string& root : roots_) {
      std::vector<FoundFile> files;
      find_files(root, files);
      struct stat info{};
      const bool is_folder = ::stat(root.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
      if (root != "-") wakener_.watch(is_folder ? root : folder_of(root));
      for (const FoundFile& file : files) {
        if (!file.error.empty() && (file.given || ::access(file.path.c_str(), F_OK) != 0)) {
          if (file.given && missing_.insert(file.path).second)
            log_info("{}: {}; waiting for it", file.path, file.error);
          continue;
        }
        seen.insert(file.path);
        ensure(file);
        if (root != "-") wakener_.watch(folder_of(file.path));
      }
    }
    for (auto it = tails_.begin(); it != tails_.end();)
      it = seen.contains(it->first) ? std::next(it) : retire(it);
  }

  void ensure(const FoundFile& file) {
    const auto found = tails_.find(file.path);
    struct stat info{};
    if (file.path != "-" && ::stat(file.path.c_str(), &info) != 0) return;
    if (found != tails_.end()) {
      if (file.path == "-") return;
      if (found->second->reads(info)) {
        if (found->second->truncated()) restart(found->second, file);
        return;
      }
      if (!found->second->reads({})) {  // has a file of its own: the name went to another
        retire(found);
      } else {
        return;
      }
    }
    if (file.path != "-" && (is_renamed(file.path, info) || is_packed_copy(file.path))) return;
    tails_.emplace(file.path, std::make_unique<Tail>(file.path, file.given, options_));
  }

  void restart(std::unique_ptr<Tail>& tail, const FoundFile& file) {
    if (auto lost = tail->lost_half_line()) problems_.push_back(std::move(*lost));
    log_info("{}: truncated; reading it from the start", file.path);
    tail = std::make_unique<Tail>(file.path, file.given, options_);
  }

  std::map<std::string, std::unique_ptr<Tail>>::iterator retire(
      std::map<std::string, std::unique_ptr<Tail>>::iterator it) {
    it->second->retire(true);
    retired_.push_back(std::move(it->second));
    return tails_.erase(it);
  }

  // A file that was read under its earlier name goes on under the new one.
  [[nodiscard]] bool is_renamed(const std::string& path, const struct stat& info) {
    for (auto it = tails_.begin(); it != tails_.end(); ++it) {
      if (!it->second->reads(info)) continue;
      struct stat at_old_name{};
      if (::stat(it->first.c_str(), &at_old_name) == 0 && it->second->reads(at_old_name))
        return true;  // two names of one file: read once
      adopt(path, std::move(it->second));
      tails_.erase(it);
      return true;
    }
    for (auto it = retired_.begin(); it != retired_.end(); ++it) {
      if (!(*it)->reads(info)) continue;
      adopt(path, std::move(*it));
      retired_.erase(it);
      return true;
    }
    return false;
  }

  void adopt(const std::string& path, std::unique_ptr<Tail> tail) {
    tail->retire(false);
    tails_.emplace(path, std::move(tail));
    current_ = path;  // its rest comes before what its successor has
  }

  [[nodiscard]] bool is_packed_copy(const std::string& path) const {
    const bool packed = path.ends_with(".gz") || path.ends_with(".zst") || path.ends_with(".xz") ||
                        path.ends_with(".bz2");
    return packed && std::any_of(tails_.begin(), tails_.end(),
                                 [&](const auto& entry) { return path.starts_with(entry.first); });
  }

  const std::vector<std::string> roots_;
  const FilesOptions options_;
  Wakener wakener_;
  std::map<std::string, std::unique_ptr<Tail>> tails_;  // by name
  std::deque<std::unique_ptr<Tail>> retired_;
  std::string current_;
  std::deque<Problem> problems_;
  std::set<std::string> missing_;  // told already
  bool awake_ = false;             // some file may have something
  bool look_wanted_ = false;       // something happened in a watched folder
  Tail::Clock::time_point looked_{};
};

}  // namespace

std::unique_ptr<Source> open_follow(std::vector<std::string> paths, FilesOptions options) {
  options.follow = true;
  return std::make_unique<FollowSource>(std::move(paths), options);
}

}  // namespace tocsin::produce
