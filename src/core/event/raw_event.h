// SPDX-License-Identifier: Apache-2.0
//
// RawEvent: one event as its source gave it, and where it came from.
//
//   files, stdin, simulator -> RawEvent -> topic raw-events   (or straight into `tocsin scan`)
#pragma once

#include <cstdint>
#include <string>

#include "core/event/level.h"

namespace tocsin {

// What a simulator knows about the event it made; it travels in record headers, never in the event.
struct Truth {
  std::string scenario;   // "" when the event carries no truth
  std::string tactic;     // ATT&CK tactic slug ("credential-access") or "benign"
  std::string technique;  // "T1003.001" or ""
};

struct Origin {
  std::string path;        // file path as the user gave it, "-" for stdin, "synthetic"; a member of
                           // an archive is "archive.zip!member.json"
  std::uint64_t line = 0;  // 1-based line of a text source; 0 otherwise
  std::uint64_t record_id = 0;  // EventRecordID of an EVTX record; 0 otherwise
};

struct RawEvent {
  std::string json;  // the event exactly as its agent wrote it (EVTX: as the decoder renders it)
  Origin origin;
  Truth truth;
};

}  // namespace tocsin
