// SPDX-License-Identifier: Apache-2.0
//
// Who may do what: roles and routes, login, tokens, CSRF, host names, other sites.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "console_world.h"

namespace tocsin::test {
namespace {

// A path of the route with something in its parts.
std::string path_of(const console::Route& route, const ConsoleWorld& world) {
  std::string path = route.pattern;
  for (const auto& [part, value] :
       {std::pair<std::string, std::string>("{alert_id}", world.alert_ids().front()),
        {"{id}", kShadowRule},
        {"{topic}", "raw-events"}})
    if (const std::size_t at = path.find(part); at != std::string::npos)
      path.replace(at, part.size(), value);
  return path;
}

}  // namespace

TEST_CASE("every route and every role: nobody, viewer, analyst, admin") {
  ConsoleWorld world({.users = true});
  using console::Role;
  for (const auto& [user, role] :
       {std::pair("", Role::kNone), std::pair("vera", Role::kViewer),
        std::pair("anna", Role::kAnalyst), std::pair("adam", Role::kAdmin)}) {
    world.login(user);
    for (const console::Route& route : world.console().router().routes()) {
      if (route.pattern.ends_with("/session")) continue;  // below
      if (route.pattern.ends_with("/tail") || route.pattern.ends_with("/live")) {
        if (role != Role::kNone) continue;  // endless
      }
      CAPTURE(user);
      CAPTURE(route.method);
      CAPTURE(route.pattern);
      const Got got = world.send(route.method, path_of(route, world),
                                 route.method == "GET" ? "" : R"({"nonsense":1})");
      CAPTURE(got.body.substr(0, 200));
      if (route.role != Role::kNone && role == Role::kNone)
        CHECK(got.status == 401);
      else if (role < route.role)
        CHECK(got.status == 403);
      else if (route.method == "GET")
        CHECK((got.status == 200 || got.status == 400 || got.status == 404));
      else
        CHECK((got.status == 400 || got.status == 404));  // past the guard, at the body
    }
  }
}

TEST_CASE("login and logout: the cookie's attributes, the wrong password, the session's end") {
  ConsoleWorld world({.users = true});
  Got session = world.get("/session");
  CHECK(session.status == 200);
  CHECK(session.json.yes("/login_required"));
  CHECK(session.json.is_null("/user"));
  CHECK(session.json.is_null("/csrf"));
  CHECK(world.post("/session", R"({"user":"anna","password":"wrong"})").status == 401);
  CHECK(world.post("/session", R"({"user":"nobody","password":"wrong"})")
            .json.text("/error/message") == "user or password are wrong");
  const Got login =
      world.post("/session", fmt::format(R"({{"user":"anna","password":"{}"}})", kPassword));
  REQUIRE(login.status == 200);
  const std::string cookie = login.header("Set-Cookie");
  CHECK(cookie.find("HttpOnly") != std::string::npos);
  CHECK(cookie.find("SameSite=Strict") != std::string::npos);
  CHECK(login.json.text("/role") == "analyst");
  world.login("anna");
  CHECK(world.get("/session").json.text("/user") == "anna");
  CHECK(world.get("/alerts").status == 200);
  CHECK(world.remove("/session").status == 204);
  CHECK(world.get("/alerts").status == 401);
  world.login("adam");
  const Got audit = world.get("/audit?limit=500");
  CHECK(audit.body.find("login.refused") != std::string::npos);
  CHECK(audit.body.find("wrong") == std::string::npos);  // no password is logged
}

TEST_CASE("guessing is slowed down, for the address and for the user") {
  ConsoleWorld world({.users = true});
  int refused = 0;
  for (int i = 0; i < 8; ++i)
    refused += world.post("/session", R"({"user":"adam","password":"guess"})").status == 429;
  CHECK(refused == 3);
  // Also with the right password: nobody learns that it was right.
  CHECK(world.post("/session", fmt::format(R"({{"user":"adam","password":"{}"}})", kPassword))
            .status == 429);
}

TEST_CASE("a good account buys no guesses at others") {
  ConsoleWorld world({.users = true});
  const std::string good = fmt::format(R"({{"user":"vera","password":"{}"}})", kPassword);
  int refused = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string guess = fmt::format(R"({{"user":"guess{}","password":"guess"}})", i);
    refused += world.post("/session", guess).status == 429;
    if (i < 4) CHECK(world.post("/session", good).status == 200);
  }
  CHECK(refused == 3);
}

