// SPDX-License-Identifier: Apache-2.0
//
// The families that every Prometheus client library exports about its process, from /proc/self.
//
//   /proc/self/{stat,fd,limits} -> process_cpu_seconds_total, process_resident_memory_bytes, ...
#pragma once

#include <span>

#include "core/metrics/registry.h"

namespace tocsin::metrics {

[[nodiscard]] std::span<const Family* const> process_families();
// Linux only: elsewhere, or without /proc, nothing is added.
void add_process(Answers& answers);

}  // namespace tocsin::metrics
