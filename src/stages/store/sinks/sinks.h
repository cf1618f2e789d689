// SPDX-License-Identifier: Apache-2.0
//
// The sinks beside those of sink.h: files of JSON lines, and OCSF findings on a topic. OpenSearch
// is in opensearch/.
//
//   SinkBatch -> FILE of verdicts and alerts | FILE or topic of OCSF findings
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"
#include "stages/store/sink.h"

namespace tocsin::store {

struct FileSinkOptions {
  bool detections_only = false;  // of the verdicts
  bool fsync = true;
  Rotation rotation = {};
};

enum class Lines : std::uint8_t {
  kRecords,   // verdicts and alerts, as their topics have them
  kFindings,  // alerts as OCSF Detection Findings
};

// One JSON object a line. Positions are in `path`.offsets; a pipe or a device has none.
// kInvalid when the file exists and is none of JSON lines, or cannot be opened.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_json_lines(const std::string& path, Lines lines,
                                                            FileSinkOptions options);

// Alerts as OCSF Detection Findings, on a topic of the bus, key: the host. Without positions: after
// a crash a finding may be there twice, with the same finding_info.uid.
// Ownership: the bus must outlive it.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_finding_topic(bus::Bus& bus, std::string topic);

}  // namespace tocsin::store
