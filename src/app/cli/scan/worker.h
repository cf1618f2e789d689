// SPDX-License-Identifier: Apache-2.0
//
// Worker: one thread of a scan: takes parts of the input, matches their events, hands on what it
// found.
//
//   PartPlan -> Part -> PartReader -> Classifier -> alerts that the Filter keeps -> Chunk ->
//   InOrder
//
// An event without alerts costs its reading and matching, nothing more: no id, no row, no string.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "app/cli/scan/filter.h"
#include "app/cli/scan/in_order.h"
#include "app/pipeline/classifier.h"
#include "stages/produce/files/parts.h"

namespace tocsin::cli::scan {

enum class Output : std::uint8_t { kNone, kAlerts, kVerdicts, kTimelineCsv, kTimelineJson };

// What all workers share. Immutable but for its atomics.
struct WorkerContext {
  produce::PartPlan& plan;
  InOrder& in_order;
  const Filter& filter;
  std::shared_ptr<const match::Engine> engine;
  const sigma::Taxonomy& taxonomy;
  Output output = Output::kNone;
  bool all_verdicts = false;
  bool sorted_output = false;  // the output is the first of the timelines
  std::vector<Output> timelines = {};
  bool report = false;
  bool kind_given = false;  // what events of no known kind are
  UnixNanos now = 0;        // of the scan

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> bytes{0}, events{0}, alerts{0}, problems{0};
};

// Threads: one thread.
class Worker {
 public:
  explicit Worker(WorkerContext& shared);
  // Until there is no part left or shared.stop.
  void run();

 private:
  void read_part(const produce::Part& part);
  void take(const produce::EventView& event);
  [[nodiscard]] Status take_value(const produce::EventView& event);
  void keep(const produce::EventView& event);
  void drop_filtered();
  void give_ids(const produce::EventView& event, std::uint64_t line);
  void write();
  void note(produce::Problem&& problem);
  void note_unreadable(const produce::EventView& event, const Error& error);
  void count_event(std::string_view path);
  void tell_progress();
  void hand_on(bool ends_file);

  WorkerContext& shared_;
  produce::PartReader reader_;
  pipeline::Classifier classifier_;
  pipeline::Classification result_;
  std::int32_t place_in_line_ = 0;  // of several events of one line: 1, 2, ...
  std::size_t part_ = 0;
  Chunk chunk_;
  std::size_t since_told_ = 0;
  std::uint64_t told_alerts_ = 0;
};

}  // namespace tocsin::cli::scan
