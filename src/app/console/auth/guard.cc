// SPDX-License-Identifier: Apache-2.0
#include "app/console/auth/guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/console/auth/secrets.h"
#include "base/http/url.h"

namespace tocsin::console {
namespace {

// What an unknown user's password is compared with, so that the answer takes as long.
constexpr const char* kNobodysHash =
    "scrypt$15$8$1$00000000000000000000000000000000$"
    "0000000000000000000000000000000000000000000000000000000000000000";

std::string cookie_value(std::string_view header, const std::string& name) {
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t end = std::min(header.find(';', at), header.size());
    std::string_view one = header.substr(at, end - at);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && one.size() > name.size() && one[name.size()] == '=')
      return std::string(one.substr(name.size() + 1));
    at = end + 1;
  }
  return {};
}

}  // namespace

std::string host_name(std::string_view text) {
  std::string out;
  if (text.starts_with('[')) {
    out = text.substr(1, std::min(text.find(']'), text.size()) - 1);
  } else {
    const std::size_t colon = text.rfind(':');
    const bool port = colon != std::string_view::npos && text.find(':') == colon;
    out = text.substr(0, port ? colon : text.size());
  }
  return lower(out);
}

std::string origin_of(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return {};
  const std::string scheme = lower(url.substr(0, colon));
  if (scheme != "http" && scheme != "https") return {};
  const std::string_view rest = url.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::string host = host_name(authority);
  if (host.empty()) return {};
  const bool ipv6 = authority.starts_with('[');
  const std::size_t behind = authority.rfind(':');
  const bool has_port = behind != std::string_view::npos &&
                        (ipv6 ? behind > authority.find(']') : authority.find(':') == behind);
  const std::string_view port = has_port            ? authority.substr(behind + 1)
                                : scheme == "https" ? std::string_view("443")
                                                    : std::string_view("80");
  return fmt::format("{}://{}:{}", scheme, ipv6 ? "[" + host + "]" : host, port);
}

Guard::Guard(GuardOptions options)
    : options_(std::move(options)),
      login_required_(!options_.users.empty() || !options_.token.empty()),
      local_csrf_(random_token()) {}

tl::expected<void, ApiError> Guard::admit_host(const Call& call) const {
  // Elsewhere a login is needed, and its cookie goes to the name that it was made for only.
  if (!options_.loopback && options_.hosts.empty()) return {};
  const std::string host = host_name(call.header("host"));
  if (options_.hosts.contains(host) || (options_.loopback && http::is_loopback(host))) return {};
  return refuse(ApiCode::kForbidden,
                "this console does not answer under that host name; --public-url allows one");
}

std::string Guard::cookie_name() const {
  return options_.secure_cookie ? "__Host-tocsin" : "tocsin_session";
}

std::string Guard::cookie(std::string_view token, bool remove) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", cookie_name(), token,
                     options_.secure_cookie ? "; Secure" : "", remove ? "; Max-Age=0" : "");
}

Identity Guard::identify(const Call& call) {
  const std::string_view authorization = call.header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (!authorization.empty()) {
    if (!options_.token.empty() && authorization.starts_with(kBearer) &&
        same_secret(authorization.substr(kBearer.size()), options_.token))
      return {std::string(kTokenUser), Role::kAdmin, "", ""};
    return {};  // whoever shows a wrong token is not somebody else
  }
  if (!login_required_) return {"local", Role::kAdmin, local_csrf_, ""};
  const std::string token = cookie_value(call.header("cookie"), cookie_name());
  if (token.empty()) return {};
  return sessions_.find(token).value_or(Identity{});
}

tl::expected<void, ApiError> Guard::admit(const Call& call, const Route& route) const {
  const Identity& identity = call.identity;
  if (route.role != Role::kNone && identity.role == Role::kNone)
    return refuse(ApiCode::kUnauthorized, "log in first");
  if (identity.role < route.role)
    return refuse(ApiCode::kForbidden,
                  fmt::format("that is for the role {}; {} has {}", to_string(route.role),
                              identity.user, to_string(identity.role)));
  if (!route.changes) return {};
  const std::string_view type = call.header("content-type");
  if (!call.body.empty() &&
      type.substr(0, std::min(type.find(';'), type.size())) != "application/json")
    return refuse(ApiCode::kWrongType, "content-type: application/json is wanted");
  const std::string_view origin = call.header("origin");
  if (!origin.empty()) {
    // Behind a proxy that ends TLS the scheme is not ours: it is taken from the origin.
    const std::string from = origin_of(origin);
    const std::string here =
        origin_of(fmt::format("{}://{}", origin.substr(0, origin.find(':')), call.header("host")));
    if (from.empty() || (from != here && !options_.origins.contains(from)))
      return refuse(ApiCode::kForbidden, "the request comes from another site");
  }
  if (!identity.csrf.empty() && !same_secret(call.header("x-csrf-token"), identity.csrf))
    return refuse(ApiCode::kForbidden,
                  "the header X-CSRF-Token is missing or wrong; GET /api/v1/session tells it");
  return {};
}

bool Guard::knows(const std::string& user, const std::string& password, Role& role) {
  if (user == kTokenUser && !options_.token.empty()) {
    role = Role::kAdmin;
    return same_secret(password, options_.token);
  }
  const auto found = options_.users.find(user);
  const std::lock_guard lock(hashing_);
  const bool right = verify_password(password, found == options_.users.end()
                                                   ? std::string_view(kNobodysHash)
                                                   : std::string_view(found->second.hash));
  if (found == options_.users.end() || !right) return false;
  role = found->second.role;
  return true;
}

Checked<Guard::Login> Guard::login(const Call& call, const std::string& user,
                                   const std::string& password) {
  if (!login_required_) return refuse(ApiCode::kConflict, "this console has no login");
  if (!limit_.admit(call.address, user))
    return refuse(ApiCode::kRateLimited, "too many attempts; wait a minute");
  Role role = Role::kNone;
  if (!knows(user, password, role))
    return refuse(ApiCode::kUnauthorized, "user or password are wrong");
  limit_.succeeded(call.address, user);
  const std::string token = sessions_.open(user, role);
  return Login{sessions_.find(token).value_or(Identity{}), cookie(token, false)};
}

std::string Guard::logout(const Identity& identity) {
  if (!identity.session_key.empty()) sessions_.close(identity.session_key);
  return cookie("", true);
}

}  // namespace tocsin::console
