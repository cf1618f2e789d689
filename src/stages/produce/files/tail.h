// SPDX-License-Identifier: Apache-2.0
//
// Tail: one followed file, from its first byte on, by its inode whatever its name becomes.
//
//   file descriptor -> Tail -> events as lines become whole
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "stages/produce/files/files.h"
#include "stages/produce/files/input.h"
#include "stages/produce/files/line_source.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

// Ownership: owns its file.
// Threads:   one thread.
class Tail {
 public:
  using Clock = std::chrono::steady_clock;

  Tail(std::string path, bool given, FilesOptions options)
      : path_(std::move(path)), given_(given), options_(options) {}

  // kIdle: nothing now. kEnd: done with this file.
  [[nodiscard]] Next next(RawEvent& event, Problem& problem);

  // Whether `info` is the file that this tail reads.
  [[nodiscard]] bool reads(const struct stat& info) const {
    return info.st_ino == file_.st_ino && info.st_dev == file_.st_dev;
  }
  // The file is shorter than what was read of it.
  [[nodiscard]] bool truncated() const;
  // What was read of a line that will never be whole, as a problem.
  [[nodiscard]] std::optional<Problem> lost_half_line() const;

  // The name now belongs to another file, or to none: read on while its writer may still hold it.
  void retire(bool retired) { retired_ = retired; }
  [[nodiscard]] std::uint64_t bytes_done() const {
    return source_ ? source_->progress().bytes_done : 0;
  }

 private:
  enum class Ready : std::uint8_t { kYes, kNo, kNever };

  [[nodiscard]] Ready open(Problem& problem);
  [[nodiscard]] bool settled() const;

  const std::string path_;
  const bool given_;
  const FilesOptions options_;
  struct stat file_{};
  int descriptor_ = -1;               // owned by bytes_ or source_
  std::optional<InputBuffer> bytes_;  // a pipe whose kind is not known yet
  std::unique_ptr<Source> source_;
  LineSource* lines_ = nullptr;  // source_, when it reads lines
  bool retired_ = false;
  bool done_ = false;
  bool told_ = false;  // `problem` was filled by open()
  Clock::time_point active_ = Clock::now();
};

}  // namespace tocsin::produce
