// SPDX-License-Identifier: Apache-2.0
#include "app/console/context.h"

#include "base/log.h"

namespace tocsin::console {

Status Context::audit(const Call& call, std::string_view action, std::string_view target,
                      std::string_view detail) const {
  log_info("console: {} {} {} {}", call.identity.user, action, target, detail);
  return {};
}

void time_member(JsonWriter& json, std::string_view name, UnixNanos time) {
  json.key(name);
  if (time == 0)
    json.null();
  else
    json.value(format_rfc3339(time, 6));
}

void text_or_null(JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  if (text.empty())
    json.null();
  else
    json.value(text);
}

void list_member(JsonWriter& json, std::string_view name, const std::vector<std::string>& items) {
  json.key(name);
  json.array([&] {
    for (const std::string& item : items) json.value(item);
  });
}

}  // namespace tocsin::console
