// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/outputs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/cli/scan/timeline.h"
#include "app/cli/scan/worker.h"
#include "core/event/verdict.h"

namespace tocsin::cli::scan {
namespace {

bool is_timeline(const std::string& format) { return format.starts_with("timeline"); }

std::string heading(std::string_view columns) { return std::string(columns) + "\r\n"; }

}  // namespace

Status Outputs::open_sink(const std::string& path, Sink& sink) {
  sink.path = path;
  sink.file = stdout;
  if (path.empty() || path == "-") {
    sink.path = "stdout";
    return {};
  }
  sink.owned.reset(std::fopen(path.c_str(), "wb"));
  if (!sink.owned)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  sink.file = sink.owned.get();
  return {};
}

Status Outputs::open() {
  const bool by_time = options_.sort == "time";
  TOCSIN_TRY_STATUS(open_sink(options_.output, output_));
  for (const std::string& path : options_.timelines) {
    Sink& sink = timelines_.emplace_back();
    TOCSIN_TRY_STATUS(open_sink(path, sink));
    sink.json = path.ends_with(".jsonl") || path.ends_with(".ndjson") || path.ends_with(".json");
    sink.rows = std::make_unique<SortedRows>(by_time);
  }
  if (is_timeline(options_.format)) {
    output_.json = options_.format == "timeline-jsonl";
    output_.rows = std::make_unique<SortedRows>(by_time);
  }
  return options_.format == "csv" ? put(output_, heading(kVerdictColumns)) : Status{};
}

void Outputs::describe(WorkerContext& shared) const {
  if (options_.format == "jsonl") shared.output = Output::kAlerts;
  if (options_.format == "csv") shared.output = Output::kVerdicts;
  const auto add = [&](const Sink& sink) {
    shared.timelines.push_back(sink.json ? Output::kTimelineJson : Output::kTimelineCsv);
  };
  for (const Sink& sink : timelines_) add(sink);
  if (output_.rows) add(output_);
}

Status Outputs::add(std::string_view text, const std::vector<RowBatch>& timelines) {
  TOCSIN_TRY_STATUS(put(output_, text));
  for (std::size_t i = 0; i < timelines.size(); ++i) {
    Sink& sink = i < timelines_.size() ? timelines_[i] : output_;
    TOCSIN_TRY_STATUS(sink.rows->add(timelines[i]));
  }
  return {};
}

Status Outputs::put(Sink& sink, std::string_view text) {
  if (text.empty() || std::fwrite(text.data(), 1, text.size(), sink.file) == text.size()) return {};
  return fail(ErrorCode::kExhausted, sink.path + ": the output could not be written (disk full?)");
}

Status Outputs::close(Sink& sink) {
  if (sink.rows) {
    if (!sink.json) TOCSIN_TRY_STATUS(put(sink, heading(kTimelineColumns)));
    if (auto status = sink.rows->write_to(sink.file); !status)
      return fail(status.error().code, sink.path + ": " + status.error().message);
  }
  if (std::fflush(sink.file) == 0) return {};
  return fail(ErrorCode::kExhausted, sink.path + ": the output could not be written (disk full?)");
}

Status Outputs::finish() {
  TOCSIN_TRY_STATUS(close(output_));
  for (Sink& sink : timelines_) TOCSIN_TRY_STATUS(close(sink));
  return {};
}

bool Outputs::writes_to_terminal() const { return ::isatty(fileno(output_.file)) == 1; }

}  // namespace tocsin::cli::scan
