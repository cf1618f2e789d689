// SPDX-License-Identifier: Apache-2.0
//
// /session: who one is, login and logout. /openapi.json, /healthz.
#include "app/console/http/json_body.h"
#include "app/console/routes/routes.h"
#include "base/embedded_files.h"

namespace tocsin::console {
namespace {

Reply session_reply(const Context& context, const Identity& identity) {
  return json_object([&](JsonWriter& json) {
    text_or_null(json, "user", identity.user);
    text_or_null(json, "role", to_string(identity.role));
    json.member("login_required", context.guard.login_required());
    text_or_null(json, "csrf", identity.csrf);
    json.member("version", context.options.version);
    json.key("links");
    json.object([&] { text_or_null(json, "jaeger", context.options.jaeger); });
  });
}

Answer log_in(const Context& context, const Call& call) {
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"user", "password"}));
  TOCSIN_TRY(const auto user, body.text("user", 64));
  TOCSIN_TRY(const auto password, body.text("password", 1'024));
  if (!user || !password)
    return refuse(ApiCode::kInvalid, "user and password are wanted", user ? "password" : "user");
  auto login = context.guard.login(call, *user, *password);
  Call named = call;
  named.identity.user = *user;
  if (login) named.identity.role = login->identity.role;
  // Who guesses without end must not fill the log.
  if (login || login.error().code != ApiCode::kRateLimited)
    TOCSIN_TRY_STATUS(context.audit(named, login ? "login" : "login.refused", *user, ""));
  if (!login) return tl::unexpected<ApiError>(login.error());
  Reply reply = session_reply(context, login->identity);
  reply.headers.emplace_back("Set-Cookie", login->cookie);
  return reply;
}

Answer log_out(const Context& context, const Call& call) {
  if (!call.identity.session_key.empty())
    TOCSIN_TRY_STATUS(context.audit(call, "logout", call.identity.user, ""));
  Reply reply;
  reply.status = 204;
  reply.headers.emplace_back("Set-Cookie", context.guard.logout(call.identity));
  return reply;
}

Answer openapi() {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.path != "src/app/console/openapi.json") continue;
    Reply reply;
    reply.embedded = file.bytes;
    return reply;
  }
  return refuse(ApiCode::kNotFound, "openapi.json is not part of this program");
}

}  // namespace

void add_session_routes(Router& router, const Context& context) {
  router.add("GET", "/session", Role::kNone, {}, [&context](const Call& call) -> Answer {
    return session_reply(context, call.identity);
  });
  router.add("POST", "/session", Role::kNone, {},
             [&context](const Call& call) { return log_in(context, call); });
  router.add("DELETE", "/session", Role::kNone, {},
             [&context](const Call& call) { return log_out(context, call); });
  router.add("GET", "/openapi.json", Role::kNone, {}, [](const Call&) { return openapi(); });
  router.add("GET", "/healthz", Role::kNone, {}, [](const Call&) -> Answer {
    return json_object([](JsonWriter& json) { json.member("status", "ok"); });
  });
}

}  // namespace tocsin::console
