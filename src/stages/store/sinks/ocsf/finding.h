// SPDX-License-Identifier: Apache-2.0
//
// An alert as OCSF (Open Cybersecurity Schema Framework) has it: a Detection Finding, class 2004.
//
//   Alert -> append_finding() -> {"class_uid":2004,"finding_info":{...},...}
//
// Of version 1.1.0, which data lakes read today; what it names stayed valid in later versions.
#pragma once

#include <string>
#include <string_view>

#include "core/event/verdict.h"

namespace tocsin::store::ocsf {

inline constexpr std::string_view kSchemaVersion = "1.1.0";

// One compact JSON object, no newline. finding_info.uid is the alert's id: whoever reads findings
// tells repeats by it. What OCSF has no place for is in `unmapped`.
// Threads: thread-safe.
void append_finding(std::string& out, const Alert& alert);

}  // namespace tocsin::store::ocsf
