// SPDX-License-Identifier: Apache-2.0
//
// The metric families of the stages. docs/metrics.md explains each; a new one needs a line there.
//
//   meters -> families -> core/metrics
#pragma once

#include <span>

#include "core/metrics/registry.h"
#include "core/trace/tracer.h"

namespace tocsin::pipeline {

namespace family {

// Both stages.
extern const metrics::Family kBuildInfo;
extern const metrics::Family kEvents;
extern const metrics::Family kEventBytes;
extern const metrics::Family kDeadLetters;
extern const metrics::Family kBusQueue;
extern const metrics::Family kSpansExported;
extern const metrics::Family kSpansDropped;
extern const metrics::Family kSpansQueued;

// produce
extern const metrics::Family kAcknowledged;
extern const metrics::Family kNotStored;
extern const metrics::Family kFilesSkipped;
extern const metrics::Family kSpoolRecords;
extern const metrics::Family kSpoolBytes;
extern const metrics::Family kSpoolBytesMax;
extern const metrics::Family kSpoolOldestSeconds;
extern const metrics::Family kSendSeconds;

// detect
extern const metrics::Family kWorkers;
extern const metrics::Family kDetections;
extern const metrics::Family kRepaired;
extern const metrics::Family kRuleMatches;
extern const metrics::Family kClassifySeconds;
extern const metrics::Family kBatchSeconds;
extern const metrics::Family kWaitSeconds;
extern const metrics::Family kLatencySeconds;
extern const metrics::Family kLagMessages;
extern const metrics::Family kLagSeconds;
extern const metrics::Family kPartitions;
extern const metrics::Family kSkippedOffsets;
extern const metrics::Family kLostPartitions;
extern const metrics::Family kPollErrors;
extern const metrics::Family kOutputSeconds;
extern const metrics::Family kOutputFailures;
extern const metrics::Family kOutputRetries;
extern const metrics::Family kMemoLookups;
extern const metrics::Family kRules;
extern const metrics::Family kReloads;
extern const metrics::Family kReloadOk;
extern const metrics::Family kReloadTime;

// store; the rest of its families are detect's
extern const metrics::Family kStored;

}  // namespace family

[[nodiscard]] std::span<const metrics::Family* const> common_families();
[[nodiscard]] std::span<const metrics::Family* const> produce_families();
[[nodiscard]] std::span<const metrics::Family* const> detect_families();
[[nodiscard]] std::span<const metrics::Family* const> store_families();

// "1": the version is in the label.
void add_build_info(metrics::Answers& answers);
// What became of the spans.
void add_spans(metrics::Answers& answers, const trace::Tracer& tracer);

}  // namespace tocsin::pipeline
