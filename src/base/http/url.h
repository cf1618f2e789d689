// SPDX-License-Identifier: Apache-2.0
//
// A URL (RFC 3986, as libcurl reads it) and its parts.
//
//   "https://me:secret@host:9200/path?x#y" -> scheme, user, password, host, path, query, fragment
#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>

namespace tocsin::http {

class Url {
 public:
  // Nothing when it is no URL with a scheme that libcurl knows.
  [[nodiscard]] static std::optional<Url> parse(const std::string& text);

  // A part that is not there is empty. IPv6 addresses keep their brackets.
  [[nodiscard]] std::string scheme() const { return part(CURLUPART_SCHEME); }
  [[nodiscard]] std::string user() const { return part(CURLUPART_USER); }
  [[nodiscard]] std::string password() const { return part(CURLUPART_PASSWORD); }
  [[nodiscard]] std::string host() const { return part(CURLUPART_HOST); }
  [[nodiscard]] std::string path() const { return part(CURLUPART_PATH); }
  [[nodiscard]] std::string query() const { return part(CURLUPART_QUERY); }
  [[nodiscard]] std::string fragment() const { return part(CURLUPART_FRAGMENT); }
  [[nodiscard]] std::string text() const { return part(CURLUPART_URL); }

  [[nodiscard]] bool is_http() const { return scheme() == "http" || scheme() == "https"; }
  // No proxy is asked for this machine.
  [[nodiscard]] bool is_loopback() const;

  void set_path(const std::string& path) { set(CURLUPART_PATH, path.c_str()); }
  // Takes out user and password.
  void forget_credentials();
  void forget_query() { set(CURLUPART_QUERY, nullptr); }

 private:
  struct Free {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };
  explicit Url(CURLU* url) : url_(url) {}
  [[nodiscard]] std::string part(CURLUPart which) const;
  void set(CURLUPart which, const char* text) { curl_url_set(url_.get(), which, text, 0); }

  std::unique_ptr<CURLU, Free> url_;
};

// This machine, by name or by address (also "[::1]"); not a name that only begins like an address,
// for anybody can own 127.0.0.1.example.
[[nodiscard]] bool is_loopback(const std::string& host);

// The URL without user name and password, for people and records. What is no URL comes back as it
// is.
[[nodiscard]] std::string without_credentials(const std::string& text);

}  // namespace tocsin::http
