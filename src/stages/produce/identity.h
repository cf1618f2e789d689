// SPDX-License-Identifier: Apache-2.0
//
// What the producer must know of an event before it is sent: who it is, whose it is, when it was.
//
//   RawEvent -> IdentityReader -> computer, channel, record id, time -> event id, record key, pace
//
// The shapes of evtx_dump ({"Event": {"System": ...}}), Winlogbeat ({"winlog": ...}) and flat
// agents (Hostname or Computer, Channel, RecordNumber or EventRecordID, EventTime or TimeCreated).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "core/event/raw_event.h"

namespace tocsin::produce {

// Empty where the event does not say.
struct Identity {
  std::string event_id;  // body event.id
  std::string computer;
  std::string channel;
  std::string record_id;
  std::string time;
  std::string traceparent;  // of an agent that traces its own work

  void clear();
};

// Threads: one thread.
class IdentityReader {
 public:
  IdentityReader();
  ~IdentityReader();
  IdentityReader(const IdentityReader&) = delete;
  IdentityReader& operator=(const IdentityReader&) = delete;

  // Valid until the next call. Text that is not a JSON object gives what was read before the fault.
  // `json` grows its capacity (not its size) for the parser's padding.
  const Identity& read(std::string& json);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  Identity identity_;
};

// By the contract's order; what says nothing of itself is identified by where it stands and what it
// says: `absolute_path`, line and content. So the same file sent again gives the same ids.
[[nodiscard]] Uuid event_id_of(const Identity& identity, const RawEvent& event,
                               std::string_view absolute_path);

}  // namespace tocsin::produce
