// SPDX-License-Identifier: Apache-2.0
//
// Guard: who may do what. Asked before every route.
//
//   Call -> admit_host() -> identify() -> admit(route) -> route;   login(), logout()
//
// Three ways to be somebody: a bearer token (admin), a session cookie after a login, or, when
// neither users nor a token are configured, everybody is `local` (admin). The last is allowed on
// loopback only; what keeps other web sites away there is the check of the Host header (DNS
// rebinding), SameSite cookies and the CSRF token, which no other site can read.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "app/console/auth/login_limit.h"
#include "app/console/auth/sessions.h"
#include "app/console/auth/users.h"
#include "app/console/http/call.h"
#include "app/console/http/router.h"

namespace tocsin::console {

struct GuardOptions {
  bool loopback = true;        // where the server listens
  bool secure_cookie = false;  // under TLS, or behind a proxy that ends it
  Users users;
  std::string token;            // empty: none
  std::set<std::string> hosts;  // names besides those of loopback; lower case, without port
  // Where pages come from besides the address that is asked: what a proxy is called by browsers.
  std::set<std::string> origins;  // as origin_of() writes them
};

// Threads: thread-safe.
class Guard {
 public:
  explicit Guard(GuardOptions options);

  [[nodiscard]] bool login_required() const { return login_required_; }

  // Whether the Host header names this server.
  [[nodiscard]] tl::expected<void, ApiError> admit_host(const Call& call) const;
  // Role::kNone: nobody we know.
  [[nodiscard]] Identity identify(const Call& call);
  // Role, CSRF token, origin and content type.
  [[nodiscard]] tl::expected<void, ApiError> admit(const Call& call, const Route& route) const;

  struct Login {
    Identity identity;
    std::string cookie;  // the value of Set-Cookie
  };
  // The user "token" logs in with the token.
  [[nodiscard]] Checked<Login> login(const Call& call, const std::string& user,
                                     const std::string& password);
  // The value of Set-Cookie that removes the cookie.
  [[nodiscard]] std::string logout(const Identity& identity);

 private:
  [[nodiscard]] std::string cookie_name() const;
  [[nodiscard]] std::string cookie(std::string_view token, bool remove) const;
  [[nodiscard]] bool knows(const std::string& user, const std::string& password, Role& role);

  const GuardOptions options_;
  const bool login_required_;
  const std::string local_csrf_;
  Sessions sessions_;
  LoginLimit limit_;
  std::mutex hashing_;  // one at a time: each takes 32 MiB and a core
};

// The host of "HOST:PORT" or "[IPV6]:PORT", lower case, without brackets.
[[nodiscard]] std::string host_name(std::string_view text);
// Scheme, host and port of a URL (RFC 6454), lower case, the port also where it is the scheme's
// own: "https://soc.example:443". Empty when it is no http or https URL.
[[nodiscard]] std::string origin_of(std::string_view url);

}  // namespace tocsin::console
