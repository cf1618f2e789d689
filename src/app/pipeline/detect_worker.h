// SPDX-License-Identifier: Apache-2.0
//
// One worker of the stage detect: a consumer of the group, a matcher, a publisher.
//
//   poll -> batch -> verdicts, alerts -> sinks -> commit (of one batch or several)
#pragma once

#include <atomic>
#include <cstddef>

#include "app/pipeline/detect.h"

namespace tocsin::pipeline {

// Returns when told to stop, when the topic is read and that was asked for, or on an error that no
// repetition mends. Threads: as many as there are workers, one each; `number` from 0.
[[nodiscard]] Status run_detect_worker(const DetectParts& parts, const DetectOptions& options,
                                       const std::atomic<bool>& stop, DetectStats& stats,
                                       std::size_t number);

}  // namespace tocsin::pipeline
