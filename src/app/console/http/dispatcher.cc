// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace tocsin::console {
namespace {

tl::expected<void, ApiError> check_params(const Call& call, const Route& route) {
  for (const auto& [name, value] : call.params)
    if (std::find(route.params.begin(), route.params.end(), name) == route.params.end())
      return refuse(
          ApiCode::kInvalid,
          fmt::format("'{}' is no parameter of this request", repair_utf8(name.substr(0, 64))),
          repair_utf8(name.substr(0, 64)));
  return {};
}

}  // namespace

Answer Dispatcher::answer(Call& call) const {
  if (auto admitted = guard_.admit_host(call); !admitted) return tl::unexpected(admitted.error());
  // Where orchestrators look by habit.
  if (call.path == "/healthz") call.path = std::string(Router::kBase) + "/healthz";
  const bool api = call.path == "/api" || call.path.starts_with("/api/");
  Router::Found found = router_.find(call.method, call.path);
  if (found.route == nullptr) {
    if (!api && call.method == "GET") return files_(call);
    if (found.allowed.empty()) return refuse(ApiCode::kNotFound, "there is no such path");
    Reply reply = error_reply({ApiCode::kNotAllowed, "the method is one of " + found.allowed});
    reply.headers.emplace_back("Allow", found.allowed);
    return reply;
  }
  call.parts = std::move(found.parts);
  for (const auto& [name, part] : call.parts)
    if (!is_utf8(part)) return refuse(ApiCode::kInvalid, "the path is not UTF-8", name);
  call.identity = guard_.identify(call);
  if (auto admitted = guard_.admit(call, *found.route); !admitted)
    return tl::unexpected(admitted.error());
  if (auto checked = check_params(call, *found.route); !checked)
    return tl::unexpected(checked.error());
  return found.route->handler(call);
}

Reply Dispatcher::serve(Call& call) const {
  Answer answered = answer(call);
  Reply reply = answered ? *std::move(answered) : error_reply(answered.error());
  const bool cached = std::any_of(reply.headers.begin(), reply.headers.end(),
                                  [](const auto& h) { return h.first == "Cache-Control"; });
  if (!cached) reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

}  // namespace tocsin::console
