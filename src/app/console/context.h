// SPDX-License-Identifier: Apache-2.0
//
// Context: what the routes answer from, made once at the start.
//
//   Options -> Console -> Context -> routes/*.cc
#pragma once

#include <string>
#include <string_view>

#include "app/console/auth/guard.h"
#include "app/console/data/bus_watch.h"
#include "app/console/data/letter_tally.h"
#include "app/console/data/live_feed.h"
#include "app/console/data/overrides_file.h"
#include "app/console/data/rule_desk.h"
#include "app/console/data/traces.h"
#include "app/console/http/call.h"
#include "app/console/options.h"
#include "base/json_writer.h"
#include "core/bus/bus.h"
#include "stages/store/search/archive.h"
#include "stages/store/search/triage.h"

namespace tocsin::console {

// Ownership: borrows everything from the Console. Threads: all of it is thread-safe.
struct Context {
  const Options& options;
  bus::Bus& bus;
  Guard& guard;
  BusWatch& watch;
  RuleDesk& rules;
  LetterTally& letters;
  store::search::Archive& archive;
  store::search::Triage& triage;
  LiveFeed& live;
  Traces& traces;
  OverridesFile* overrides;  // null: rules cannot be changed

  // Into the audit log: who did what to what. A change that cannot be logged is not made, so this
  // comes first.
  [[nodiscard]] Status audit(const Call& call, std::string_view action, std::string_view target,
                             std::string_view detail) const;
};

// A JSON object by `body(JsonWriter&)`, as an answer.
template <class Body>
[[nodiscard]] Reply json_object(Body&& body) {
  std::string out;
  JsonWriter json(out);
  json.object([&] { body(json); });
  return json_reply(std::move(out));
}

// The member as RFC 3339, null for 0.
void time_member(JsonWriter& json, std::string_view name, UnixNanos time);
// The member as a text, null when it is empty.
void text_or_null(JsonWriter& json, std::string_view name, std::string_view text);
void list_member(JsonWriter& json, std::string_view name, const std::vector<std::string>& items);

}  // namespace tocsin::console
