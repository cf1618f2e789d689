// SPDX-License-Identifier: Apache-2.0
//
// InOrder: what threads found in the parts of the input, put back into the order of the input.
//
//   Chunk of part 3, of part 1, ... -> InOrder -> sink(chunks of part 0), sink(of part 1), ...
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/scan/findings.h"
#include "app/cli/scan/sorted_rows.h"
#include "core/event/verdict.h"
#include "stages/produce/source.h"

namespace tocsin::cli::scan {

// What came of a stretch of one part.
struct Chunk {
  struct Trouble {
    produce::Problem problem;
    std::uint64_t count = 1;  // of its file and kind in a row; only the first ones are described
  };
  std::string text;                 // of the output, ready to write
  std::vector<RowBatch> timelines;  // one for each --timeline
  std::vector<Alert> report_rows;   // with --html
  Findings findings;
  std::vector<Trouble> troubles;
  std::vector<std::pair<std::string, std::uint64_t>> events_of_files;
  bool ends_file = false;

  // Roughly, of memory.
  [[nodiscard]] std::size_t bytes() const;
};

// Threads: thread-safe; the sink is called by one thread at a time, in order.
// When full: a part that is not the next in turn waits in push(); the one whose turn it is never
// does.
class InOrder {
 public:
  InOrder(std::function<void(Chunk&)> sink, std::size_t bytes_max)
      : sink_(std::move(sink)), bytes_max_(bytes_max) {}

  void push(std::size_t part, Chunk&& chunk);
  // Every part that was taken must be finished, in whatever order.
  void finish(std::size_t part);
  // Nobody waits any more.
  void stop_waiting();
  // While no sink runs.
  void locked(const std::function<void()>& body);

 private:
  struct Waiting {
    std::vector<Chunk> chunks;
    bool finished = false;
  };
  void hand_over(Waiting& waiting);

  const std::function<void(Chunk&)> sink_;
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::size_t turn_ = 0;
  std::size_t bytes_ = 0;  // of what waits
  bool stopping_ = false;
  std::map<std::size_t, Waiting> waiting_;
};

}  // namespace tocsin::cli::scan
