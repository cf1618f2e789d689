// SPDX-License-Identifier: Apache-2.0
//
// Parts of the console by themselves: passwords, users, moments, cursors, the bundle.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "app/console/auth/guard.h"
#include "app/console/auth/secrets.h"
#include "app/console/auth/users.h"
#include "app/console/data/filter_draft.h"
#include "app/console/data/message_view.h"
#include "app/console/http/gzip.h"
#include "app/console/web/bundle.h"
#include "base/http/url.h"
#include "console_world.h"

namespace tocsin::test {

using namespace console;

TEST_CASE("passwords: the right one, wrong ones, hashes that are none") {
  const std::string hash = hash_password("correct horse").value();
  CHECK(hash.starts_with("scrypt$15$8$1$"));
  CHECK(hash != hash_password("correct horse").value());  // salted
  CHECK(verify_password("correct horse", hash));
  for (const char* wrong : {"", "correct horse ", "Correct horse", "correct"})
    CHECK_FALSE(verify_password(wrong, hash));
  for (const char* none : {"", "x", "scrypt$15$8$1$zz$zz", "scrypt$99$8$1$00$00", "plain:text",
                           "scrypt$15$8$1$00000000000000000000000000000000$00"}) {
    CAPTURE(none);
    CHECK_FALSE(is_password_hash(none));
    CHECK_FALSE(verify_password("", none));
  }
  CHECK(same_secret("abc", "abc"));
  CHECK_FALSE(same_secret("abc", "abcd"));
  CHECK(random_token() != random_token());
}

TEST_CASE("the users' file: added, replaced, its mistakes named without the hash") {
  const std::string folder = std::filesystem::temp_directory_path() / "tocsin-users-test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/users";
  REQUIRE(add_user(path, "ann", Role::kAnalyst, "password one"));
  std::ofstream(path, std::ios::app) << "# a comment\n";
  REQUIRE(add_user(path, "bob", Role::kViewer, "password two"));
  REQUIRE(add_user(path, "ann", Role::kAdmin, "password three"));
  const auto users = read_users(path);
  REQUIRE(users);
  REQUIRE(users->size() == 2);
  CHECK(users->at("ann").role == Role::kAdmin);
  CHECK(verify_password("password three", users->at("ann").hash));
  CHECK(read_file(path).find("# a comment") != std::string::npos);
  const auto rights = std::filesystem::status(path).permissions();
  CHECK((rights & std::filesystem::perms::others_all) == std::filesystem::perms::none);
  CHECK_FALSE(add_user(path, "bad:name", Role::kViewer, "long enough"));
  CHECK_FALSE(add_user(path, "carl", Role::kViewer, "short"));
  CHECK_FALSE(add_user(path, "token", Role::kViewer, "long enough"));
  for (const char* line : {"nonsense", "a:b", "ann:king:x", "a b:viewer:x", "ann:viewer:secret"}) {
    std::ofstream(path) << line << "\n";
    const auto wrong = read_users(path);
    CAPTURE(line);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find(":1:") != std::string::npos);
    CHECK(wrong.error().message.find("secret") == std::string::npos);
  }
  CHECK(read_users(folder + "/none").error().code == ErrorCode::kNotFound);
  std::filesystem::remove_all(folder);
}

