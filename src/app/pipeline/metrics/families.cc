// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/metrics/families.h"

#include <array>

namespace tocsin::pipeline {

using metrics::Family;
using metrics::Kind;

namespace {

// Matching takes microseconds, writing and waiting take milliseconds, an outage takes hours.
constexpr std::array kMicroBounds = {1e-6,   2.5e-6, 5e-6, 1e-5,   2.5e-5, 5e-5, 1e-4,
                                     2.5e-4, 5e-4,   1e-3, 2.5e-3, 1e-2,   1e-1, 1.0};
constexpr std::array kMilliBounds = {1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1,
                                     0.25, 0.5,    1.0,  2.5,  5.0,    10.0, 30.0};
constexpr std::array kWaitBounds = {5e-3, 1e-2, 2.5e-2, 5e-2, 0.1,   0.25,   0.5,    1.0,    2.5,
                                    5.0,  10.0, 30.0,   60.0, 300.0, 1800.0, 7200.0, 86400.0};

}  // namespace

namespace family {

// clang-format off
constexpr Family kBuildInfo{"tocsin_build_info", Kind::kGauge,
    "Always 1; the labels tell which program it is.", {}};
constexpr Family kEvents{"tocsin_events_total", Kind::kCounter,
    "Events that the stage has read.", {}};
constexpr Family kEventBytes{"tocsin_event_bytes_total", Kind::kCounter,
    "Bytes of these events, as JSON.", {}};
constexpr Family kDeadLetters{"tocsin_dead_letters_total", Kind::kCounter,
    "Inputs that could not be read and went to the dead-letter topic, by reason.", {}};
constexpr Family kBusQueue{"tocsin_bus_queue_records", Kind::kGauge,
    "Records given to the bus and not yet acknowledged.", {}};
constexpr Family kSpansExported{"tocsin_spans_exported_total", Kind::kCounter,
    "Spans that a destination of traces has taken.", {}};
constexpr Family kSpansDropped{"tocsin_spans_dropped_total", Kind::kCounter,
    "Spans lost because a queue was full or a destination did not take them.", {}};
constexpr Family kSpansQueued{"tocsin_spans_queued", Kind::kGauge,
    "Spans that wait for their destination.", {}};

constexpr Family kAcknowledged{"tocsin_events_acknowledged_total", Kind::kCounter,
    "Events that the bus has stored durably.", {}};
constexpr Family kNotStored{"tocsin_events_not_stored_total", Kind::kCounter,
    "Records that the bus refused or did not acknowledge in time.", {}};
constexpr Family kFilesSkipped{"tocsin_files_skipped_total", Kind::kCounter,
    "Files passed over because they are no logs.", {}};
constexpr Family kSpoolRecords{"tocsin_spool_records", Kind::kGauge,
    "Records on this machine's disk that the bus has not acknowledged yet.", {}};
constexpr Family kSpoolBytes{"tocsin_spool_bytes", Kind::kGauge,
    "What they take on disk.", {}};
constexpr Family kSpoolBytesMax{"tocsin_spool_bytes_max", Kind::kGauge,
    "The bound of the spool; when it is full, producing waits.", {}};
constexpr Family kSpoolOldestSeconds{"tocsin_spool_oldest_seconds", Kind::kGauge,
    "How long the first of them has waited.", {}};
constexpr Family kSendSeconds{"tocsin_send_duration_seconds", Kind::kHistogram,
    "Time from giving an event to the bus to its acknowledgement.", kMilliBounds};

constexpr Family kWorkers{"tocsin_workers", Kind::kGauge,
    "Worker threads, each a member of the consumer group.", {}};
constexpr Family kDetections{"tocsin_detections_total", Kind::kCounter,
    "Events that at least one rule matched.", {}};
constexpr Family kRepaired{"tocsin_events_repaired_total", Kind::kCounter,
    "Events whose invalid UTF-8 was mended for matching.", {}};
constexpr Family kRuleMatches{"tocsin_rule_matches_total", Kind::kCounter,
    "Matches of rules by level; outcome is alert, or suppressed when it was held back.", {}};
constexpr Family kClassifySeconds{"tocsin_classify_duration_seconds", Kind::kHistogram,
    "Time to parse, normalise and match one event.", kMicroBounds};
constexpr Family kBatchSeconds{"tocsin_batch_duration_seconds", Kind::kHistogram,
    "Time from a batch's arrival until its offsets are committed.", kMilliBounds};
constexpr Family kWaitSeconds{"tocsin_event_wait_seconds", Kind::kHistogram,
    "Time an event waited in the topic before a worker took it.", kWaitBounds};
constexpr Family kLatencySeconds{"tocsin_event_latency_seconds", Kind::kHistogram,
    "Time from an event's publication until its verdict and alerts are durable.", kWaitBounds};
constexpr Family kLagMessages{"tocsin_consumer_lag_messages", Kind::kGauge,
    "Messages of a partition that this process reads and has not committed yet.", {}};
constexpr Family kLagSeconds{"tocsin_consumer_lag_seconds", Kind::kGauge,
    "How far behind the publication of messages a partition is processed; 0 without lag.", {}};
constexpr Family kPartitions{"tocsin_consumer_partitions", Kind::kGauge,
    "Partitions that are assigned to this process.", {}};
constexpr Family kSkippedOffsets{"tocsin_consumer_skipped_offsets_total", Kind::kCounter,
    "Offsets that never came: records deleted by retention before they were read.", {}};
constexpr Family kLostPartitions{"tocsin_consumer_commits_refused_total", Kind::kCounter,
    "Batches whose commit was refused; their events are read again.", {}};
constexpr Family kPollErrors{"tocsin_consumer_poll_errors_total", Kind::kCounter,
    "Polls that failed because the bus could not be reached.", {}};
constexpr Family kOutputSeconds{"tocsin_output_write_duration_seconds", Kind::kHistogram,
    "Time of a write of a batch to an output until it is durable.", kMilliBounds};
constexpr Family kOutputFailures{"tocsin_output_failures_total", Kind::kCounter,
    "Writes to an output that failed.", {}};
constexpr Family kOutputRetries{"tocsin_output_retries_total", Kind::kCounter,
    "Writes to an output that were tried again after a failure.", {}};
constexpr Family kMemoLookups{"tocsin_memo_lookups_total", Kind::kCounter,
    "Look-ups of the rule engine in its memos: of values, and of whole events (outcomes).", {}};
constexpr Family kRules{"tocsin_rules", Kind::kGauge,
    "Rules by state: in force, rejected, kept in their last good version, disabled.", {}};
constexpr Family kReloads{"tocsin_rules_reloads_total", Kind::kCounter,
    "Attempts to load changed rules, by outcome.", {}};
constexpr Family kReloadOk{"tocsin_rules_last_reload_successful", Kind::kGauge,
    "1 when the rules of the last load are in force, 0 when it failed.", {}};
constexpr Family kReloadTime{"tocsin_rules_last_reload_success_timestamp_seconds", Kind::kGauge,
    "When rules were last loaded, in seconds since the Unix epoch.", {}};

constexpr Family kStored{"tocsin_stored_records_total", Kind::kCounter,
    "Verdicts and alerts that a sink has taken durably.", {}};
// clang-format on

}  // namespace family

std::span<const Family* const> common_families() {
  static constexpr std::array kAll = {
      &family::kBuildInfo, &family::kEvents,        &family::kEventBytes,   &family::kDeadLetters,
      &family::kBusQueue,  &family::kSpansExported, &family::kSpansDropped, &family::kSpansQueued};
  return kAll;
}

std::span<const Family* const> produce_families() {
  static constexpr std::array kAll = {&family::kAcknowledged,       &family::kNotStored,
                                      &family::kFilesSkipped,       &family::kSpoolRecords,
                                      &family::kSpoolBytes,         &family::kSpoolBytesMax,
                                      &family::kSpoolOldestSeconds, &family::kSendSeconds};
  return kAll;
}

std::span<const Family* const> detect_families() {
  static constexpr std::array kAll = {
      &family::kWorkers,        &family::kDetections,      &family::kRepaired,
      &family::kRuleMatches,    &family::kClassifySeconds, &family::kBatchSeconds,
      &family::kWaitSeconds,    &family::kLatencySeconds,  &family::kLagMessages,
      &family::kLagSeconds,     &family::kPartitions,      &family::kSkippedOffsets,
      &family::kLostPartitions, &family::kPollErrors,      &family::kOutputSeconds,
      &family::kOutputFailures, &family::kOutputRetries,   &family::kMemoLookups,
      &family::kRules,          &family::kReloads,         &family::kReloadOk,
      &family::kReloadTime};
  return kAll;
}

std::span<const Family* const> store_families() {
  static constexpr std::array kAll = {
      &family::kStored,         &family::kBatchSeconds, &family::kLagMessages,
      &family::kLagSeconds,     &family::kPartitions,   &family::kSkippedOffsets,
      &family::kLostPartitions, &family::kPollErrors,   &family::kOutputSeconds,
      &family::kOutputFailures, &family::kOutputRetries};
  return kAll;
}

void add_build_info(metrics::Answers& answers) {
  answers.add(family::kBuildInfo, {{"version", TOCSIN_VERSION}, {"compiler", __VERSION__}}, 1);
}

void add_spans(metrics::Answers& answers, const trace::Tracer& tracer) {
  const trace::TracerStats stats = tracer.stats();
  answers.add(family::kSpansExported, {}, static_cast<double>(stats.exported));
  answers.add(family::kSpansDropped, {}, static_cast<double>(stats.dropped));
  answers.add(family::kSpansQueued, {}, static_cast<double>(stats.queued));
}

}  // namespace tocsin::pipeline
