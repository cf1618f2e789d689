// SPDX-License-Identifier: Apache-2.0
#include "app/console/context.h"

#include "base/utf8.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kAuditBytes = 2'000;

}  // namespace

Status Context::audit(const Call& call, std::string_view action, std::string_view target,
                      std::string_view detail) const {
  return triage.audit({.time = now_ns(),
                       .user = call.identity.user,
                       .role = std::string(to_string(call.identity.role)),
                       .action = std::string(action),
                       .target = repair_utf8(target.substr(0, kAuditBytes)),
                       .detail = repair_utf8(detail.substr(0, kAuditBytes)),
                       .address = call.address});
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
