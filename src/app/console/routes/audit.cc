// SPDX-License-Identifier: Apache-2.0
//
// /audit: who changed what.
#include "app/console/routes/routes.h"

namespace tocsin::console {
namespace {

Answer audit(const Context& context, const Call& call) {
  store::search::PageRequest page;
  TOCSIN_TRY(const std::int64_t limit, call.limit());
  page.limit = static_cast<std::size_t>(limit);
  TOCSIN_TRY(page.cursor, call.text("cursor"));
  TOCSIN_TRY(const auto found, context.archive.audit(page));
  return json_object([&](JsonWriter& json) {
    json.key("items");
    json.array([&] {
      for (const store::search::AuditEntry& entry : found.items)
        json.object([&] {
          time_member(json, "time", entry.time);
          json.member("user", entry.user);
          json.member("role", entry.role);
          json.member("action", entry.action);
          json.member("target", entry.target);
          json.member("detail", entry.detail);
          json.member("address", entry.address);
        });
    });
    text_or_null(json, "next", found.next);
  });
}

}  // namespace

void add_audit_routes(Router& router, const Context& context) {
  router.add("GET", "/audit", Role::kViewer, {"limit", "cursor"},
             [&context](const Call& call) { return audit(context, call); });
}

}  // namespace tocsin::console