TEST_CASE("changes need the CSRF token, a JSON body and no other site") {
  ConsoleWorld world({.users = true});
  world.login("adam");
  const std::string path = "/alerts/" + world.alert_ids().front() + "/triage";
  const std::string body = R"({"status":"closed"})";
  const auto status = [&](const httplib::Headers& more) {
    return world.send("PATCH", path, body, more).status;
  };
  CHECK(status({{"X-CSRF-Token", ""}}) == 403);
  CHECK(status({{"X-CSRF-Token", std::string(64, 'a')}}) == 403);
  CHECK(status({{"Content-Type", "text/plain"}}) == 415);
  CHECK(status({{"Content-Type", "application/x-www-form-urlencoded"}}) == 415);
  CHECK(status({{"Origin", "http://evil.example"}}) == 403);
  CHECK(status({{"Origin", "null"}}) == 403);
  CHECK(world.get("/alerts/" + world.alert_ids().front()).json.text("/triage/status") == "new");
  const std::string here = world.console().url();  // http://127.0.0.1:PORT
  const std::string port = here.substr(here.rfind(':') + 1);
  for (const std::string& other :
       {std::string("http://localhost:1234"), std::string("http://127.0.0.1"),
        "http://localhost:" + port, "ftp://127.0.0.1:" + port, "127.0.0.1:" + port, here + "0",
        "http://127.0.0.1.example:" + port}) {
    CAPTURE(other);
    CHECK(status({{"Origin", other}, {"Host", "127.0.0.1:" + port}}) == 403);
  }
  CHECK(status({{"Origin", here}, {"Host", "127.0.0.1:" + port}}) == 200);
  CHECK(status({}) == 200);
}

TEST_CASE("without a login the CSRF token is needed all the same") {
  ConsoleWorld world;
  CHECK_FALSE(world.get("/session").json.yes("/login_required"));
  world.headers.erase("X-CSRF-Token");
  const std::string path = "/alerts/" + world.alert_ids().front() + "/triage";
  CHECK(world.patch(path, R"({"status":"closed"})").status == 403);
  CHECK(world.post("/session", R"({"user":"a","password":"b"})").status == 403);
}

TEST_CASE("on loopback only names of loopback are answered: DNS rebinding") {
  ConsoleWorld world;
  for (const char* host :
       {"localhost", "localhost:8642", "127.0.0.1", "127.0.0.1:1", "[::1]:8642", "LOCALHOST"}) {
    CAPTURE(host);
    CHECK(world.send("GET", "/session", "", {{"Host", host}}).status == 200);
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80",
                           "evil.example:8642", "", "[::2]"}) {
    CAPTURE(host);
    const Got got = world.send("GET", "/session", "", {{"Host", host}});
    CHECK((got.status == 403));
    CHECK(got.body.find("csrf") == std::string::npos);
  }
}

TEST_CASE("a bearer token is an admin without cookie and CSRF; a wrong one is nobody") {
  const std::string token = "0123456789abcdef0123456789abcdef";
  ConsoleWorld world({.token = token});
  CHECK(world.get("/alerts").status == 401);
  const auto with = [&](const std::string& value) {
    return httplib::Headers{{"Authorization", value}};
  };
  const std::string path = std::string("/rules/") + kShadowRule;
  CHECK(world.send("GET", "/alerts", "", with("Bearer " + token)).status == 200);
  CHECK(world.send("PATCH", path, R"({"level":"low"})", with("Bearer " + token)).status == 200);
  for (const std::string& wrong :
       {"Bearer " + token + "0", std::string("Bearer "), "Basic " + token, "bearer" + token,
        std::string("Bearer 0123456789abcdef0123456789abcdee")}) {
    CAPTURE(wrong);
    CHECK(world.send("GET", "/alerts", "", with(wrong)).status == 401);
  }
  // In a browser it is the password of the user "token".
  const Got login =
      world.post("/session", fmt::format(R"({{"user":"token","password":"{}"}})", token));
  CHECK(login.json.text("/role") == "admin");
}

TEST_CASE("a stolen or made-up cookie opens nothing") {
  ConsoleWorld world({.users = true});
  for (const char* cookie : {"tocsin_session=", "tocsin_session=x", "tocsin_session=../../etc",
                             "other=1; tocsin_session=deadbeef", "__Host-tocsin=deadbeef"}) {
    CAPTURE(cookie);
    CHECK(world.send("GET", "/alerts", "", {{"Cookie", cookie}}).status == 401);
  }
}

}  // namespace tocsin::test
