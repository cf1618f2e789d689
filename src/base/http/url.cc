// SPDX-License-Identifier: Apache-2.0
#include "base/http/url.h"

#include <arpa/inet.h>

namespace tocsin::http {

std::optional<Url> Url::parse(const std::string& text) {
  Url url(curl_url());
  if (!url.url_ || curl_url_set(url.url_.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return std::nullopt;
  return url;
}

bool is_loopback(const std::string& host) {
  in_addr address{};
  const bool ipv4 = inet_pton(AF_INET, host.c_str(), &address) == 1 && host.starts_with("127.");
  return ipv4 || host == "localhost" || host == "::1" || host == "[::1]";
}

bool Url::is_loopback() const { return http::is_loopback(host()); }

void Url::forget_credentials() {
  set(CURLUPART_USER, nullptr);
  set(CURLUPART_PASSWORD, nullptr);
}

std::string Url::part(CURLUPart which) const {
  char* text = nullptr;
  if (curl_url_get(url_.get(), which, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

std::string without_credentials(const std::string& text) {
  std::optional<Url> url = Url::parse(text);
  if (!url) return text;
  url->forget_credentials();
  return url->text();
}

}  // namespace tocsin::http