TEST_CASE("moments") {
  const UnixNanos now = 1'700'000'000'000'000'000;
  CHECK(parse_moment("now", now) == now);
  CHECK(parse_moment("-15m", now) == now - 900'000'000'000);
  CHECK(parse_moment("-7d", now) == now - 604'800'000'000'000);
  CHECK(parse_moment("2023-11-14T22:13:20Z", now) == now);
  for (const char* wrong : {"", "-", "-m", "-1", "-1y", "15m", "--1m", "-9999999999m", "soon"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_moment(wrong, now).has_value());
  }
}

TEST_CASE("cursors of pages, and what is none") {
  const std::map<std::int32_t, std::int64_t> bounds = {{0, 5}, {3, 0}, {12, 9'000'000'000}};
  PageRequest page;
  REQUIRE(read_page_cursor(page_cursor(Direction::kForward, bounds), page));
  CHECK(page.bounds == bounds);
  CHECK(page.direction == Direction::kForward);
  for (const char* wrong : {"", "x", "f.", "f.1", "f.1-", "f.-1-2", "f.1-2.", "f1-2", "f.1--2",
                            "b.99999999999-1", "f.1-99999999999999999999"}) {
    PageRequest other;
    CAPTURE(wrong);
    CHECK_FALSE(read_page_cursor(wrong, other));
  }
}

TEST_CASE("origins: scheme, host and port") {
  for (const auto& [url, origin] : {std::pair("http://A.example", "http://a.example:80"),
                                    {"HTTPS://soc.example/tocsin/", "https://soc.example:443"},
                                    {"https://soc.example:8443?x", "https://soc.example:8443"},
                                    {"http://[::1]:8642", "http://[::1]:8642"},
                                    {"http://[::1]", "http://[::1]:80"},
                                    {"null", ""},
                                    {"soc.example", ""},
                                    {"ftp://soc.example", ""},
                                    {"https://", ""},
                                    {"https://:80", ""}}) {
    CAPTURE(url);
    CHECK(origin_of(url) == origin);
  }
}

TEST_CASE("host names") {
  CHECK(host_name("LocalHost:80") == "localhost");
  CHECK(host_name("[::1]:80") == "::1");
  CHECK(host_name("example.org") == "example.org");
  CHECK(http::is_loopback("127.0.0.1"));
  CHECK(http::is_loopback("::1"));
  CHECK_FALSE(http::is_loopback("0.0.0.0"));
  CHECK_FALSE(http::is_loopback("localhost.example"));
  CHECK_FALSE(http::is_loopback("127.0.0.1.evil.example"));
  CHECK_FALSE(http::is_loopback("127.evil.example"));
}

TEST_CASE("wildcards of Sigma are escaped") {
  CHECK(escape_sigma("C:\\x\\*?") == "C:\\\\x\\\\\\*\\?");
}

TEST_CASE("gzip and back, and a bomb") {
  const std::string text(100'000, 'x');
  const auto packed = gzip(text);
  REQUIRE(packed);
  CHECK(packed->size() < 2'000);
  CHECK(gunzip(*packed, 200'000) == text);
  CHECK_FALSE(gunzip(*packed, 10'000).has_value());
  CHECK_FALSE(gunzip("nonsense", 10'000).has_value());
}

TEST_CASE("the bundle: files with their type and tag, views answer with the application") {
  const std::string index = gzip("<!doctype html>app").value();
  const std::string script = gzip("code()").value();
  const WebFile files[] = {{"assets/index-4f2a9c1b.js", script}, {"index.html", index}};
  const auto ask = [&](const std::string& path, const std::string& tag = "") {
    Call call;
    call.method = "GET";
    call.path = path;
    if (!tag.empty()) call.headers["if-none-match"] = tag;
    return serve_bundle(call, files);
  };
  const auto header = [](const Reply& reply, const std::string& name) {
    for (const auto& [key, value] : reply.headers)
      if (key == name) return value;
    return std::string();
  };
  const Reply page = ask("/");
  CHECK(page.type == "text/html; charset=utf-8");
  CHECK(page.compressed);
  CHECK(gunzip(page.bytes(), 1'000) == "<!doctype html>app");
  CHECK(header(page, "Cache-Control") == "no-cache");
  const Reply code = ask("/assets/index-4f2a9c1b.js");
  CHECK(code.type == "text/javascript; charset=utf-8");
  CHECK(header(code, "Cache-Control").find("immutable") != std::string::npos);
  CHECK(ask("/assets/index-4f2a9c1b.js", header(code, "ETag")).status == 304);
  for (const char* view : {"/alerts", "/alerts/4f2a", "/rules/x.y", "/topics/raw-events"}) {
    CAPTURE(view);
    CHECK(ask(view).status == 200);
    CHECK(ask(view).type == "text/html; charset=utf-8");
  }
  for (const char* none : {"/assets/gone.js", "/favicon.ico", "/../../etc/passwd.txt"}) {
    CAPTURE(none);
    CHECK(ask(none).status == 404);
  }
}

}  // namespace tocsin::test
