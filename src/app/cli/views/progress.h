// SPDX-License-Identifier: Apache-2.0
//
// Progress: how far a long command is, on stderr: a bar that redraws itself on a terminal, a line
// now and then elsewhere, nothing with --quiet. (tidy: utf-8)
//
//   figures of a running stage -> Progress -> "reading  ▕████████      ▏ 61%  120,443 events  ..."
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "app/cli/tables.h"

namespace tocsin::cli {

struct ProgressState {
  std::string label;        // what is going on: "producing"
  std::uint64_t done = 0;   // of the total, in any unit (bytes, events)
  std::uint64_t total = 0;  // 0: unknown, then there is no bar
  std::uint64_t events = 0;
  double events_per_second = 0;
  std::uint64_t problems = 0;
  std::string note;  // anything else, shown last: "lag 12,000"
};

// One line without a line end, at most style.width columns.
[[nodiscard]] std::string render_progress(const ProgressState& state,
                                          std::chrono::duration<double> elapsed,
                                          const Style& style);

// Threads: one thread.
class Progress {
 public:
  explicit Progress(bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // Draws when it is time to; cheap otherwise.
  void update(const ProgressState& state);
  // Takes the bar away, so that other text can be printed.
  void clear();
  [[nodiscard]] bool on_terminal() const { return terminal_; }

 private:
  using Clock = std::chrono::steady_clock;

  const bool quiet_;
  const bool terminal_;
  const Style style_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_ = started_;
  bool visible_ = false;
};

}  // namespace tocsin::cli
