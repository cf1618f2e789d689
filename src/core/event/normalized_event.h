// SPDX-License-Identifier: Apache-2.0
//
// NormalizedEvent: an event as rules see it: named values and the kind of log it is.
//
//   JSON bytes -> stages/normalize -> NormalizedEvent -> stages/match
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace tocsin {

using FieldId = std::uint32_t;
inline constexpr FieldId kNoField = UINT32_MAX;

// The field names that some rule reads, numbered from 0.
// Threads: immutable once the engine is built.
class FieldTable {
 public:
  FieldId intern(std::string_view name) {
    const auto found = ids_.find(name);
    if (found != ids_.end()) return found->second;
    const auto id = static_cast<FieldId>(names_.size());
    ids_.emplace(names_.emplace_back(name), id);
    return id;
  }
  [[nodiscard]] FieldId find(std::string_view name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? kNoField : found->second;
  }
  [[nodiscard]] const std::string& name(FieldId id) const { return names_[id]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 private:
  std::deque<std::string> names_;  // the map's keys view them
  std::unordered_map<std::string_view, FieldId> ids_;
};

enum class ValueKind : std::uint8_t {
  kString,
  kNumber,
  kBool,
  kNull,
  kContainer,  // an object, or an array of nothing: the field is there, and no text can be tested
};

struct FieldValue {
  FieldId field = kNoField;  // kNoField: no rule reads it by name, but keywords search it
  ValueKind kind = ValueKind::kString;
  // A string's characters; a bool's text; a number as the one text of its value (10.0 is "10"), so
  // that equality of text is equality of numbers; empty for null and containers.
  std::string_view text;
  // `text` is still as JSON writes it (between the quotes of a string, escapes and all): decoded()
  // in core/event/json_text.h gives the above. Most values are never decoded.
  bool encoded = false;

  // Whether there is a text to test.
  [[nodiscard]] bool has_text() const { return kind < ValueKind::kNull; }
};

// Ownership: views the event's bytes and its normalizer's memory; valid until the next event is
// normalized.
struct NormalizedEvent {
  // The JSON object that the event was read from; every encoded value is a part of it. Empty when
  // the values come from elsewhere.
  std::string_view json;
  std::uint32_t route = 0;  // which kind of log: index into sigma::Taxonomy::routes()
  std::string_view channel;
  std::string_view provider;
  std::string_view event_code;
  std::string_view host;
  std::string_view user;
  std::string_view record_id;
  std::string_view time_text;  // as the event writes it
  std::string_view body_id;    // `event.id`
  UnixNanos timestamp = 0;     // 0 when the event has no readable time
  bool repaired = false;       // bytes that were not UTF-8, or control characters, were replaced
  std::vector<FieldValue> values;
};

}  // namespace tocsin
