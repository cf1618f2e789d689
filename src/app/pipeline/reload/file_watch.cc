// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/reload/file_watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

namespace tocsin::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |
                                  IN_MOVE_SELF;
constexpr int kDepthMax = 64;  // below a root: a loop of links ends

void mix(std::uint64_t& hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 12) + (hash >> 4);
  hash *= 0xff51afd7ed558ccdu;
  hash ^= hash >> 33;
}

void add_file(std::uint64_t& sum, const std::string& path, const struct stat& s) {
  std::uint64_t hash = std::hash<std::string>{}(path);
  mix(hash, s.st_mode);
  mix(hash, s.st_ino);
  mix(hash, static_cast<std::uint64_t>(s.st_size));
  mix(hash, static_cast<std::uint64_t>(s.st_mtim.tv_sec));
  mix(hash, static_cast<std::uint64_t>(s.st_mtim.tv_nsec));
  sum += hash;  // the order in which a folder lists its files must not matter
}

// Calls take(path, is_folder, stat) for the path and all below it. Hidden folders are left out, as
// the loader leaves them out.
template <class Take>
void walk(const std::string& path, int depth, const Take& take) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return;
  const bool folder = S_ISDIR(status.st_mode);
  take(path, folder, status);
  if (!folder || depth >= kDepthMax) return;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    const bool link_to_folder = it->is_symlink(ignored) && it->is_directory(ignored);
    if (link_to_folder || (name.starts_with('.') && it->is_directory(ignored))) continue;
    walk(it->path().string(), depth + 1, take);
  }
}

std::string parent_of(const std::string& path) {
  fs::path p(path);
  if (!p.has_filename()) p = p.parent_path();
  const fs::path parent = p.parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace

std::uint64_t fingerprint_of(const std::vector<std::string>& paths) {
  std::uint64_t sum = 0;
  for (const std::string& path : paths) {
    walk(path, 0, [&](const std::string& found, bool folder, const struct stat& status) {
      // A folder's own time changes with files that are none of ours (an editor's backups).
      if (!folder) add_file(sum, found, status);
      if (folder) sum += std::hash<std::string>{}(found) | 1;
    });
    mix(sum, 1);
  }
  return sum;
}

FileWatch::FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)) {
  inotify_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_ < 0) trouble_ = fmt::format("inotify: {}", std::strerror(errno));
  watch_all();
  fingerprint_ = fingerprint_of(paths_);
  next_look_ = Clock::now() + (trouble_.empty() ? kLookSeldom : kLookEvery);
}

FileWatch::~FileWatch() {
  if (inotify_ >= 0) close(inotify_);
}

void FileWatch::watch(const std::string& folder) {
  if (inotify_ < 0) return;
  if (++watches_ > kWatchesMax) {
    trouble_ = fmt::format("more than {} folders", kWatchesMax);
    return;
  }
  if (inotify_add_watch(inotify_, folder.c_str(), kEvents) >= 0 || errno == ENOENT) return;
  trouble_ = errno == ENOSPC
                 ? "inotify: too many watches (see /proc/sys/fs/inotify/max_user_watches)"
                 : fmt::format("inotify: {}: {}", folder, std::strerror(errno));
}

// All folders below the paths, and the parents of the paths: a file or folder that is replaced as a
// whole is seen there. To watch a folder again costs nothing.
void FileWatch::watch_all() {
  watches_ = 0;
  for (const std::string& path : paths_) {
    watch(parent_of(path));
    walk(path, 0, [&](const std::string& found, bool folder, const struct stat&) {
      if (folder) watch(found);
    });
  }
}

// Whether anything was reported. What it was does not matter.
bool FileWatch::read_events() {
  alignas(inotify_event) std::array<char, 16'384> buffer;
  bool any = false;
  while (inotify_ >= 0 && read(inotify_, buffer.data(), buffer.size()) > 0) any = true;
  return any;
}

bool FileWatch::look(Clock::time_point now) {
  pending_ = false;
  watch_all();  // new folders
  next_look_ = now + (trouble_.empty() ? kLookSeldom : kLookEvery);
  const std::uint64_t found = fingerprint_of(paths_);
  if (found == fingerprint_) return false;
  fingerprint_ = found;
  return true;
}

bool FileWatch::changed(Milliseconds patience) {
  const auto end = Clock::now() + patience;
  for (;;) {
    auto now = Clock::now();
    if (read_events()) {
      if (!std::exchange(pending_, true)) first_event_ = now;
      last_event_ = now;
    }
    const auto due =
        pending_ ? std::min(last_event_ + kQuiet, first_event_ + kLongest) : next_look_;
    if (now >= due) {
      if (look(now)) return true;
      continue;
    }
    if (now >= end) return false;
    const auto wait = std::chrono::ceil<Milliseconds>(std::min(due, end) - now);
    pollfd ready{inotify_, POLLIN, 0};
    if (pending_ || inotify_ < 0)
      std::this_thread::sleep_for(std::min(wait, Milliseconds(50)));
    else
      poll(&ready, 1, static_cast<int>(wait.count()));
  }
}

}  // namespace tocsin::pipeline
