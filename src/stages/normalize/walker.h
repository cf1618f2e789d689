// SPDX-License-Identifier: Apache-2.0
//
// Walker: one pass over an event's JSON; every scalar with the name that Sigma gives its place.
//
//   Event.System.Provider.#attributes.Name -> Provider_Name      Event.EventData.Image -> Image
//   winlog.event_data.Image -> Image                             a.b.c of anything else -> a.b.c
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "stages/normalize/name_table.h"

namespace tocsin::normalize {

enum class Shape : std::uint8_t { kEvtx, kWinlogbeat, kFlat };

struct RawValue {
  const NameEntry* entry;  // null: no rule reads it by name
  std::string_view token;  // JSON text: "..." with its quotes, a number, true, false or null
  bool frame;              // stands where the event's own channel, id, host and time stand
};

// Threads: one thread. Errors: kInvalid with simdjson's word for it.
class Walker {
 public:
  Walker(const NameTable& names, Arena& arena, std::vector<RawValue>& values)
      : names_(names), arena_(arena), values_(values) {}

  [[nodiscard]] Status walk(simdjson::ondemand::document& document);
  [[nodiscard]] Shape shape() const { return shape_; }

 private:
  using Object = simdjson::ondemand::object;
  using Value = simdjson::ondemand::value;

  [[nodiscard]] Status walk_root(Object object);
  [[nodiscard]] Status walk_event(Object object);
  [[nodiscard]] Status walk_system(Object object);
  [[nodiscard]] Status walk_attributes(std::string_view prefix, Object object, bool frame);
  [[nodiscard]] Status walk_data(std::string_view parent, Object object, int depth);
  [[nodiscard]] Status walk_user_data(Object object);
  [[nodiscard]] Status walk_winlog(Object object);
  // Everything below `value`, named by its path; arrays give every element the array's name.
  [[nodiscard]] Status walk_any(std::string_view name, Value value, bool frame, int depth);
  [[nodiscard]] Status add(std::string_view name, Value value, bool frame);
  void add_without_blanks(std::string_view name, std::string_view token);
  [[nodiscard]] std::string_view join(std::string_view a, char separator, std::string_view b);

  const NameTable& names_;
  Arena& arena_;
  std::vector<RawValue>& values_;
  Shape shape_ = Shape::kFlat;
};

}  // namespace tocsin::normalize
