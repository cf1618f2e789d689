// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/scan/damage.h"
#include "app/cli/scan/timeline.h"
#include "core/event/event_id.h"
#include "core/sigma/attack.h"
#include "stages/produce/files/document_source.h"

namespace tocsin::cli::scan {
namespace {

constexpr std::size_t kChunkBytes = 1u << 20;
constexpr std::size_t kChunkRows = 500;
constexpr std::size_t kTellEvery = 512;  // events

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

// The verdict as if only the rules of these alerts had matched.
void restate(Verdict& verdict, const std::vector<Alert>& alerts) {
  verdict.rules.clear();
  verdict.tactics.clear();
  verdict.techniques.clear();
  verdict.level = Level::kInformational;
  verdict.score = 0;
  verdict.event_class = "None";
  for (const Alert& alert : alerts) {
    verdict.rules.push_back(alert.rule_id);
    for (const std::string& tactic : alert.tactics) add_once(verdict.tactics, tactic);
    for (const std::string& technique : alert.techniques) add_once(verdict.techniques, technique);
  }
  if (alerts.empty()) return;
  verdict.level = alerts.front().level;
  verdict.score = severity_score(verdict.level);
  verdict.event_class = "Unmapped";
  if (verdict.tactics.empty()) return;
  const sigma::Tactic* tactic = sigma::Attack::built_in().tactic(verdict.tactics.front());
  verdict.event_class = tactic != nullptr ? tactic->name : verdict.tactics.front();
}

void append_row(std::string& out, Output format, const Alert& alert) {
  if (format == Output::kTimelineCsv)
    append_timeline_csv(out, alert);
  else
    append_timeline_json(out, alert);
}

}  // namespace

Worker::Worker(WorkerContext& shared)
    : shared_(shared),
      reader_(shared.plan),
      classifier_(
          shared.engine, shared.taxonomy,
          shared.all_verdicts ? pipeline::Identify::kAll : pipeline::Identify::kDetections) {
  chunk_.timelines.resize(shared.timelines.size());
}

void Worker::run() {
  while (!shared_.stop) {
    const std::optional<produce::Part> part = shared_.plan.next();
    if (!part) return;
    read_part(*part);
  }
}

void Worker::read_part(const produce::Part& part) {
  part_ = part.number;
  reader_.open(part);
  produce::EventView event;
  produce::Problem problem;
  for (bool more = true; more && !shared_.stop;) {
    switch (reader_.next(event, problem)) {
      case produce::Next::kEvent:
        take(event);
        break;
      case produce::Next::kProblem:
        note(std::move(problem));
        break;
      case produce::Next::kIdle:
        tell_progress();
        break;
      case produce::Next::kEnd:
        more = false;
        break;
    }
  }
  tell_progress();
  hand_on(part.last_of_file);
  shared_.in_order.finish(part.number);
}

// A line that is refused may hold several events, or one and something else: those that are whole
// count, as they do in a document.
void Worker::take(const produce::EventView& event) {
  if (++since_told_ >= kTellEvery) tell_progress();
  const Status status = take_value(event);
  if (status) [[likely]]
    return;
  const auto [values, damaged] = produce::values_of_line(event.json);
  produce::EventView one = event;
  for (const std::string& value : values) {
    one.json = value;
    ++place_in_line_;
    if (const Status refused = take_value(one); !refused) note_unreadable(event, refused.error());
  }
  place_in_line_ = 0;
  if (damaged || values.empty()) note_unreadable(event, status.error());
}

Status Worker::take_value(const produce::EventView& event) {
  pipeline::EventSource source;
  source.file_path = event.path;
  source.line = event.line;
  source.record_id = event.record_id;
  TOCSIN_TRY_STATUS(classifier_.classify(event.json, source, result_));
  count_event(event.path);
  chunk_.findings.counts.repaired += result_.repaired;
  chunk_.findings.counts.unknown += !result_.known && !shared_.kind_given;
  chunk_.findings.events.add(result_.verdict.timestamp);
  if (!result_.alerts.empty() || shared_.all_verdicts) keep(event);
  return {};
}

// Of consecutive events of one file.
void Worker::count_event(std::string_view path) {
  ++chunk_.findings.counts.events;
  auto& files = chunk_.events_of_files;
  if (files.empty() || files.back().first != path) files.emplace_back(path, 0);
  ++files.back().second;
}

void Worker::keep(const produce::EventView& event) {
  if (shared_.filter.any()) drop_filtered();
  const bool wanted = !result_.alerts.empty() ||
                      (shared_.all_verdicts &&
                       shared_.filter.keeps(result_.verdict.timestamp, result_.verdict.host));
  if (!wanted) return;
  give_ids(event, reader_.line(event));
  write();
  if (chunk_.text.size() > kChunkBytes || chunk_.report_rows.size() > kChunkRows ||
      chunk_.findings.counts.alerts > 20 * kChunkRows)
    hand_on(false);
}

void Worker::drop_filtered() {
  const std::size_t before = result_.alerts.size();
  std::erase_if(result_.alerts, [&](const Alert& alert) { return !shared_.filter.keeps(alert); });
  if (result_.alerts.size() != before) restate(result_.verdict, result_.alerts);
}

// What an event without alerts does not need. An event that nothing identifies is known by its
// place.
void Worker::give_ids(const produce::EventView& event, std::uint64_t line) {
  Verdict& verdict = result_.verdict;
  const bool nameless = verdict.event_id.is_nil();
  if (nameless) {
    verdict.event_id = event_id_from_position(
        event.path, place_in_line_, static_cast<std::int64_t>(line != 0 ? line : event.record_id));
    verdict.trace_id = trace::trace_id_of(verdict.event_id);
  }
  verdict.classified_at = shared_.now;
  for (Alert& alert : result_.alerts) {
    alert.line = line;
    alert.created = shared_.now;
    if (!nameless) continue;
    alert.event_id = verdict.event_id;
    alert.trace_id = verdict.trace_id;
    alert.alert_id = make_alert_id(alert.event_id, alert.rule_id);
  }
}

void Worker::write() {
  if (shared_.output == Output::kVerdicts) append_csv(chunk_.text, result_.verdict);
  if (result_.alerts.empty()) return;
  ++chunk_.findings.counts.detections;
  for (Alert& alert : result_.alerts) {
    chunk_.findings.add(alert);
    if (shared_.output == Output::kAlerts) {
      append_json(chunk_.text, alert);
      chunk_.text.push_back('\n');
    }
    for (std::size_t i = 0; i < shared_.timelines.size(); ++i) {
      RowBatch& batch = chunk_.timelines[i];
      const std::size_t before = batch.text.size();
      append_row(batch.text, shared_.timelines[i], alert);
      batch.rows.push_back({alert.timestamp, batch.text.size() - before});
    }
    if (shared_.report) chunk_.report_rows.push_back(std::move(alert));
  }
}

void Worker::note(produce::Problem&& problem) {
  shared_.problems += !problem.skipped_only;
  problem.bytes.clear();
  auto& troubles = chunk_.troubles;
  if (troubles.size() >= Damage::kToldMax) {
    const auto same = [&](const Chunk::Trouble& trouble) {
      return trouble.problem.code == problem.code &&
             trouble.problem.origin.path == problem.origin.path;
    };
    if (std::all_of(troubles.end() - Damage::kToldMax, troubles.end(), same)) {
      ++troubles.back().count;
      return;
    }
  }
  troubles.push_back({std::move(problem), 1});
}

void Worker::note_unreadable(const produce::EventView& event, const Error& error) {
  ++chunk_.findings.counts.unreadable;
  const std::uint64_t line = reader_.line(event);
  produce::Problem problem;
  problem.origin = {std::string(event.path), line, event.record_id};
  problem.code = "event.invalid";
  problem.message =
      fmt::format("{}:{}: {}", event.path, line != 0 ? line : event.record_id, error.message);
  note(std::move(problem));
}

void Worker::tell_progress() {
  shared_.bytes += reader_.take_progress();
  shared_.events += std::exchange(since_told_, 0);
  const std::uint64_t alerts = chunk_.findings.counts.alerts;
  shared_.alerts += alerts - std::exchange(told_alerts_, alerts);
  if (stop_requested()) shared_.stop = true;
}

void Worker::hand_on(bool ends_file) {
  tell_progress();
  told_alerts_ = 0;
  chunk_.ends_file = ends_file;
  shared_.in_order.push(part_, std::exchange(chunk_, {}));
  chunk_.timelines.resize(shared_.timelines.size());
}

}  // namespace tocsin::cli::scan
