// SPDX-License-Identifier: Apache-2.0
//
// FileWatch: notices that the files below some paths are other ones than before.
//
//   inotify events, else a look every few seconds -> quiet for a moment? -> fingerprint differs? ->
//   changed
//
// An editor writes a file in several steps, a checkout changes hundreds: a change is told once,
// when nothing has happened for a moment. What inotify says is only a reason to look; whether
// something changed is decided by the files themselves, so links, renamed folders and folders that
// vanish for a moment need no case of their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::pipeline {

// Names, sizes, times and inodes of all files below the paths; links are followed. Missing paths
// count as such.
[[nodiscard]] std::uint64_t fingerprint_of(const std::vector<std::string>& paths);

// Threads: one thread.
class FileWatch {
 public:
  using Milliseconds = std::chrono::milliseconds;

  static constexpr Milliseconds kQuiet{300};        // no event for so long: at rest
  static constexpr Milliseconds kLongest{3'000};    // but never wait longer than this
  static constexpr Milliseconds kLookEvery{2'000};  // without inotify
  // With inotify: for what it does not see (network file systems, targets of links).
  static constexpr Milliseconds kLookSeldom{30'000};
  static constexpr std::size_t kWatchesMax = 20'000;  // folders

  // `paths`: files and folders, which need not exist.
  explicit FileWatch(std::vector<std::string> paths);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // True: the files changed since the last true (or the construction) and are at rest. Returns
  // after `patience` at the latest.
  [[nodiscard]] bool changed(Milliseconds patience);

  // Why inotify does not serve; empty: it does.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  using Clock = std::chrono::steady_clock;

  void watch_all();
  void watch(const std::string& folder);
  bool read_events();
  bool look(Clock::time_point now);

  std::vector<std::string> paths_;
  std::string trouble_;
  int inotify_ = -1;
  std::size_t watches_ = 0;
  std::uint64_t fingerprint_ = 0;
  Clock::time_point next_look_;
  Clock::time_point first_event_, last_event_;
  bool pending_ = false;  // events came that were not looked into yet
};

}  // namespace tocsin::pipeline
